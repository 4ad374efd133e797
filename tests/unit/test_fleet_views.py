"""How machines, GPUs and processes look: what is not known is never 0, hostile text is harmless, MIG, hidden users."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faces.fixed_runs import NOW
from tests.faces.tui.world_fleet import fleet_views
from tests.faces.tui.world_queue import OTTER
from tests.faces.tui.world_views import GIB, H100, gpu, gpu1, process, view, world_views
from workbench.entities.base import from_wire, to_wire
from workbench.entities.machine_view import MachineView
from workbench.text import narrowing
from workbench.text.style import Look
from workbench.text.tables import Cell
from workbench.views import fleet, fleet_filter, gpus, hosts, processes, prometheus, top
from workbench.views.gpus import Measure, Use


def row(item: dict[str, Any]) -> fleet.Row:
    return fleet.row({"name": item["name"]}, item)


@pytest.mark.parametrize("name", [*fleet_views(), *world_views()])
def test_the_scripted_machines_are_what_the_server_says(name: str) -> None:
    """The world the screens are tested on has the form of the entity, field by field."""
    item = (fleet_views() | world_views())[name]
    entity = from_wire(MachineView, item)
    back = to_wire(entity)

    def known(value: Any, other: Any) -> None:
        if isinstance(value, dict):
            assert set(value) <= set(other)
            for key, inner in value.items():
                known(inner, other[key])
        elif isinstance(value, list):
            for one, two in zip(value, other, strict=True):
                known(one, two)

    known({key: value for key, value in item.items() if value is not None}, back)


# Whose a GPU is


@pytest.mark.parametrize(
    ("sample", "held", "others", "use"),
    [
        ({}, False, False, Use.UNKNOWN),
        ({"utilisation": 0, "memory_used": 0}, False, False, Use.FREE),
        ({"utilisation": 60}, False, False, Use.OTHERS),
        ({"utilisation": 0, "memory_used": 30 * GIB}, False, False, Use.OTHERS),
        ({"utilisation": 0}, False, True, Use.OTHERS),
        ({"utilisation": 60}, True, False, Use.OURS),
        ({"utilisation": 2}, True, False, Use.IDLE),
        ({"memory_used": 3 * GIB}, True, False, Use.OURS),
        ({"utilisation": 60, "temperature": 86}, True, False, Use.HOT),
        ({"utilisation": 60, "throttle": ["software thermal"]}, True, False, Use.HOT),
        ({"utilisation": 60, "throttle": ["power cap"]}, True, False, Use.OURS),
        ({"error": "lost"}, True, True, Use.ERROR),
    ],
)
def test_whose_a_gpu_is(sample: dict[str, Any], held: bool, others: bool, use: Use) -> None:
    assert gpus.use_of(sample, held, others) is use


def test_owners_are_runs_leases_and_users() -> None:
    item = gpu1()
    item["held"]["GPU-gpu1-1"] = "shell of ann\x1b[2J"
    owners = {gpu.sample["index"]: gpus.owner(gpu, item) for gpu in gpus.gpus_of(item)}
    assert owners == {0: "(bob) +1", 1: "shell of ann", 2: "calm-otter-42", 3: "calm-otter-42"}
    unseen = view("a", [gpu("a", 0, 50)])
    assert gpus.owner(gpus.gpus_of(unseen)[0], unseen) == "(hidden)"
    unseen["sample"]["gpus"][0]["temperature"] = 91
    assert gpus.gpus_of(unseen)[0].use is gpus.Use.HOT
    assert gpus.owner(gpus.gpus_of(unseen)[0], unseen) == "(hidden)"


def test_a_divided_card_is_its_instances() -> None:
    found = gpus.gpus_of(fleet_views()["mig-1"])
    assert len(found) == 7
    assert gpus.level(found[0].sample, Measure.UTILISATION) is None
    assert gpus.level(found[5].sample, Measure.MEMORY) == 0.5
    assert "".join(cell.text for cell in gpus.strip(found, Measure.UTILISATION, False)) == "·------"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA GeForce RTX 4090", "4090"),
        ("NVIDIA RTX A6000", "A6000"),
        ("NVIDIA RTX 6000 Ada Generation", "6000 Ada"),
        ("Tesla V100-SXM2-32GB", "V100"),
        ("NVIDIA A100-SXM4-80GB MIG 1g.10gb", "A100 1g.10gb"),
        ("AMD Instinct MI250X", "MI250X"),
        ("NVIDIA GeForce RTX 3080 Ti", "3080 Ti"),
        ("", "GPU"),
        ("\x1b[31mOdd\u202e", "Odd"),
    ],
)
def test_kinds_are_short(name: str, kind: str) -> None:
    assert gpus.kind_of(name) == kind


def test_heights_and_their_figures() -> None:
    def strip(plain: bool, measure: Measure = Measure.UTILISATION) -> str:
        utils: list[float | None] = [0, 3, 30, 60, 97, 100, None]
        known = [
            gpus.Gpu({"utilisation": util, "memory_used": 1, "memory_total": 2}, Use.OURS) for util in utils
        ]
        broken = [gpus.Gpu({"error": "hung"}, Use.ERROR), gpus.Gpu({"utilisation": 0}, Use.FREE)]
        return "".join(cell.text for cell in gpus.strip([*known, *broken], measure, plain))

    assert strip(False) == "▁▁▃▅▇█-x·"
    assert strip(True) == "00369" + "9-x."
    assert strip(False, Measure.MEMORY) == "▄▄▄▄▄▄▄x-"


def test_more_gpus_than_cells_share_them_each_as_bad_as_its_worst() -> None:
    many = [gpus.Gpu({"utilisation": 50}, Use.OURS)] * 63 + [gpus.Gpu({"error": "lost"}, Use.ERROR)]
    shown = "".join(cell.text for cell in gpus.strip(many, Measure.UTILISATION, False))
    assert len(shown) == gpus.MOST
    assert shown[-1] == "x"
    assert set(shown[:-1]) == {"▄"}


def test_state_is_never_colour_alone() -> None:
    """Without colours, every kind of trouble is still told apart."""
    shown = {
        name: (
            fleet.state(row(item), {}, True).text,
            "".join(c.text for c in gpus.strip(row(item).gpus, Measure.UTILISATION, True)),
        )
        for name, item in fleet_views().items()
    }
    assert shown["dgx-01"][0] == "* up"
    assert shown["dgx-02"] == ("x fault", "99099999")
    assert shown["box-4"][0] == "~ late"
    assert shown["box-5"][0] == "? lost"
    assert shown["spare-9"][1] == "1......."
    assert shown["lab-7"][1] == "4x"


# Figures


def test_absent_everywhere_is_a_dash_everywhere() -> None:
    bare = view("bare", [{"uuid": "GPU-x"}], [{"pid": 1, "gpus": [{"gpu": "GPU-x"}]}], host={}, driver={})
    found = row(bare)
    figures = (found.util, found.memory, found.power, found.temperature, found.cpu, found.ram, found.disk)
    assert figures == (None,) * 7
    assert hosts.memory_bar({}, False) == hosts.power({}) == hosts.traffic({}) == hosts.clock({}) == "-"
    assert hosts.facts(bare, False) == []
    said = processes.texts(processes.rows(bare)[0])
    assert {said[name] for name in ("gpumem", "sm", "cpu", "rss", "age", "command")} == {"-"}
    told = {
        line.split("{")[0] for line in prometheus.exposition([bare]).splitlines() if not line.startswith("#")
    }
    assert told == {
        "wb_target_up",
        "wb_target_sample_age_seconds",
        "wb_gpu_info",
        "wb_gpu_error",
        "wb_gpu_free",
    }


def test_zero_is_zero() -> None:
    idle = view("idle", [gpu("idle", 0, 0, 0)], host={"cpu": 0.0, "memory_total": GIB, "memory_used": 0})
    assert (row(idle).util, row(idle).memory, row(idle).cpu, row(idle).ram) == (0, 0, 0, 0)
    assert fleet.share(0.0) == "0%"
    assert dict(hosts.facts(idle, False))["CPU"].text == "0%"


NUMBERS = st.one_of(st.none(), st.floats(allow_nan=True), st.integers(-(2**70), 2**70), st.text(max_size=5))


TEXTS = st.one_of(st.none(), st.text(max_size=40))


@given(
    st.lists(
        st.fixed_dictionaries(
            {"uuid": st.text(max_size=8)},
            optional={
                "index": NUMBERS,
                "name": TEXTS,
                "utilisation": NUMBERS,
                "memory_used": NUMBERS,
                "memory_total": NUMBERS,
                "temperature": NUMBERS,
                "power": NUMBERS,
                "power_limit": NUMBERS,
                "error": TEXTS,
                "throttle": st.lists(st.text(max_size=20), max_size=3),
            },
        ),
        max_size=4,
    ),
    TEXTS,
    NUMBERS,
)
def test_whatever_a_machine_says_is_drawn_and_harmless(
    found: list[dict[str, Any]], text: str | None, cpu: Any
) -> None:
    item = view(
        "m",
        found,
        [process(1, [(gpu["uuid"], None, None) for gpu in found], user=text, command=text)],
        host={"cpu": cpu},
        problem=text,
    )
    watched = top.Watched(item, row(item), 1.0)
    lines = [*top.fleet_lines([watched], Look(80), NOW), *top.machine_lines(watched, Look(80), NOW)]
    assert not [
        line for line in lines for sign in line if category(sign) in ("Cc", "Cs") or sign == "\u202e"
    ], lines
    assert prometheus.exposition([item]).endswith("\n")


# What is wrong


def test_sentences_stand_in_the_order_of_their_weight() -> None:
    views = fleet_views()

    def said(name: str) -> list[str]:
        return [cell.text for cell in fleet.problems({}, views[name], 95.0, NOW)]

    assert said("dgx-02") == ["15 GB left where runs are kept", "gpu2 idle 14m, held by run-81"]
    assert said("lab-7") == ["GPU 1 fell off the bus (Xid 79)"]
    assert said("box-5") == ["it does not answer; trying again in 12s", "last seen 1m ago"]
    assert said("evil") == ["line one line two red"]
    assert said("dgx-01") == []
    views["lab-7"]["alerts"] = [
        {"rule": "gpu-lost", "gpu": "GPU-lab-7-1", "severity": "bad", "text": "GPU 1 is gone"}
    ]
    assert said("lab-7") == ["GPU 1 is gone"], "what a rule tells is not told twice"


def test_the_fleet_in_figures_and_what_is_free() -> None:
    rows = [row(item) for item in fleet_views().values()]
    assert fleet.summary(fleet.totals(rows)) == (
        "11 up  2 stale   60 GPUs  70% busy  1 idle but held  1 fell off the bus"
    )
    free = fleet.free_now(rows)
    assert free[0] == ("7x A100", "spare-9:1-7")
    assert not any("old-3" in where for _, where in free), "a cordoned machine takes no run"
    amd = view("mi-1", [gpu("mi-1", 0, 0, 0.1, "AMD Instinct MI300X", 192)], driver={"source": "sysfs"})
    assert fleet.free_now([row(amd)]) == [], "the queue gives out NVIDIA's GPUs"
    assert fleet.indices(("0", "1", "3", "4", "5", "x")) == "0,1,3-5,x"


# Processes


def test_processes_are_gathered_by_run_and_unfold() -> None:
    item = gpu1()
    titles = [(found.title, found.user, found.procs) for found in processes.rows(item)]
    assert titles == [("calm-otter-42", "ann", 2), ("(no run)", "ann", 1), ("(other users)", "bob", 1)]
    unfolded = processes.rows(item, {f"run {OTTER}"})
    assert [found.title for found in unfolded[1:3]] == ["pid 4711", "pid 4712"]
    assert unfolded[0].gpu_percent == 176
    assert not unfolded[0].can_be_ended
    assert unfolded[1].can_be_ended
    assert not processes.rows(item)[2].can_be_ended


def test_memory_nobody_we_see_has_is_told_and_a_context_is_not() -> None:
    hidden = view(
        "a", [gpu("a", 0, 50, 40), gpu("a", 1, 50, 10)], [process(1, [("GPU-a-1", 9.5, None)], "r")]
    )
    last = processes.rows(hidden)[-1]
    assert (last.title, last.gpus, last.gpu_memory) == ("(hidden)", ("0",), 40 * GIB)
    unknown = view("a", [gpu("a", 0, 50, 40)], [process(1, [("GPU-a-0", None, None)], "r")])
    assert [found.title for found in processes.rows(unknown)] == ["r"], "how much is not known"


# Filters


def test_a_card_that_never_said_its_name_is_no_second_kind() -> None:
    named, nameless = gpu("a", 0, 0, 0, H100), {"uuid": "GPU-a-1", "error": "hung"}
    assert list(gpus.kinds(gpus.gpus_of(view("a", [named, nameless])))) == ["H100"]
    assert list(gpus.kinds(gpus.gpus_of(view("a", [nameless])))) == ["GPU"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("util<5 & held", {"dgx-02"}),
        ("util<5 held", {"dgx-02"}),
        ("free", {"mig-1", "old-3", "spare-9"}),
        ("hot", {"dgx-02"}),
        ("error", {"lab-7"}),
        ("disk>90%", {"dgx-02"}),
        ("gpus=2", {"lab-7"}),
        ("mem >= 60 temp < 60 power > 200", {"box-4", "box-5"}),
        ("state=fault", {"dgx-02", "lab-7", "no-smi"}),
        ("state=lost,late", {"box-4", "box-5"}),
        ("stale", {"box-4", "box-5"}),
        ("!state=up kind=a100", {"evil"} - {"evil"}),
        ("cpu<1", set()),
        ("!dgx !stale util>50", set()),
        ("util<", set(fleet_views())),
        ("a6000", {"box-4", "box-5"}),
    ],
)
def test_filters(text: str, names: set[str]) -> None:
    terms = narrowing.parse(text, fleet_filter.TERMS)
    found = {
        name
        for name, item in fleet_views().items()
        if fleet_filter.fits(terms, row(item), " ".join([name, *gpus.kinds(row(item).gpus)]).lower())
    }
    assert found == names


@pytest.mark.parametrize("text", ["speed>1", "util<fast", "name=x"])
def test_what_cannot_be_filtered_by_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"there is no|is compared with a number"):
        narrowing.parse(text, fleet_filter.TERMS)


# For programs


def test_prometheus_leaves_out_what_is_not_known_and_escapes() -> None:
    item = view('q"uo\\te\n', [gpu("x", 0, 97, 66), {"uuid": "GPU-y", "index": 1}], host={"cpu": 28.0})
    lines = prometheus.exposition([item]).splitlines()
    target = 'target="q\\"uo\\\\te\\n"'
    assert f'wb_gpu_utilisation_ratio{{{target},gpu="GPU-x-0",index="0"}} 0.97' in lines
    assert not any("utilisation" in line and "GPU-y" in line for line in lines)
    assert (
        f"wb_host_cpu_ratio{{{target}}} 0.28" in lines
        or f"wb_host_cpu_ratio{{{target}}} 0.28" in " ".join(lines)
    )
    assert f"wb_target_up{{{target}}} 1" in lines
    for line in lines:
        assert re.fullmatch(
            r'# (HELP|TYPE) wb_\w+ .+|wb_\w+\{(\w+="([^"\\]|\\.)*",?)+\} -?[0-9.e+-]+', line
        ), line
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names))


def test_old_figures_are_said_to_be_old() -> None:
    text = prometheus.exposition([fleet_views()["box-5"]])
    assert 'wb_target_up{target="box-5"} 0' in text
    assert 'wb_target_sample_age_seconds{target="box-5"} 95' in text


# A plain terminal


@pytest.mark.parametrize("look", [Look(80), Look(120), Look(60, True), Look(40, False, True)])
def test_top_fits_the_terminal(look: Look) -> None:
    from workbench.text.cells import width

    watched = [top.Watched(item, row(item), 1.0) for item in (fleet_views() | {"gpu1": gpu1()}).values()]
    lines = [top.head(watched, look, "12:04:30"), *top.fleet_lines(watched, look, NOW)]
    for machine in watched:
        lines += top.machine_lines(machine, look, NOW)
    bare = [re.sub(r"\x1b\[\d*m", "", line) for line in lines]
    assert all(width(line) <= look.width for line in bare if not line.startswith("Free")), max(
        bare, key=width
    )
    if look.ascii_only:
        assert all(line.isascii() for line in bare)


def test_times_of_alerts_are_by_the_clock_given() -> None:
    later = datetime(2026, 11, 23, 13, 4, 30, tzinfo=UTC)
    item = fleet_views()["dgx-02"]
    found = hosts.flags(item["sample"]["gpus"][2], [item["alerts"][0]], later)
    assert [cell.text for cell in found] == ["HELD-IDLE 1h"]


def test_an_error_of_the_driver_is_as_bad_as_its_rule_says() -> None:
    card = {**gpu("x", 0, 97, 66), "xid": {"code": 79, "time": 0.0}}
    called = {"rule": "xid", "about": "79", "gpu": card["uuid"], "severity": "bad"}
    assert hosts.flags(card, [called], NOW) == [Cell("XID 79", "bad")]
    assert hosts.flags(card, [{**called, "severity": "warn"}], NOW) == [Cell("XID 79", "warn")]
    after = gpu("x", 0, 97, 66)
    assert hosts.flags(after, [called], NOW) == [Cell("XID 79", "bad")], (
        "a new probe was not there when it came"
    )
    assert [cell.text for cell in hosts.flags(card, [{**called, "about": "31"}], NOW)] == ["XID 31", "XID 79"]
