"""How long a key takes to be answered on a terminal: keys are typed, the output is looked at afterwards."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.terminal.latency import Replay, TimedProgram

PAUSE = 0.06
LAG = 8
PATIENCE = 2.0
DOWN, UP, PAGE = "\x1b[B", "\x1b[A", "\x1b[6~"
Shown = Callable[[Replay], bool]


@dataclass(frozen=True)
class ListOnScreen:
    """Where a list of rows called WORD-NUMBER stands: the line of its first row, a cell within each name."""

    first: int
    column: int
    word: str = "run"

    def number(self, replay: Replay) -> int:
        """The number of the first row in view; -1 while it is half drawn."""
        found = re.search(rf"{self.word}-(\d+) ", replay.text(self.first))
        return int(found.group(1)) if found else -1


def summary(name: str, times: list[float]) -> dict[str, float]:
    """The median, and the 99th percentile under "NAME p99"."""
    return {name: statistics.median(times), f"{name} p99": statistics.quantiles(times, n=100)[98]}


def moves(program: TimedProgram, where: ListOnScreen, rounds: int = 5) -> list[float]:
    """ms of ups and downs where nothing scrolls, the cursor being on the first row.

    A press is answered when its row has the cursor's ground.
    """
    replay = Replay(program)
    replay.forward()
    cursor = replay.ground(where.first, where.column)
    path = [where.first + row for row in [*range(1, 21), *range(19, -1, -1)] * rounds]
    presses: list[tuple[float, Shown]] = []
    before = where.first
    for number, row in enumerate(path):
        pressed = program.type(DOWN if row > before else UP)
        presses.append((pressed, _is_on(path[number : number + LAG], where.column, cursor)))
        before = row
        time.sleep(PAUSE)
    time.sleep(1)
    return _answers(replay, presses)


def _is_on(rows: list[int], column: int, colour: str) -> Shown:
    """The cursor is where the press put it, or where one soon after did: one repaint may answer several."""
    return lambda replay: any(replay.ground(row, column) == colour for row in rows)


def scrolls(program: TimedProgram, where: ListOnScreen, key: str, count: int, pause: float) -> list[float]:
    """ms of the key again and again, the first presses until the screen scrolls left out.

    A press is answered when the first row in view is as far down as it, or a later press, puts it.
    """
    replay = Replay(program)
    for _ in range(program.rows if key == DOWN else 1):
        program.type(key)
        time.sleep(PAUSE)
    time.sleep(2)
    replay.forward()
    first = where.number(replay)
    pressed = []
    for _ in range(count):
        pressed.append(program.type(key))
        time.sleep(pause)
    time.sleep(2)
    last = Replay(program)
    last.forward()
    step = (where.number(last) - first) / count
    reached = [round(first + step * (number + 1)) for number in range(count)]
    presses = [(moment, _is_at(where, number, step)) for moment, number in zip(pressed, reached, strict=True)]
    return _answers(replay, presses)


def _is_at(where: ListOnScreen, number: int, step: float) -> Shown:
    """The first row is the one of that number, or one further the way the list goes."""
    sign = 1 if step > 0 else -1
    return lambda replay: where.number(replay) >= 0 and (where.number(replay) - number) * sign >= 0


def _answers(replay: Replay, presses: list[tuple[float, Shown]]) -> list[float]:
    """Milliseconds from each press to its answer; what was not answered at all counts as PATIENCE."""
    times = []
    for pressed, shown in presses:
        replay.forward(pressed)
        answered = replay.now if shown(replay) else replay.until(shown, pressed + PATIENCE)
        times.append((PATIENCE if answered is None else max(0.0, answered - pressed)) * 1000)
    return times
