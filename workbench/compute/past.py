"""The answer to how a machine's figures were: buckets of equal length, gaps as None. Pure.

Up to ten minutes are answered by the second, longer by the minute. What memory does not hold, since the
server started after it, is taken from the minutes of the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from workbench.compute.history import MINUTES, SECONDS, History
from workbench.entities.machine_series import Span

Stored = Mapping[str, Mapping[int, Span]]
"""The store's minutes of each series, by their number."""


class Window(NamedTuple):
    """Which buckets are asked for."""

    start: int
    """The first second of the first one."""
    step: int
    """Seconds of one."""
    buckets: int

    @property
    def stop(self) -> int:
        """The second after the last one."""
        return self.start + self.step * self.buckets

    @property
    def by_second(self) -> bool:
        """Whether seconds are looked at; else minutes."""
        return self.step < 60


def window(now: int, seconds: int, points: int) -> Window:
    """The last seconds before now in at most so many buckets, whose edges stay as time passes."""
    base = 1 if seconds <= SECONDS else 60
    step = base * max(1, -(-seconds // (points * base)))
    count = min(points, -(-seconds // step))
    last = -(-now // step) if base == 1 else now // step + 1
    return Window((last - count) * step, step, count)


def missing(history: History, asked: Window, now: int) -> range:
    """The minutes of a window that only the store can know."""
    began = now if history.began is None else history.began
    held = max(-(-began // 60), now // 60 - MINUTES + 1)
    return range(asked.start // 60, min(held, -(-asked.stop // 60)))


def series(history: History, name: str, asked: Window, stored: Stored) -> list[Span | None]:
    """One series in the window's buckets."""
    kept = stored.get(name, {})
    if asked.by_second:
        return _by_second(history, name, asked, kept)
    first, each = asked.start // 60, asked.step // 60
    spans = history.minutes(name, first, first + each * asked.buckets)
    spans = [span or kept.get(minute) for minute, span in enumerate(spans, first)]
    return [_joined(spans[at : at + each]) for at in range(0, len(spans), each)]


def _by_second(history: History, name: str, asked: Window, kept: Mapping[int, Span]) -> list[Span | None]:
    values = history.seconds(name, asked.start, asked.stop)
    began = asked.stop if history.began is None else history.began
    found: list[Span | None] = []
    for at in range(0, len(values), asked.step):
        known = [value for value in values[at : at + asked.step] if value is not None]
        if known:
            found.append(Span(min(known), sum(known) / len(known), max(known)))
        else:
            second = asked.start + at
            found.append(kept.get(second // 60) if second < began else None)
    return found


def _joined(spans: list[Span | None]) -> Span | None:
    known = [span for span in spans if span is not None]
    if not known:
        return None
    mean = sum(span.mean for span in known) / len(known)
    return Span(min(span.low for span in known), mean, max(span.high for span in known))
