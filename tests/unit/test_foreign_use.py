"""When a card counts as used by somebody outside the queue. Pure, and nvidia-smi as a stand-in where noted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench.remote.queue.foreign_use import (
    USUAL,
    Limits,
    News,
    Use,
    busy_devices,
    judged,
    limits_of,
    why_silent,
)

GB = 1 << 30
IDLE = Use((), 5 << 20, 0)
DESKTOP = Use((), 600 << 20, 20)
NOTEBOOK = Use((400 << 20,), 405 << 20, 0)
HIDDEN = Use((), 30 * GB, 0)
BUSY = Use((), 200 << 20, 99)
UNKNOWN = Use((None,), None, None)
SILENT = Use((), None, None)
CARDS = {
    "idle": IDLE,
    "desktop": DESKTOP,
    "notebook": NOTEBOOK,
    "hidden": HIDDEN,
    "busy": BUSY,
    "unknown": UNKNOWN,
    "silent": SILENT,
}


def used(limits: Limits) -> set[str]:
    return set(judged(CARDS, CARDS, limits))


def test_a_desktop_blocks_no_card_and_whoever_computes_does() -> None:
    """Trap 7: somebody who computes by hand, or in a container that hides its processes."""
    assert used(USUAL) == {"notebook", "hidden", "busy", "unknown"}


def test_the_limits_are_the_targets() -> None:
    assert used(Limits(500 << 20, 100)) == {"desktop", "hidden"}
    assert used(Limits(40 * GB, 10)) == {"desktop", "busy"}
    assert used(Limits(0, 100)) == set(CARDS) - {"unknown", "silent"}


def test_limits_that_make_no_sense_are_as_usual() -> None:
    assert limits_of({}) == USUAL
    assert limits_of({"foreign_memory": 5, "foreign_utilisation": 7}) == Limits(5, 7)
    for odd in (True, -1, "1", [], float("nan")):
        assert (
            limits_of({"foreign_memory": odd, "foreign_utilisation": odd if odd is not True else -1}) == USUAL
        )


def test_the_tool_tells_where_the_library_cannot_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        "#!/bin/sh\ncase $1 in\n"
        "--query-compute-apps=*) printf 'GPU-a, 4711\\n';;\n"
        "--query-gpu=*) printf 'GPU-a, 400, 0\\nGPU-b, 600, 3\\nGPU-c, 9000, 3\\nGPU-d, [N/A], [N/A]\\n';;\nesac\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("WORKBENCH_NVML", str(tmp_path / "none.so"))
    cards = ["GPU-a", "GPU-b", "GPU-c", "GPU-d", "GPU-e"]
    assert busy_devices(cards) == {"GPU-a": "used", "GPU-c": "used"}
    assert busy_devices(cards, Limits(500 << 20, 50)) == {"GPU-b": "used", "GPU-c": "used"}
    assert busy_devices(["0", "1"]) == {}


def test_a_lost_card_is_known_by_its_name_by_its_place_or_when_all_that_are_silent_are_lost() -> None:
    """One that hangs in the driver, or of which nobody can tell, is not called lost."""
    cards = ["GPU-a", "GPU-b", "GPU-c"]
    one_answers = News(3, {"GPU-a": IDLE}, {0}, {1: ""})
    assert why_silent(cards[1:], one_answers, []) == {"GPU-b": "silent", "GPU-c": "silent"}
    assert why_silent(cards[1:], one_answers, cards) == {"GPU-b": "lost", "GPU-c": "silent"}
    named = one_answers._replace(lost={1: "GPU-b"})
    assert why_silent(cards[1:], named, []) == {"GPU-b": "lost", "GPU-c": "silent"}
    both = one_answers._replace(lost={1: "", 2: ""})
    assert why_silent(cards[1:], both, []) == {"GPU-b": "lost", "GPU-c": "lost"}
