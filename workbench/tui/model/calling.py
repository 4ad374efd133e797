"""What calls whoever looks: bad alerts, what subscriptions bring to the bell, deliveries that fail. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from workbench.text.numbers import first_of
from workbench.text.sanitize import clean_name
from workbench.views import alerts as look

FEW = 3
"""Calls of one sort that are said one by one; more are said together: fifty machines may fail at once."""
NAMED = 5
MOST = 500


class Call(NamedTuple):
    """Something to say in passing."""

    title: str
    text: str
    severity: str = "error"
    """As the app's toasts have it: information, warning, error."""
    sort: str = ""
    """What it is said together with."""


class Calls:
    """Gathers calls from events until they are taken."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    def add(self, event: Mapping[str, Any]) -> None:
        """Note an event of the stream, if it calls anybody."""
        call = _call(event)
        if call is not None and len(self._calls) < MOST:
            self._calls.append(call)

    def take(self) -> list[Call]:
        """What there is to say since the last time: many of a sort as one, several of one machine as one."""
        calls, self._calls = self._calls, []
        sorts: dict[str, list[Call]] = {}
        for call in calls:
            sorts.setdefault(call.sort, []).append(call)
        found = []
        for sort, several in sorts.items():
            if len(several) <= FEW:
                found += several
                continue
            names = list(dict.fromkeys(call.title for call in several))
            text = f"{first_of(names, NAMED)}   (7 shows them)"
            found.append(Call(f"{len(several)} x {sort}", text, several[0].severity, sort))
        return _by_machine(found)


def _by_machine(calls: Sequence[Call]) -> list[Call]:
    """Those of one title and severity in one, a line each: what they advise stands on the activity page."""
    together: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        together.setdefault((call.title, call.severity), []).append(call)
    found = []
    for (title, severity), several in together.items():
        if len(several) == 1:
            found += several
            continue
        lines = [call.text.partition("\n")[0] for call in several[:NAMED]]
        more = [f"and {len(several) - NAMED} more"] if len(several) > NAMED else []
        found.append(Call(title, "\n".join([*lines, *more, "(7 shows what to do)"]), severity))
    return found


def _call(event: Mapping[str, Any]) -> Call | None:
    kind, data = event.get("kind"), event.get("data") or {}
    name = clean_name(str(event.get("subject", "")).partition("/")[2], 60)
    if kind == "AlertRaised" and data.get("severity") == "bad" and "silenced_until" not in data:
        return Call(
            name, f"{look.text(data)}\n{look.advice(data)}", "error", clean_name(str(data.get("rule")), 40)
        )
    if kind == "Notified":
        about = clean_name(str(data.get("subject", "")).rpartition("/")[2], 60)
        said = " ".join(filter(None, (clean_name(str(data.get("kind", "")), 40), about)))
        text = clean_name(str(data.get("text") or ""), 200)
        return Call(name, f"{said}: {text}" if text else said, "information", name)
    if kind == "SubscriptionChanged" and data.get("problem"):
        text = f"an event was not delivered: {clean_name(str(data['problem']), 300)}"
        return Call(name, text, "warning", "deliveries")
    return None
