"""Subscriptions as a service: who hears of which events (AZ-16 to AZ-21)."""

from __future__ import annotations

from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from workbench.entities.event import Event
from workbench.entities.subscription import Filter, SinkKind, Subscription, valid_subscription_name
from workbench.errors import UsageError
from workbench.remote.supervision.webhook import Undelivered, check_allowed, place_of
from workbench.services.context import Context
from workbench.services.deliveries import Deliveries
from workbench.services.operation import call
from workbench.services.subscription_secrets import Hidden, SubscriptionSecrets, new_secret
from workbench.store.sqlite import events
from workbench.store.sqlite.events import KINDS
from workbench.store.workspace import subscriptions

LONGEST = 3600.0
SHORTEST_SECRET = 8
Subscriptions = list[Subscription]
Words = list[str]


class SubscriptionService:
    """The noun `subscriptions`."""

    def __init__(self, context: Context, deliveries: Deliveries, secrets: SubscriptionSecrets) -> None:
        self._store = context.store
        self._deliveries = deliveries
        self._secrets = secrets

    @call
    async def list(self) -> Subscriptions:
        """All subscriptions by name, with how far their deliveries are."""
        return await self._store.read(subscriptions.every)

    @call
    async def add(
        self,
        name: str,
        sink: SinkKind,
        filter: Filter | None = None,
        command: Words | str | None = None,
        url: str | None = None,
        allow: Words | None = None,
        plain_http: bool = False,
        sign: bool = False,
        secret: str | None = None,
        timeout: float = 30.0,
        after: int | None = None,
    ) -> dict[str, Any]:
        """Subscribe from now on, or to all events after a sequence: {"subscription", "secret"?}.

        sign: a secret is made and told this once. Raises UsageError, Conflict.
        """
        wanted = filter or Filter()
        _check(name, sink, wanted, command, url)
        if not 0 < timeout <= LONGEST:
            raise UsageError("a delivery may take an hour at most", "--timeout 30s")
        if secret is not None and len(secret) < SHORTEST_SECRET:
            raise UsageError("the secret is too short to sign anything", "take 16 characters or more")
        made = secret if secret is not None else new_secret() if sign else None
        last = await self._store.read(events.last_sequence)
        subscription = Subscription(
            name=name,
            sink=sink,
            filter=wanted,
            command=command,
            host=None if url is None else _host(url, allow or [], plain_http),
            allow=allow or [],
            plain_http=plain_http,
            signed=made is not None,
            timeout=timeout,
            created=datetime.now(UTC),
            cursor=last if after is None else min(max(after, 0), last),
        )
        await self._store.write(subscriptions.add, subscription)
        try:
            if url is not None:
                self._secrets.put(name, Hidden(url, made))
        except BaseException:
            await self._store.write(subscriptions.remove, name)
            raise
        self._deliveries.start(subscription)
        told = {"secret": made} if sign and secret is None else {}
        return {"subscription": subscription, **told}

    @call
    async def remove(self, name: str) -> dict[str, Any]:
        """End a subscription; raises NotFound."""
        await self._store.write(subscriptions.remove, name)
        await self._deliveries.stop(name)
        self._secrets.remove(name)
        return {}

    @call
    async def test(self, name: str) -> dict[str, Any]:
        """Hand a made-up event over now, once: {"delivered", "problem"?}. Raises NotFound.

        Its kind is Test and its sequence 0.
        """
        subscription = await self._store.read(subscriptions.get, name)
        data = {"text": "a test: nothing happened"}
        event = Event(
            sequence=0,
            time=datetime.now(UTC),
            actor="local",
            kind="Test",
            subject=f"subscriptions/{name}",
            data=data,
        )
        try:
            await self._deliveries.attempt(subscription, event)
        except Undelivered as refused:
            return {"delivered": False, "problem": refused.message}
        return {"delivered": True}


def _check(name: str, sink: SinkKind, wanted: Filter, command: Words | str | None, url: str | None) -> None:
    """Raise UsageError for what cannot be subscribed to, or brought anywhere."""
    if not valid_subscription_name(name):
        raise UsageError(
            f"{name!r} is no name for a subscription", "letters, digits, '_', '-', '.', at most 64"
        )
    for kind in wanted.kinds:
        if kind not in KINDS:
            near = get_close_matches(kind, KINDS, 1, 0.5)
            raise UsageError(
                f"there are no events {kind!r}",
                f"did you mean {near[0]}?" if near else "one of " + ", ".join(KINDS),
            )
    if (sink is SinkKind.COMMAND) != bool(command) or (sink is SinkKind.WEBHOOK) != bool(url):
        raise UsageError("a subscription has one command, one webhook, or the bell")
    words = command if isinstance(command, list) else [command or ""]
    if any("\0" in word for word in words) or (sink is SinkKind.COMMAND and not words[0].strip()):
        raise UsageError("the command is empty, or has a NUL character in it")


def _host(url: str, allow: Words, plain_http: bool) -> str:
    """The host that is posted to; raises UsageError when nothing may be."""
    try:
        place = place_of(url, plain_http)
        check_allowed(place, allow)
    except Undelivered as refused:
        raise UsageError(refused.message, "see docs/alerts.md: --allow HOST, --plain-http") from None
    return place.host
