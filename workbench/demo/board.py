"""The demo's runs while they go: a line each, redrawn in place on a terminal, else told as they change."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from workbench.text import durations, numbers, states, times
from workbench.text.cells import cut, pad
from workbench.text.sparkline import sparkline, trace
from workbench.text.style import Look, paint

EVERY = 0.1
TREND = 12
TOLD_EVERY = 10
"""Epochs between two lines about a run where nothing is redrawn."""


class Lane:
    """One run: where it is, how it stands, and the values of its metric so far."""

    def __init__(self, run: str, name: str, machine: str) -> None:
        self.run, self.name, self.machine = run, name, machine
        self.status = "NotStarted"
        self.message = ""
        self.took: float | None = None
        self.values: list[float] = []
        self.epoch = 0

    def take(self, row: dict[str, Any]) -> None:
        """The run as it is now."""
        self.status, self.message = row["status"], str(row.get("message") or "")
        started, ended = times.parse(row.get("started")), times.parse(row.get("ended"))
        self.took = (ended - started).total_seconds() if started and ended else None


class Board:
    """Lanes under each other; write takes text with its line ends."""

    def __init__(
        self,
        lanes: Sequence[Lane],
        metric: str,
        epochs: int,
        write: Callable[[str], None],
        look: Look,
        *,
        live: bool,
    ) -> None:
        self._lanes, self._metric, self._epochs = lanes, metric, epochs
        self._write, self._look, self._live = write, look, live
        self._drawn = 0.0
        self._on_screen = False
        self._names = max(len(lane.name) for lane in lanes)

    def take(self, lane: Lane, item: dict[str, Any]) -> None:
        """One item of a run's live stream."""
        worth_telling = False
        if "run" in item:
            before = (lane.status, lane.message)
            lane.take(item["run"])
            worth_telling = before != (lane.status, lane.message) and lane.status != "Finalizing"
        elif "metric" in item and item["metric"]["name"] == self._metric:
            value = numbers.number(item["metric"]["value"])
            if value is not None:
                lane.values.append(value)
                lane.epoch = int(item["metric"]["step"])
                worth_telling = lane.epoch % TOLD_EVERY == 0
        if self._live:
            self.draw()
        elif worth_telling:
            self._write(self.line(lane) + "\n")

    def draw(self, *, now: bool = False) -> None:
        """Redraw all lanes, at most ten times a second."""
        if not self._live or (not now and time.monotonic() - self._drawn < EVERY):
            return
        self._drawn = time.monotonic()
        up = f"\x1b[{len(self._lanes)}A" if self._on_screen else ""
        self._on_screen = True
        self._write(up + "".join(f"\r\x1b[K{self.line(lane)}\n" for lane in self._lanes))

    def end(self) -> None:
        """The lanes as they stay."""
        self.draw(now=True)

    def line(self, lane: Lane) -> str:
        """One lane, no wider than the look: state, name, machine, how the metric goes, how far it is."""
        look, state = self._look, states.look(states.RUN, lane.status)
        ascii_only = look.ascii_only
        head = f" {pad(lane.name, self._names)}  {pad(lane.machine, 9)} "
        trend = pad(self._trend(lane), TREND) if lane.values else ""
        value = f" {lane.values[-1]:.4f} " if lane.values else ""
        room = max(0, look.width - 5 - len(head) - len(trend) - len(value))
        tail = cut(self._tail(lane, state.word), room, ellipsis="~" if ascii_only else "…")
        glyph = state.ascii if ascii_only else state.glyph
        start = paint("   " + glyph, state.role, look.colour) + head
        middle = paint(trend, "active", look.colour) + paint(value, "bold", look.colour)
        return (start + middle + paint(" " + tail, "quiet", look.colour)).rstrip()

    def _trend(self, lane: Lane) -> str:
        """The lane's curve so far; all lanes share one scale."""
        if self._look.ascii_only:
            return sparkline(lane.values, TREND, ascii_only=True)
        known = [value for other in self._lanes for value in other.values]
        return trace(lane.values, TREND, low=min(known), high=max(known))

    def _tail(self, lane: Lane, word: str) -> str:
        if lane.status in ("Completed", "Finalizing") and lane.took is not None:
            return f"{word} in {durations.short(lane.took)}"
        if lane.status == "Running" and lane.values:
            return f"epoch {lane.epoch}/{self._epochs}"
        return f"{word}: {lane.message}" if lane.message else word
