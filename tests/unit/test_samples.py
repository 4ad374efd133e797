"""What a probe sends becomes the sample it took: in full, by changes, and whatever a hostile machine says."""

from __future__ import annotations

import json
import math
import random
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.compute.samples import State
from workbench.entities.base import to_wire
from workbench.remote.forms import sample_form
from workbench.remote.forms.gpu_words import THROTTLE
from workbench.remote.probe.sample_sending import Sender

MIB = 1 << 20
WORDS = [word for _, word in THROTTLE]


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


shares = st.integers(0, 100)
sizes = st.integers(0, 1 << 40)
rates = st.floats(0, 1e11)
traffic = st.fixed_dictionaries({"received": st.none() | rates, "sent": st.none() | rates})
texts = st.text(st.characters(codec="utf-8"), max_size=30)
hosts = optional(
    cpus=st.integers(1, 512),
    cpu=st.floats(0, 100),
    load=st.lists(st.floats(0, 1000), min_size=3, max_size=3),
    memory_total=sizes,
    memory_used=sizes,
    uptime=st.floats(0, 1e7),
    users=st.integers(0, 99),
    network=traffic,
    disks=st.lists(
        st.fixed_dictionaries(
            {"path": st.sampled_from(["/", "/a", "/b", "/c"])}, optional={"free": sizes, "read": rates}
        ),
        max_size=3,
        unique_by=lambda disk: disk["path"],
    ),
)
gpus = st.fixed_dictionaries(
    {"uuid": st.sampled_from([f"GPU-{n}" for n in range(6)])},
    optional={
        "index": st.integers(0, 9),
        "name": texts,
        "utilisation": shares,
        "memory_used": sizes,
        "power": st.floats(0, 1500),
        "throttle": st.lists(st.sampled_from(WORDS), unique=True),
        "remapped": optional(corrected=st.integers(0, 99), pending=st.booleans()),
        "xid": st.fixed_dictionaries({"code": st.integers(1, 200), "time": st.floats(0, 2e9)}),
        "pcie": traffic,
        "mig": st.booleans(),
        "error": texts,
        "age": st.floats(0, 1e6),
    },
)
uses = st.fixed_dictionaries(
    {"gpu": st.sampled_from([f"GPU-{n}" for n in range(6)])},
    optional={"memory": sizes, "utilisation": shares},
)
processes = st.fixed_dictionaries(
    {"pid": st.integers(1, 9), "start": st.integers(1, 3)},
    optional={
        "user": texts,
        "command": texts,
        "gpus": st.lists(uses, max_size=3, unique_by=lambda use: use["gpu"]),
        "cpu": st.floats(0, 6400),
        "memory": sizes,
        "age": st.floats(0, 1e6),
        "mine": st.booleans(),
    },
)
samples = st.fixed_dictionaries(
    {"time": st.floats(1.6e9, 2e9), "every": st.sampled_from([0.1, 1.0, 5.0])},
    optional={
        "host": hosts,
        "driver": optional(version=texts, error=texts),
        "gpus": st.lists(gpus, max_size=5, unique_by=lambda gpu: gpu["uuid"]),
        "processes": st.lists(processes, max_size=6, unique_by=lambda one: (one["pid"], one["start"])),
        "note": st.none() | texts,
    },
)


def over_the_wire(message: dict[str, Any]) -> dict[str, Any]:
    """As the other end sees it."""
    return json.loads(json.dumps(message, allow_nan=False))


@given(st.lists(samples, min_size=1, max_size=6))
def test_changes_lead_to_the_same_sample_as_one_in_full(taken: list[dict[str, Any]]) -> None:
    sender, state = Sender(), State()
    for number, sample in enumerate(taken):
        message = over_the_wire(sender.message(sample))
        assert ("full" in message) == (number == 0)
        found = state.apply(message)
        assert sender.sent is not None
        anew = State().apply({"full": over_the_wire(sender.sent)})
        assert found == anew


@given(samples)
def test_what_was_measured_arrives(sample: dict[str, Any]) -> None:
    found = State().apply(over_the_wire(Sender().message(sample)))
    assert found.time == pytest.approx(sample["time"], abs=0.01)
    assert {gpu.uuid for gpu in found.gpus} == {gpu["uuid"] for gpu in sample.get("gpus", [])}
    for gpu in found.gpus:
        [measured] = [one for one in sample["gpus"] if one["uuid"] == gpu.uuid]
        assert gpu.utilisation == measured.get("utilisation")
        assert near(gpu.memory_used, measured.get("memory_used"), MIB)
        assert near(gpu.power, measured.get("power"), 1)
        assert gpu.throttle == in_order(measured.get("throttle"))
        assert gpu.mig == measured.get("mig")
    for process in found.processes:
        key = (process.pid, process.start)
        [measured] = [one for one in sample["processes"] if (one["pid"], one["start"]) == key]
        there = {gpu.uuid for gpu in found.gpus}
        wanted = [use for use in measured.get("gpus", []) if use["gpu"] in there]
        assert [use.gpu for use in process.gpus] == [use["gpu"] for use in wanted]
        for use, told in zip(process.gpus, wanted, strict=True):
            assert use.utilisation == told.get("utilisation")
            assert near(use.memory, told.get("memory"), MIB)
        assert near(process.age, measured.get("age"), 2)
        assert process.mine == measured.get("mine", False)


def near(found: float | None, measured: float | None, step: float) -> bool:
    """Whether both are absent, or as near as what travels is exact."""
    if found is None or measured is None:
        return found is measured
    return math.isclose(found, measured, abs_tol=step)


def in_order(words: list[str] | None) -> list[str] | None:
    return None if words is None else [word for word in WORDS if word in words]


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["0", "1", "99999", "-", "+", "id", "u", "g", "m", "p", "i", "x"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
bodies = st.dictionaries(st.sampled_from(["t", "e", "n", "h", "d", "g", "p", "f", "zz"]), junk, max_size=6)


@given(st.lists(bodies, min_size=1, max_size=4))
def test_nonsense_is_passed_over(told: list[dict[str, Any]]) -> None:
    state = State()
    for number, body in enumerate(told):
        found = state.apply({"full" if number == 0 else "delta": body})
        json.dumps(to_wire(found), allow_nan=False)


def test_a_change_before_the_whole_and_what_is_neither_are_refused() -> None:
    state = State()
    with pytest.raises(ValueError, match="never sent in full"):
        state.apply({"delta": {"t": 1}})
    with pytest.raises(ValueError, match="neither"):
        state.apply({"full": 3})
    with pytest.raises(ValueError, match="neither"):
        state.apply({})


def test_hostile_values_are_cleaned_cut_or_absent() -> None:
    row = {
        "id": "GPU-1\x1b]0;gone\x07",
        "n": "\x1b[31mH100" + "x" * 5000,
        "u": 1e9,
        "m": -5,
        "t": float("nan"),
        "p": "700",
        "c": True,
        "ec": 1.5,
    }
    found = State().apply({"full": {"t": 1.0, "n": "a\nb\x07" + "y" * 9000, "g": [row, {"n": "no name"}]}})
    [gpu] = found.gpus
    assert gpu.uuid == "GPU-1"
    assert gpu.name is not None
    assert gpu.name.startswith("H100x")
    assert len(gpu.name) <= 100
    assert (gpu.utilisation, gpu.memory_used, gpu.temperature, gpu.power) == (None,) * 4
    assert (gpu.sm_clock, gpu.ecc_corrected) == (None, None)
    assert found.note is not None
    assert found.note.startswith("a b")
    assert len(found.note) <= 500


def test_more_rows_than_a_machine_can_have_are_left_out() -> None:
    rows = [{"id": f"GPU-{n}"} for n in range(2000)]
    state = State()
    assert len(state.apply({"full": {"g": rows}}).gpus) == sample_form.MAX_ROWS["g"]
    new = {str(position): {"id": "GPU-x"} for position in (512, 99999, 10**9)}
    assert len(state.apply({"delta": {"g": {"+": new}}}).gpus) == sample_form.MAX_ROWS["g"]


def test_who_comes_twice_is_there_once() -> None:
    gpus = [{"id": "GPU-1", "u": 1}, {"id": "GPU-2"}, {"id": "GPU-1", "u": 2}]
    processes = [{"i": 7, "s": 1}, {"i": 7, "s": 2}, {"i": 7, "s": 1}]
    found = State().apply({"full": {"g": gpus, "p": processes}})
    assert [(gpu.uuid, gpu.utilisation) for gpu in found.gpus] == [("GPU-1", 1), ("GPU-2", None)]
    assert [(one.pid, one.start) for one in found.processes] == [(7, 1), (7, 2)]


def test_a_row_that_goes_leaves_the_others_where_they_are() -> None:
    state, sender = State(), Sender()

    def tick(*pids: int) -> list[int]:
        sample = {"time": 1.0, "processes": [{"pid": pid, "start": 1, "gpus": []} for pid in pids]}
        return [process.pid for process in state.apply(over_the_wire(sender.message(sample))).processes]

    assert tick(1, 2, 3) == [1, 2, 3]
    assert tick(1, 3) == [1, 3]
    assert tick(1, 3, 4) == [1, 4, 3]
    assert tick() == []


def test_a_value_that_is_gone_is_absent_and_zero_is_zero() -> None:
    state, sender = State(), Sender()

    def tick(**fields: Any) -> Any:
        sample = {"time": 1.0, "gpus": [{"uuid": "GPU-1", **fields}]}
        return state.apply(over_the_wire(sender.message(sample))).gpus[0]

    assert tick(utilisation=40, power=70.4).power == 70.0
    assert tick(utilisation=0).power is None
    assert tick(utilisation=0).utilisation == 0.0
    assert tick().utilisation is None


def test_small_changes_of_what_nobody_would_see_are_not_sent() -> None:
    sender = Sender()

    def tick(memory: int) -> Any:
        return sender.message({"time": 1.0, "processes": [{"pid": 1, "start": 1, "memory": memory * MIB}]})

    tick(10000)
    assert "p" not in tick(10040)["delta"]
    assert tick(10060)["delta"]["p"]
    assert tick(0)["delta"]["p"]


def test_now_and_then_a_sample_comes_in_full() -> None:
    sender = Sender()
    kinds = ["full" in sender.message({"time": float(n)}) for n in range(2 * sample_form.FULL_EVERY + 3)]
    assert [n for n, full in enumerate(kinds) if full] == [0, 301, 602]


def test_a_tick_of_a_busy_machine_is_light() -> None:
    """Eight GPUs and thirty processes, every figure of which moves: within the budget of 600 bytes."""
    chance = random.Random(1)

    def between(low: float, high: float) -> float:
        return chance.uniform(low, high)

    def gpu(number: int) -> dict[str, Any]:
        return {
            "uuid": f"GPU-{number}",
            "utilisation": chance.randint(80, 100),
            "memory_utilisation": chance.randint(30, 60),
            "memory_used": chance.randint(60_000, 62_000) * MIB,
            "temperature": chance.randint(60, 72),
            "memory_temperature": chance.randint(70, 80),
            "power": between(500, 700),
            "sm_clock": chance.randrange(1500, 1980, 15),
            "throttle": chance.choice([[], ["power cap"]]),
        }

    def process(number: int) -> dict[str, Any]:
        use = {
            "gpu": f"GPU-{number % 8}",
            "memory": number * 1000 * MIB,
            "utilisation": chance.randint(0, 100),
        }
        return {
            "pid": 1000 + number,
            "start": number,
            "cpu": between(97, 103),
            "memory": int(between(8.0e9, 8.01e9)),
            "gpus": [use],
        }

    def disk(path: str) -> dict[str, Any]:
        return {
            "path": path,
            "free": int(between(1e11, 1.001e11)),
            "read": between(0, 1e9),
            "written": between(0, 1e9),
        }

    sender, sizes = Sender(), []
    for number in range(100):
        host = {
            "cpu": between(20, 40),
            "load": [round(between(20, 40), 2), 31.2, 30.1],
            "memory_used": int(between(8e11, 8.01e11)),
            "uptime": 1e6 + number,
            "network": {"received": between(1e9, 2e9), "sent": between(1e8, 2e8)},
            "disks": [disk("/"), disk("/home")],
        }
        gpus, processes = [gpu(one) for one in range(8)], [process(one) for one in range(30)]
        sample = {"time": 1.7e9 + number, "every": 1.0, "host": host, "gpus": gpus, "processes": processes}
        sizes.append(len(json.dumps(sender.message(sample), separators=(",", ":"))))
    assert statistics.median(sizes[1:]) <= 600
