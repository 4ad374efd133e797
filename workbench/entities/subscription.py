"""Subscriptions: who wants to hear of which events, and how (AZ-16 to AZ-21)."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Any

from workbench.entities.base import Entity
from workbench.entities.event import Event

OWN = "subscriptions/"
"""Events of subscriptions themselves are delivered to none: a failure would bring the next."""
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")


class SinkKind(StrEnum):
    """Where events go."""

    COMMAND = "command"
    """A command on this side, with the event as JSON on its standard input."""
    WEBHOOK = "webhook"
    """A POST of the event as JSON."""
    BELL = "bell"
    """Every dashboard that is open says it, and rings if it may."""


class Filter(Entity, frozen=True, kw_only=True):
    """Which events; what is not said does not matter (AZ-18)."""

    kinds: list[str] = []
    """RunCompleted, AlertRaised ...; empty = all."""
    prefix: str = ""
    """What the subject begins with: experiments/mnist/."""
    suffix: str = ""
    data: dict[str, str] = {}
    """Values of the event's data by dotted key, as texts: {"state": "Failed"}."""

    def fits(self, event: Event) -> bool:
        """Whether an event is wanted."""
        return (
            not event.subject.startswith(OWN)
            and (not self.kinds or event.kind in self.kinds)
            and event.subject.startswith(self.prefix)
            and event.subject.endswith(self.suffix)
            and all(value_text(event.data, key) == value for key, value in self.data.items())
        )


class Subscription(Entity, frozen=True, kw_only=True):
    """One subscription. The address of a webhook and what signs it are kept apart, in no record."""

    name: str
    sink: SinkKind
    filter: Filter = Filter()
    command: list[str] | str | None = None
    """A list is an exact argv; one text is a line of the shell, because somebody asked for one."""
    host: str | None = None
    """Of the webhook; its whole address may itself be a secret."""
    allow: list[str] = []
    """Hosts that may be posted to; a private address only when it stands here itself."""
    plain_http: bool = False
    signed: bool = False
    timeout: float = 30.0
    """Seconds one delivery may take."""
    created: datetime
    cursor: int = 0
    """The sequence of the event up to which everything was looked at."""
    delivered: int = 0
    failed: int = 0
    """Events that were given up."""
    problem: str | None = None
    """Why the last try failed, as a sentence; absent once one went well."""


def valid_subscription_name(name: str) -> bool:
    """Whether a subscription may be called so: it becomes part of a file's name."""
    return _NAME.match(name) is not None


def value_text(data: dict[str, Any], dotted: str) -> str | None:
    """The text of the value under a dotted key: true, false, numbers as JSON has them; None where none is."""
    value: Any = data
    for part in dotted.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None
