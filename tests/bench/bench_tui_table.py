"""The dashboard's list beside Textual's DataTable, on a real pty: how long until it is there, and what a key costs."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.bench.key_latency import DOWN, PAGE, ListOnScreen, moves, scrolls, summary
from tests.bench.place import until
from tests.bench.report import Row
from tests.terminal.latency import TimedProgram

WIDE, HIGH = 160, 48
OURS, THEIRS = 100_000, 10_000
RATE = 200
LIST = ListOnScreen(1, 3)


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
            found |= summary("move", moves(program, LIST))
            found |= summary("line", scrolls(program, LIST, DOWN, 100, 0.12))
            found |= summary("page", scrolls(program, LIST, PAGE, 40, 0.4))
            return found
