"""How the demo shows its runs: one line each that fits, redrawn in place or told as they change."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from workbench.demo import promotion
from workbench.demo.board import Board, Lane
from workbench.demo.story import ended
from workbench.demo.verdict import verdict
from workbench.text.cells import width
from workbench.text.style import Look


def metric(step: int, value: float) -> dict[str, Any]:
    return {"metric": {"name": "acc", "step": step, "value": value, "rank": 0}}


def row(status: str, **more: Any) -> dict[str, Any]:
    return {"run": {"status": status, **more}}


def play(look: Look, *, live: bool) -> tuple[str, list[Lane]]:
    lanes = [Lane("1", "calm-otter-1", "atlas"), Lane("2", "dull-ibis-2", "borealis")]
    said: list[str] = []
    board = Board(lanes, "acc", 20, said.append, look, live=live)
    board.take(lanes[0], row("Running", started="2026-11-23T12:00:00Z"))
    board.take(lanes[1], row("Queued", message="1 run at once here, now " + "calm-otter-1 (ann@laptop) " * 3))
    for step in range(1, 21):
        board.take(lanes[0], metric(step, step / 20))
    ended = {"started": "2026-11-23T12:00:00Z", "ended": "2026-11-23T12:00:07Z"}
    board.take(lanes[0], row("Finalizing", **ended))
    board.take(lanes[0], row("Completed", **ended))
    board.end()
    return "".join(said), lanes


@pytest.mark.parametrize("cells", [60, 80, 100])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_each_change_is_a_line_that_fits(cells: int, ascii_only: bool) -> None:
    text, _ = play(Look(cells, ascii_only=ascii_only), live=False)
    lines = text.splitlines()
    assert len(lines) == 5, "running, queued, epochs 10 and 20, completed"
    assert all(width(line) <= cells for line in lines)
    assert "1.0000  completed" in lines[-1]
    assert cells < 80 or lines[-1].endswith("completed in 7s")
    assert text.isascii() is ascii_only
    assert "\x1b" not in text


def test_a_terminal_is_redrawn_in_place() -> None:
    text, lanes = play(Look(80, colour=True), live=True)
    frames = text.split("\x1b[2A")
    assert len(frames) > 1
    assert all(frame.count("\n") == len(lanes) for frame in frames)
    assert "epoch" not in frames[-1]
    assert "completed in 7s" in frames[-1]
    assert "queued: 1 run at once here" in frames[-1]


def test_a_server_that_ended_is_not_waited_for() -> None:
    """It is the demo's own child: a zombie until the demo itself exits."""
    child = subprocess.Popen(["sleep", "1000"])
    assert not ended(child.pid)
    child.kill()
    deadline = time.monotonic() + 30
    while not ended(child.pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert Path(f"/proc/{child.pid}").exists(), "nobody has asked for its exit code"
    child.wait()
    assert ended(child.pid)


def test_the_verdict_marks_the_best() -> None:
    runs = [
        {"name": "a", "target": "atlas", "command": "x"},
        {"name": "b", "target": "atlas", "command": "y"},
    ]
    metrics = {"acc": {"values": [0.5, 0.75], "best": 1}}
    compared = {"runs": runs, "params": {"lr": ["1", None]}, "metrics": metrics, "best": 1}
    assert verdict(compared, "acc", ["lr"], Look(80)) == [
        "   run  machine  lr   acc",
        "   a    atlas     1  0.50",
        "★  b    atlas     -  0.75",
        "",
        "The best of 2 by acc: b on atlas, 0.75",
        "  y",
    ]
    assert "best" not in "".join(verdict({**compared, "best": None}, "acc", ["lr"], Look(80)))


class Heard:
    """What a story told, line by line."""

    def __init__(self) -> None:
        self.look = Look(80, False, False)
        self.lines: list[str] = []

    def say(self, text: str = "", role: str = "") -> None:
        self.lines.append(text)

    def command(self, words: str) -> None:
        self.lines.append(f"   $ {words}")


class Answering:
    """A workspace with two versions, of which the first is champion."""

    def call(self, noun: str, method: str, **asked: Any) -> Any:
        return {"version": 1}

    def items(self, noun: str, method: str, **asked: Any) -> Any:
        said = "val_accuracy 0.922222 >= 0.934333 (champion.val_accuracy 0.933333 + 0.001): no"
        line = {"rule": "val_accuracy >= champion.val_accuracy + 0.001", "passed": False, "said": said}
        yield {"verdict": {"name": "digits", "version": 1, "alias": "champion", "passed": False,
                           "lines": [line], "current": 2}}  # fmt: skip


def test_a_verdict_is_told_whole_on_a_narrow_terminal() -> None:
    heard = Heard()
    workspace: Any = Answering()
    version = {"name": "digits", "version": 1}
    assert promotion.decide(workspace, promotion.Rivals(version, version), heard)
    assert all(len(line) <= 80 for line in heard.lines)
    assert "(champion.val_accuracy 0.933333 + 0.001): no" in " ".join(line.strip() for line in heard.lines)
