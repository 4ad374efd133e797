"""The dashboard's list beside Textual's DataTable, on a real pty: how long until it is there, and what a key costs."""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.place import until
from tests.bench.report import Row
from tests.terminal.latency import Replay, TimedProgram

WIDE, HIGH = 160, 48
OURS, THEIRS = 100_000, 10_000
PAUSE = 0.06
LAG = 8
PATIENCE = 2.0
RATE = 200
DOWN, UP, PAGE = "\x1b[B", "\x1b[A", "\x1b[6~"


def run() -> list[Row]:
    """Ours at 100,000 rows, theirs at 10,000: it needs 20 s for more."""
    ours, theirs = _measure("ours", OURS, 0), _measure("textual", THEIRS, 0)
    busy, their_busy = _measure("ours", OURS, RATE), _measure("textual", THEIRS, RATE)
    reference = f"DataTable, {THEIRS:,} rows"
    rows = [
        Row(
            f"list of {OURS:,} rows x 12: mounted, loop free again",
            ours["settled"],
            "ms",
            "",
            f"{reference}: {theirs['settled']:,.0f} ms",
            ours["settled"] / theirs["settled"],
        )
    ]
    for what, name, budget, mine, other in (
        ("key to repaint, idle", "move", "", ours, theirs),
        ("scroll by a line", "line", "<= 16 ms", ours, theirs),
        ("scroll by a page", "page", "<= 16 ms", ours, theirs),
        (f"key to repaint, {RATE} changed rows/s", "move", "p99 <= 33 ms", busy, their_busy),
    ):
        rows.append(
            Row(
                f"list of {OURS:,} rows x 12: {what}",
                mine[name],
                "ms",
                budget,
                f"{reference}: {other[name]:.3g} ms",
                mine[name] / other[name],
                f"p99 {mine[name + ' p99']:.3g} ms against {other[name + ' p99']:.3g} ms",
            )
        )
    return rows


def _measure(kind: str, count: int, rate: int) -> dict[str, float]:
    """Medians and 99th percentiles in ms of one kind of list."""
    with tempfile.TemporaryDirectory(prefix="bench-list-") as name:
        folder = Path(name)
        words = [sys.executable, "-m", "tests.bench.table_program", kind, str(count), str(rate), name]
        with TimedProgram(words, WIDE, HIGH, {"TEXTUAL_ANIMATIONS": "none"}) as program:
            until((folder / "settled").exists, "the list to settle")
            program.until(lambda replay: "run-000000" in replay.text(1))
            found = {"settled": float((folder / "settled").read_text())}
            time.sleep(0.5)
            found |= _summary("move", _moves(program))
            found |= _summary("line", _scrolls(program, DOWN, 100, 0.12))
            found |= _summary("page", _scrolls(program, PAGE, 40, 0.4))
            return found


def _summary(name: str, times: list[float]) -> dict[str, float]:
    return {name: statistics.median(times), f"{name} p99": statistics.quantiles(times, n=100)[98]}


def _moves(program: TimedProgram) -> list[float]:
    """Up and down where nothing scrolls; a press is answered when its row has the cursor's ground."""
    replay = Replay(program)
    replay.forward()
    cursor = replay.ground(1, 3)
    path = [*range(2, 22), *range(20, 0, -1)] * 5
    presses = []
    for number, row in enumerate(path):
        pressed = program.type(DOWN if row > (path[number - 1] if number else 1) else UP)
        presses.append((pressed, _is_on(path[number : number + LAG], cursor)))
        time.sleep(PAUSE)
    time.sleep(1)
    return _answers(replay, presses)


def _is_on(rows: list[int], colour: str) -> Callable[[Replay], bool]:
    """The cursor is where the press put it, or where one soon after did: one repaint may answer several."""
    return lambda replay: any(replay.ground(row, 3) == colour for row in rows)


def _scrolls(program: TimedProgram, key: str, count: int, pause: float) -> list[float]:
    """The key again and again, the first presses until the screen scrolls left out.

    A press is answered when the first row in view is as far down as it, or a later press, puts it.
    """
    replay = Replay(program)
    for _ in range(HIGH if key == DOWN else 1):
        program.type(key)
        time.sleep(PAUSE)
    time.sleep(2)
    replay.forward()
    first = _first(replay)
    pressed = []
    for _ in range(count):
        pressed.append(program.type(key))
        time.sleep(pause)
    time.sleep(2)
    last = Replay(program)
    last.forward()
    step = (_first(last) - first) / count
    reached = [round(first + step * (number + 1)) for number in range(count)]
    return _answers(replay, list(zip(pressed, map(_is_down_to, reached), strict=True)))


def _is_down_to(number: int) -> Callable[[Replay], bool]:
    return lambda replay: _first(replay) >= number


def _first(replay: Replay) -> int:
    """The number of the first row in view; -1 while it is half drawn."""
    found = re.search(r"run-(\d{6})", replay.text(1))
    return int(found.group(1)) if found else -1


def _answers(replay: Replay, presses: list[tuple[float, Callable[[Replay], bool]]]) -> list[float]:
    """Milliseconds from each press to its answer; what was not answered at all counts as PATIENCE."""
    times = []
    for pressed, shown in presses:
        replay.forward(pressed)
        answered = replay.now if shown(replay) else replay.until(shown, pressed + PATIENCE)
        times.append((PATIENCE if answered is None else max(0.0, answered - pressed)) * 1000)
    return times
