"""What happened while nobody looked, since the dashboard was last left: runs that ended, alerts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from workbench.text import times
from workbench.text.numbers import counted
from workbench.text.states import RUN, look
from workbench.tui.model.feed import Services

SHORT = timedelta(minutes=5)
"""An absence that is none."""
MOST = 200


class Away(NamedTuple):
    """What happened meanwhile, the latest first."""

    runs: Sequence[Mapping[str, Any]] = ()
    """Rows of the runs that ended."""
    alerts: Sequence[Mapping[str, Any]] = ()
    """Events of the alerts that were raised and called somebody."""

    def __bool__(self) -> bool:
        return bool(self.runs or self.alerts)


async def since(services: Services, left: datetime | None, now: datetime) -> Away:
    """What happened after `left`; nothing after a short absence. Raises WorkbenchError."""
    if left is None or now - left < SHORT:
        return Away()
    found = await services.call(
        "runs", "table", sort="ended", descending=True, limit=MOST, archived=None, columns=["sparkline"]
    )
    ended = [(times.parse(row.get("ended")), row) for row in found["rows"]]
    events = await services.call("alerts", "lately", since=times.rfc3339(left), limit=MOST)
    raised = [event for event in events if event["kind"] == "AlertRaised"]
    return Away(
        [row for when, row in ended if when is not None and when > left],
        [event for event in raised if "silenced_until" not in event["data"]],
    )


def summary(away: Away) -> str:
    """In a few words: 3 completed, 1 failed, 2 alerts."""
    counts = Counter(look(RUN, str(row["status"])).word for row in away.runs)
    said = [f"{count} {word}" for word, count in counts.most_common()]
    return ", ".join([*said, counted(len(away.alerts), "alert")] if away.alerts else said)
