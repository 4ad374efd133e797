"""The moment at which the fixed world stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 11, 23, 12, 4, 30, tzinfo=UTC)


def ago(**spans: float) -> str:
    """RFC 3339 of a moment before NOW."""
    return (NOW - timedelta(**spans)).isoformat().replace("+00:00", "Z")
