"""Round durations and round moments of the reader's clock along an axis, and their labels."""

from __future__ import annotations

import math
from datetime import date, datetime, time
from itertools import pairwise

from workbench.text import durations
from workbench.text.axis import Axis, round_up

DAY = 86400.0
_ROUND = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_DAYS = (1, 2, 7, 14)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200)
_EPOCH, _LATEST = 0.0, 4102444800.0 * 2
"""Moments outside are no dates worth writing as such: 1970 to 2230."""


def ticks(axis: Axis, most: int) -> list[float] | None:
    """Round durations or moments within the axis, ascending, at most `most`; None: use plain numbers.

    That is so of fractions of a second, of a logarithmic range of moments, and of moments out of all bounds.
    """
    most = max(1, most)
    if axis.kind == "duration":
        return _log_durations(axis, most) if axis.log else _durations(axis, most)
    if axis.log or axis.low < _EPOCH or axis.high > _LATEST:
        return None
    step = _step((axis.high - axis.low) / most, _ROUND)
    if step is not None and step < DAY:
        while len(found := _moments(axis, step)) > most:
            larger = _step(step * 1.01, _ROUND)
            if larger is None or larger >= DAY:
                break
            step = larger
        else:
            return found
    return _dates(axis, most)


def _step(least: float, steps: tuple[int, ...]) -> float | None:
    return next((float(step) for step in steps if step >= least), None)


def _durations(axis: Axis, most: int) -> list[float] | None:
    least = (axis.high - axis.low) / most
    if least < 1:
        return None
    while True:
        step = _step(least, _ROUND) or round_up(least / DAY) * DAY
        first, last = math.ceil(axis.low / step - 1e-9), math.floor(axis.high / step + 1e-9)
        if last - first + 1 <= most:
            return [number * step for number in range(first, last + 1)]
        least = step * 1.01


def _log_durations(axis: Axis, most: int) -> list[float] | None:
    if axis.high < 60:
        return None
    steps = [0.01, 0.1, 1, 10, 60, 600, 3600, 6 * 3600, DAY, 10 * DAY, 100 * DAY, 1000 * DAY]
    inside = [float(step) for step in steps if axis.low * 0.999 <= step <= axis.high * 1.001]
    stride = math.ceil(len(inside) / most)
    return inside[::stride] if len(inside) > 1 else _durations(axis, most)


def _offset(moment: float) -> float:
    """How far the reader's clock is ahead of UTC then, in seconds."""
    offset = datetime.fromtimestamp(moment).astimezone().utcoffset()
    return offset.total_seconds() if offset is not None else 0.0


def _moments(axis: Axis, step: float) -> list[float]:
    """Multiples of step on the reader's clock, also after it was put forward or back."""
    here = _offset(axis.low)
    found: list[float] = []
    for number in range(math.ceil((axis.low + here) / step), math.floor((axis.high + here) / step) + 1):
        moment = number * step - here
        moment += here - _offset(max(moment, _EPOCH))
        if axis.low <= moment <= axis.high and (not found or moment > found[-1]):
            found.append(moment)
    return found


def _dates(axis: Axis, most: int) -> list[float]:
    """Midnights: of every so many days, else of the first of every so many months."""
    first = datetime.fromtimestamp(axis.low).date()
    for days in _DAYS:
        if (axis.high - axis.low) / DAY / days + 1 <= most * 2:
            begin = first.toordinal() // days * days + (1 if days % 7 == 0 else 0)
            count = int((axis.high - axis.low) / DAY / days) + 3
            found = _midnights(axis, [date.fromordinal(begin + days * number) for number in range(count)])
            if len(found) <= most:
                return found
    for months in _MONTHS:
        begin = (first.year * 12 + first.month - 1) // months * months
        count = int((axis.high - axis.low) / DAY / 28 / months) + 3
        firsts = range(begin, begin + months * count, months)
        dates = [date(number // 12, number % 12 + 1, 1) for number in firsts]
        found = _midnights(axis, dates)
        if len(found) <= most:
            return found
    return []


def _midnights(axis: Axis, dates: list[date]) -> list[float]:
    moments = [datetime.combine(day, time()).timestamp() for day in dates]
    return [moment for moment in moments if axis.low <= moment <= axis.high]


def duration_labels(values: list[float]) -> list[str]:
    """Durations in short, by the clock where that tells them not apart; those below a second as decimals."""
    step = min((b - a for a, b in pairwise(values)), default=values[0])
    if step >= 1 or any(value >= 60 for value in values):
        found = ["0" if value == 0 else durations.short(value) for value in values]
        if len(set(found)) == len(found):
            return found
        if step >= 1:
            return [_clock(value, step) for value in values]
    places = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    return ["0" if abs(value) < step / 1e6 else f"{value:.{places}f}s" for value in values]


def _clock(seconds: float, step: float) -> str:
    """A duration as days and a clock: 12d 3:10, 1:01:10 where they are less than a minute apart."""
    minutes, left = divmod(round(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = f"{hours}:{minutes:02}" if step >= 60 else f"{hours}:{minutes:02}:{left:02}"
    return ("-" if seconds < 0 else "") + (f"{days}d " if days else "") + clock


def moment_labels(values: list[float]) -> list[str]:
    """Moments on the reader's clock, no finer than their distance; midnight as its date."""
    moments = [datetime.fromtimestamp(value) for value in values]
    step = min((b - a for a, b in pairwise(values)), default=0.0)
    if all(moment.time() == time() for moment in moments):
        if all(moment.day == 1 for moment in moments):
            every_year = all(moment.month == 1 for moment in moments)
            return [f"{moment:%Y}" if every_year else f"{moment:%b %Y}" for moment in moments]
        return [f"{moment.day} {moment:%b}" for moment in moments]
    clock = "%H:%M:%S" if 0 < step < 60 else "%H:%M"
    return [
        f"{moment.day} {moment:%b}" if moment.time() == time() else f"{moment:{clock}}" for moment in moments
    ]
