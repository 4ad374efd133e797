"""What happened while nobody looked: runs that ended since the dashboard was last left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from workbench.text import times
from workbench.text.states import RUN, look
from workbench.tui.model.feed import Services

SHORT = timedelta(minutes=5)
"""An absence that is none."""
MOST = 200


async def since(services: Services, left: datetime | None, now: datetime) -> list[Mapping[str, Any]]:
    """Rows of the runs that ended after `left`, the latest first; none after a short absence."""
    if left is None or now - left < SHORT:
        return []
    found = await services.call(
        "runs", "table", sort="ended", descending=True, limit=MOST, archived=None, columns=["sparkline"]
    )
    ended = [(times.parse(row.get("ended")), row) for row in found["rows"]]
    return [row for when, row in ended if when is not None and when > left]


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """In a few words: 3 completed, 1 failed."""
    counts = Counter(look(RUN, str(row["status"])).word for row in rows)
    return ", ".join(f"{count} {word}" for word, count in counts.most_common())
