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
    first, stop, each = asked.start // 60, asked.stop // 60, asked.step // 60
    held = range(max(first, history.held.start), min(stop, history.held.stop))
    remembered = zip(held, history.minutes(name, held.start, held.stop), strict=True)
    spans = {**kept, **{minute: span for minute, span in remembered if span is not None}}
    # By what is known, not by what is asked for: that may be a year of nothing.
    buckets: list[list[Span]] = [[] for _ in range(asked.buckets)]
    for minute, span in spans.items():
        if first <= minute < stop:
            buckets[(minute - first) // each].append(span)
    return [_joined(bucket) for bucket in buckets]


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


def _joined(spans: list[Span]) -> Span | None:
    if not spans:
        return None
    mean = sum(span.mean for span in spans) / len(spans)
    return Span(min(span.low for span in spans), mean, max(span.high for span in spans))
