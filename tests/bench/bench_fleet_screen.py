"""The compute page with 200 machines that change each second: what a key costs, and what a terminal gets."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.dashboards import HIGH, SLOW, WIDE, cpu, shows
from tests.bench.key_latency import PAGE, ListOnScreen, moves, scrolls, summary
from tests.bench.report import Row
from tests.terminal.latency import TimedProgram
from workbench.tui.model.link_speed import paints

MANY, FEW = 200, 24
PAGES = 18
ROWS = ListOnScreen(3, 8, "node")
SECONDS = 12.0


def run() -> list[Row]:
    """Keys with and without changes, at 20 and 200 machines; CPU and bytes, over a quick and a slow link."""
    idle, few, many = _keys(MANY, 0), _keys(FEW, 1), _keys(MANY, 1)
    rows = []
    for what, name, budget, count, found in (
        ("key to repaint", "move", "p99 <= 33 ms", FEW, few),
        ("key to repaint", "move", "p99 <= 33 ms", MANY, many),
        ("page down", "page", "<= 16 ms", MANY, many),
    ):
        rows.append(
            Row(
                f"fleet of {count} machines x 8 GPUs, each changing once a second: {what}",
                found[name],
                "ms",
                budget,
                f"{MANY} that do not change: {idle[name]:.3g} ms",
                found[name] / idle[name],
                f"p99 {found[f'{name} p99']:.3g} ms against {idle[f'{name} p99']:.3g} ms",
            )
        )
    quick, slow = _rates(MANY, 1, "compute"), _rates(MANY, 1, "compute", slow=True)
    still, small = _rates(MANY, 0, "compute"), _rates(FEW, 1, "compute")
    rows += [
        Row(
            f"fleet of {MANY} machines: the dashboard's CPU while nobody types", quick[0], "% of a core", "",
            f"{FEW} machines: {small[0]:.1f} %; none changing: {still[0]:.1f} %", quick[0] / small[0],
        ),
        Row(
            f"fleet of {MANY} machines: bytes to the terminal", quick[1], "B/s", "",
            f"{FEW} machines: {small[1]:,.0f} B/s", quick[1] / small[1],
        ),
        Row(
            f"fleet of {MANY} machines: bytes to the terminal over a slow link", slow[1], "B/s", "",
            f"over a quick one: {quick[1]:,.0f} B/s", slow[1] / quick[1],
        ),
        *_one_machine(),
    ]  # fmt: skip
    return rows


def _one_machine() -> list[Row]:
    """The machine in view, ten times a second."""
    quick, slow = _rates(4, 10, "compute/node-000"), _rates(4, 10, "compute/node-000", slow=True)
    what = "a machine in view, changing ten times a second"
    return [
        Row(f"{what}: the dashboard's CPU", quick[0], "% of a core", "", f"over a slow link: {slow[0]:.1f} %", quick[0] / slow[0]),
        Row(f"{what}: bytes to the terminal over a slow link", slow[1], "B/s", "", f"over a quick one: {quick[1]:,.0f} B/s", slow[1] / quick[1]),
    ]  # fmt: skip


@contextlib.contextmanager
def _shown(count: int, rate: float, place: str, *, slow: bool = False) -> Iterator[TimedProgram]:
    """The dashboard on a fleet, once its first machine is on the screen."""
    with tempfile.TemporaryDirectory(prefix="bench-fleet-") as name:
        folder = Path(name) / "home"
        words = [sys.executable, "-m", "tests.bench.fleet_program", str(count), str(rate), place, str(folder)]
        environment: dict[str, str | None] = dict.fromkeys((*SLOW, "SSH_CLIENT", "NO_COLOR"))
        link = SLOW if slow else {}
        environment |= {"TEXTUAL_ANIMATIONS": "none", "TEXTUAL_FPS": str(paints(link)), **link}
        with TimedProgram(words, WIDE, HIGH, environment) as program:
            program.until(lambda replay: shows("H100")(replay.screen))
            time.sleep(2.0)
            yield program


def _keys(count: int, rate: float) -> dict[str, float]:
    """Medians and 99th percentiles in ms of ups and downs, and of page downs where there are pages."""
    with _shown(count, rate, "compute") as program:
        found = summary("move", moves(program, ROWS, rounds=3))
        taken: list[float] = []
        while count > 2 * HIGH and len(taken) < PAGES:
            taken += scrolls(program, ROWS, PAGE, count // HIGH - 2, 0.4)
            program.type("g")
            time.sleep(0.5)
        return found | (summary("page", taken) if taken else {})


def _rates(count: int, rate: float, place: str, *, slow: bool = False) -> tuple[float, float]:
    """Percent of a core, and bytes a second to the terminal, while nobody types."""
    with _shown(count, rate, place, slow=slow) as program:
        time.sleep(1.0)
        used, began = cpu(program.pid), time.perf_counter()
        time.sleep(SECONDS)
        spent = time.perf_counter() - began
        return (cpu(program.pid) - used) / spent * 100, program.written(began) / spent
