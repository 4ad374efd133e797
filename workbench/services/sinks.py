"""Handing one event over: to a command, or to a webhook."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from workbench.compute.local_command import end_group
from workbench.entities.base import to_wire
from workbench.entities.event import Event
from workbench.entities.subscription import Subscription
from workbench.remote import webhook
from workbench.remote.webhook import Undelivered
from workbench.services.subscription_secrets import Hidden
from workbench.side_thread import in_side_thread
from workbench.text.last_words import last_words

KEPT = 4096
"""Bytes of what a command says that are looked at when it failed."""


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
    command = subscription.command or []
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else command
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=Path.home(),
            env={**os.environ, **variables(subscription, event)},
            start_new_session=True,
        )
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or str(problem)
        raise Undelivered(f"{argv[0]} cannot be started: {why}", False) from None
    try:
        async with asyncio.timeout(subscription.timeout):
            said = await _talk(process, body)
    except TimeoutError:
        raise Undelivered(f"the command took longer than {subscription.timeout:g} s") from None
    finally:
        await end_group(process)
    if process.returncode:
        code = process.returncode
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        words = last_words(said)
        raise Undelivered(f"the command {how}" + (f": {words}" if words else ""))


def variables(subscription: Subscription, event: Event) -> Mapping[str, str]:
    """What a command finds in its environment beside ours; the rest is on its standard input."""
    return {
        "WORKBENCH_EVENT": event.kind,
        "WORKBENCH_EVENT_SEQUENCE": str(event.sequence),
        "WORKBENCH_EVENT_SUBJECT": event.subject.replace("\0", ""),
        "WORKBENCH_SUBSCRIPTION": subscription.name,
    }


async def _talk(process: asyncio.subprocess.Process, body: bytes) -> bytes:
    """Give it the event and take all it says until it ends; the last of that."""
    assert process.stdin is not None
    assert process.stdout is not None
    reading = asyncio.create_task(_last_of(process.stdout))
    try:
        with suppress(ConnectionError):  # it ended, or closed its input, before it read all
            process.stdin.write(body + b"\n")
            await process.stdin.drain()
            process.stdin.close()
        await process.wait()
        # What it left running may hold its output open.
        await asyncio.wait({reading}, timeout=0.2)
        return reading.result() if reading.done() else b""
    finally:
        reading.cancel()


async def _last_of(stream: asyncio.StreamReader) -> bytes:
    last = b""
    while piece := await stream.read(65536):
        last = (last + piece)[-KEPT:]
    return last
