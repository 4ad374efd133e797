"""What nvidia-smi prints: every way it has to say that there is no value, older and odd ones."""

from __future__ import annotations

import pytest

from tests.smi import gpu
from workbench.remote.gpus import smi_text
from workbench.remote.gpus.smi_table import SmiTable
from workbench.remote.gpus.smi_text import COLUMNS, parse_app, parse_gpu, without_unknown

NO_NUMBER = ["-1", "nan", "1e30", "inf"]
NONE = [
    "[N/A]",
    "N/A",
    "[Not Supported]",
    "[Unknown Error]",
    "[Insufficient Permissions]",
    "ERR!",
    "",
    *NO_NUMBER,
]


def line(**more: str) -> str:
    said = gpu(3, **more)
    return ", ".join(said.get(column.asked, "[N/A]") for column in COLUMNS)


def test_a_line_becomes_the_fields_of_a_sample() -> None:
    found = parse_gpu(line(), COLUMNS)
    assert found == {
        "index": 3,
        "uuid": "GPU-3",
        "name": "NVIDIA H100 80GB HBM3",
        "bus": "00000000:03:00.0",
        "version": "570.124.06",
        "utilisation": 97,
        "memory_utilisation": 40,
        "memory_total": 81559 << 20,
        "memory_used": 1000 << 20,
        "temperature": 61,
        "power": 512.25,
        "power_limit": 700,
        "sm_clock": 1980,
        "performance_state": 0,
        "compute_mode": "default",
        "mig": False,
        "throttle": ["power cap"],
    }


@pytest.mark.parametrize("nothing", NONE)
def test_what_has_no_value_is_absent_and_never_zero(nothing: str) -> None:
    free = [smi_text.words] if nothing in NO_NUMBER else []
    told = {column.asked: nothing for column in COLUMNS if column.read not in free}
    told.update(index="3", uuid="GPU-3")
    cells = [told.get(column.asked, "[N/A]") for column in COLUMNS]
    assert parse_gpu(", ".join(cells), COLUMNS) == {"index": 3, "uuid": "GPU-3"}


def test_zero_is_zero() -> None:
    found = parse_gpu(line(utilization__gpu="0", memory__used="0", fan__speed="0"), COLUMNS)
    assert found is not None
    assert (found["utilisation"], found["memory_used"], found["fan"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("field", "said", "absent"),
    [
        ("utilization__gpu", "101", "utilisation"),
        ("fan__speed", "4294967295", "fan"),
        ("memory__used", "99999999", "memory_used"),
        ("pstate", "32", "performance_state"),
        ("clocks_throttle_reasons__active", "12", "throttle"),
        ("compute_mode", "Whatever", "compute_mode"),
    ],
)
def test_nonsense_is_absent(field: str, said: str, absent: str) -> None:
    found = parse_gpu(line(**{field: said}), COLUMNS)
    assert found is not None
    assert absent not in found
    assert found["temperature"] == 61


def test_a_lost_gpu_says_so() -> None:
    found = parse_gpu(line(utilization__gpu="[GPU is lost]", power__draw="[GPU is lost]"), COLUMNS)
    assert found is not None
    assert found["error"] == "lost"
    assert not {"utilisation", "power"} & set(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
        "0, GPU-0",
        "a, " * 40,
    ],
)
def test_what_is_no_gpus_line_is_none(text: str) -> None:
    assert parse_gpu(text, COLUMNS) is None


def test_a_field_that_an_old_one_does_not_know_is_not_asked_for_again() -> None:
    said = 'Field "memory.reserved" is not a valid field to query.\n'
    fewer = without_unknown(COLUMNS, said)
    assert fewer is not None
    assert [column.asked for column in COLUMNS if column not in fewer] == ["memory.reserved"]
    assert without_unknown(fewer, said) is None
    assert without_unknown(COLUMNS, "something else") is None
    assert without_unknown(COLUMNS, 'Field "uuid" is not a valid field to query.') is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("GPU-1, 123, 512", ("GPU-1", 123, 512 << 20)),
        ("MIG-1, 123, [N/A]", ("MIG-1", 123, None)),
        ("GPU-1, [N/A], 5", None),
        ("No running processes found", None),
        ("", None),
    ],
)
def test_a_processes_line(text: str, found: tuple[str, int, int | None] | None) -> None:
    assert parse_app(text) == found


def test_who_is_not_in_the_next_telling_is_gone() -> None:
    table = SmiTable(1)
    for pid in (5, 6):
        assert table.app(f"GPU-1, {pid}, 512", 10.0)
    assert set(table.uses(10.5)) == {5, 6}
    table.app("GPU-1, 6, 512", 11.0)
    assert table.uses(11.0) == {6: [{"gpu": "GPU-1", "memory": 512 << 20}]}
    assert table.uses(15.0) == {}, "nobody is told of any more"


def test_figures_that_are_old_have_an_age_and_why() -> None:
    table = SmiTable(1)
    assert table.gpu(line(), COLUMNS, 10.0)
    assert "age" not in table.rows(11.0, 0.1)[0]
    assert table.rows(20.0, 0.1)[0]["age"] == 10.0
    table.error = "hung"
    assert table.rows(11.0, 0.1)[0]["error"] == "hung"
    assert table.gpu(line(), COLUMNS, 12.0)
    assert "error" not in table.rows(12.0, 0.1)[0]
    assert table.driver() == {"source": "nvidia-smi", "version": "570.124.06"}


def test_why_it_ended() -> None:
    assert smi_text.problem("a\n b\n\n") == "nvidia-smi ended: b"
    assert smi_text.problem("") == "nvidia-smi ended"
