"""Moments as one types them: -7d, yesterday, monday, 3 May, 2026-11-01, 2026-11-01T12:30, ms since 1970.

Days, months and years are those of the clock here. Before and after count from where one begins; what is in
it is equal to it.
"""

from __future__ import annotations

import re
from calendar import isleap
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from workbench.text import durations

_AGO = re.compile(r"(?:-(?P<back>\S.*)|(?P<ago>\S.*?)\s+ago)", re.IGNORECASE | re.DOTALL)
_CALENDAR = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", re.ASCII)
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
_NAMED = re.compile(
    r"(?:(?P<day>\d{1,2})(?:\.|st|nd|rd|th)?\s+(?P<month>[a-z]{3,9})|(?P<first>[a-z]{3,9})\s+(?P<then>\d{1,2}))"
    r",?(?:\s+(?P<year>\d{4}))?",
    re.ASCII,
)
_MILLISECONDS = re.compile(r"\d{12,14}", re.ASCII)
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WORDS = ("now", "today", "yesterday", *_WEEK)
HINT = "write it like -7d, '2 hours ago', yesterday, monday, '3 May', 2026-11-01 or 2026-11-01T12:30"


class Span(NamedTuple):
    """From start to before stop; a moment where both are the same."""

    start: datetime
    stop: datetime

    @property
    def moment(self) -> bool:
        """Whether it is one moment, and no day, month or year."""
        return self.start == self.stop


def parse(text: str, now: datetime) -> Span:
    """The span or moment that text means at now, which is aware. Raises ValueError with a sentence."""
    said = text.strip().lower()
    try:
        found = (
            _relative(said, now)
            or _day(said, now)
            or _named(said, now)
            or _calendar(said)
            or _moment(text.strip())
        )
    except (OverflowError, ValueError) as problem:
        raise ValueError(f"{text!r} is no time") from problem
    if found is None:
        raise ValueError(f"{text!r} is no time")
    return found


def _relative(said: str, now: datetime) -> Span | None:
    if said == "now":
        return Span(now, now)
    match = _AGO.fullmatch(said)
    if match is None:
        return None
    then = now - timedelta(seconds=durations.parse(match["back"] or match["ago"]))
    return Span(then, then)


def _day(said: str, now: datetime) -> Span | None:
    today = now.astimezone().date()
    if said in ("today", "yesterday"):
        return _days(today - timedelta(days=int(said == "yesterday")))
    if said in _WEEK or said in [name[:3] for name in _WEEK]:
        wanted = next(index for index, name in enumerate(_WEEK) if name.startswith(said))
        return _days(today - timedelta(days=(today.weekday() - wanted) % 7))
    return None


def _named(said: str, now: datetime) -> Span | None:
    """3 May, May 3 or 3 May 2026; without a year the last such day."""
    match = _NAMED.fullmatch(said)
    if match is None:
        return None
    word = match["month"] or match["first"]
    month = next((at for at, name in enumerate(_MONTHS, 1) if name.startswith(word)), None)
    if month is None:
        return None
    day = int(match["day"] or match["then"])
    today = now.astimezone().date()
    if match["year"]:
        return _days(date(int(match["year"]), month, day))
    years = [
        year for year in range(today.year, today.year - 9, -1) if (month, day) != (2, 29) or isleap(year)
    ]
    return _days(next(found for year in years if (found := date(year, month, day)) <= today))


def _days(day: date) -> Span:
    """From the midnight before a day to the one after it, by the clock here."""
    return Span(_midnight(day), _midnight(day + timedelta(days=1)))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time()).astimezone()


def _calendar(said: str) -> Span | None:
    match = _CALENDAR.fullmatch(said)
    if match is None:
        return None
    year, month, day = (None if part is None else int(part) for part in match.groups())
    assert year is not None
    if day is not None:
        return _days(date(year, month or 1, day))
    if month is not None:
        return Span(_midnight(date(year, month, 1)), _midnight(date(year + month // 12, month % 12 + 1, 1)))
    return Span(_midnight(date(year, 1, 1)), _midnight(date(year + 1, 1, 1)))


def _moment(said: str) -> Span:
    if _MILLISECONDS.fullmatch(said):
        then = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(said))
    else:
        then = datetime.fromisoformat(said).astimezone()
    return Span(then, then)
