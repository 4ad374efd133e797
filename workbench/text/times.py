"""Moments: RFC 3339 in data, short and local on a screen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from workbench.text import durations

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(text: str | None) -> datetime | None:
    """The aware moment an RFC 3339 text names; None for None or a text that names none."""
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


def rfc3339(when: datetime) -> str:
    """when in UTC to the millisecond: 2026-11-23T12:04:05.250Z."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def of_microseconds(count: int) -> str:
    """The RFC 3339 text, to the microsecond, of a moment so many microseconds after 1970 began."""
    return (_EPOCH + timedelta(microseconds=count)).isoformat().replace("+00:00", "Z")


def local(when: datetime | None, now: datetime) -> str:
    """when on the reader's clock, as short as now allows: 12:04:05 today, 23 Nov 12:04, 2025-11-23."""
    if when is None:
        return "-"
    here, today = when.astimezone(), now.astimezone()
    if here.date() == today.date():
        return f"{here:%H:%M:%S}"
    if abs((today - here).days) < 300:
        return f"{here.day} {here:%b %H:%M}"
    return f"{here:%Y-%m-%d}"


def ago(when: datetime | None, now: datetime) -> str:
    """How long before now when was: 4m; "-" when absent."""
    return durations.age(None if when is None else (now - when).total_seconds())


def took(started: datetime | None, ended: datetime | None, now: datetime) -> str:
    """How long from started to ended, or until now: 4m12; "-" when it did not start."""
    if started is None:
        return "-"
    return durations.short(max(0.0, ((ended or now) - started).total_seconds()))
