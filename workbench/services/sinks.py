"""Handing one event over: to a command, or to a webhook."""

from __future__ import annotations

import asyncio
import json
import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.compute.local_command import TimeIsUp, run_here
from workbench.entities.base import to_wire
from workbench.entities.event import Event
from workbench.entities.subscription import Subscription
from workbench.errors import NotFound
from workbench.remote.supervision import webhook
from workbench.remote.supervision.webhook import Undelivered
from workbench.services.subscription_secrets import Hidden
from workbench.side_thread import in_side_thread
from workbench.text.last_words import last_words

KEPT, LONGEST = 100, 1000
"""Lines of what a command says, and characters of each, that are looked at when it failed."""


def payload(event: Event, subscription: str, workspace: str, attempt: int) -> bytes:
    """An event as it is handed over; data that is too long for a webhook is left out and said to be."""
    said: dict[str, Any] = {
        **to_wire(event),
        "workspace": workspace,
        "subscription": subscription,
        "attempt": attempt,
    }
    body = json.dumps(said, separators=(",", ":")).encode("ascii")
    if len(body) > webhook.MAX_BODY:
        body = json.dumps({**said, "data": {}, "cut": True}, separators=(",", ":")).encode("ascii")
    return body


async def post(subscription: Subscription, hidden: Hidden, event: Event, body: bytes) -> None:
    """Post it; raises Undelivered."""
    headers = {
        "X-Workbench-Event": event.kind,
        "X-Workbench-Sequence": str(event.sequence),
        "X-Workbench-Subscription": subscription.name,
    }
    seconds = subscription.timeout
    try:
        # The name's resolution has no time limit of its own.
        async with asyncio.timeout(2 * seconds):
            await in_side_thread(
                lambda: webhook.post(
                    hidden.url,
                    body,
                    subscription.allow,
                    headers,
                    hidden.key,
                    subscription.plain_http,
                    seconds,
                ),
                f"webhook {subscription.name}",
            )
    except TimeoutError:
        raise Undelivered(f"{subscription.host} is not found within {2 * seconds:g} s") from None


async def run(subscription: Subscription, event: Event, body: bytes) -> None:
    """Run the command with the event on its standard input; raises Undelivered."""
    said: deque[str] = deque(maxlen=KEPT)
    environ = {**os.environ, **variables(subscription, event)}
    try:
        code = await run_here(
            subscription.command or [],
            environ,
            subscription.timeout,
            lambda line: said.append(line[:LONGEST]),
            given=body + b"\n",
            folder=Path.home(),
        )
    except TimeIsUp:
        raise Undelivered(f"the command took longer than {subscription.timeout:g} s") from None
    except NotFound as problem:
        raise Undelivered(problem.message, False) from None
    if code:
        words = last_words("\n".join(said).encode("utf-8", "replace"))
        raise Undelivered(f"the command ended with exit code {code}" + (f": {words}" if words else ""))


def variables(subscription: Subscription, event: Event) -> Mapping[str, str]:
    """What a command finds in its environment beside ours; the rest is on its standard input."""
    return {
        "WORKBENCH_EVENT": event.kind,
        "WORKBENCH_EVENT_SEQUENCE": str(event.sequence),
        "WORKBENCH_EVENT_SUBJECT": event.subject.replace("\0", ""),
        "WORKBENCH_SUBSCRIPTION": subscription.name,
    }
