"""Brings events to those who subscribed: at least once, in order, from a cursor that is kept.

Each subscription has a task of its own, so one whose other side hangs holds nobody up. Tries are bounded:
an event that cannot be handed over is given up, and as long as nothing can be, the next ones get one try.
"""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from workbench.entities.event import Event
from workbench.entities.subscription import SinkKind, Subscription
from workbench.errors import NotFound, StoreError
from workbench.remote.supervision.webhook import Undelivered
from workbench.services import sinks
from workbench.services.bus import Bus
from workbench.services.subscription_secrets import SubscriptionSecrets
from workbench.store.async_store import AsyncStore
from workbench.store.sqlite import events
from workbench.store.sqlite.events import ALERT_CLEARED, ALERT_RAISED
from workbench.store.workspace import subscriptions
from workbench.text.sanitize import clean_name

BATCH = 200
FAR = 1000
"""Events that were passed over until the cursor is written down again."""
PAUSES = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds before each try after the first."""
AGAIN = 5.0
"""Seconds after which a store that could not be asked is asked again."""
LOOK = 60.0
PACE = 0.05
"""Seconds between two looks while what happens is nothing to it: runs record many times a second."""
log = logging.getLogger(__name__)


class Task(NamedTuple):
    """Who sees to a subscription."""

    subscription: Subscription
    task: asyncio.Task[None]


class Deliveries:
    """The deliveries of one workspace. Used from the event loop only."""

    def __init__(self, workspace: str, store: AsyncStore, bus: Bus, secrets: SubscriptionSecrets) -> None:
        self._workspace = workspace
        self._store = store
        self._bus = bus
        self._secrets = secrets
        self._tasks: dict[str, Task] = {}
        self._busy: set[str] = set()

    @property
    def busy(self) -> bool:
        """Whether an event is being handed over, or waits for its next try."""
        return bool(self._busy)

    async def open(self) -> None:
        """See to all subscriptions, each from its cursor on; raises StoreError."""
        for subscription in await self._store.read(subscriptions.every):
            self.start(subscription)

    def start(self, subscription: Subscription) -> None:
        """See to a subscription from its cursor on."""
        name = subscription.name
        task = asyncio.create_task(self._see_to(subscription), name=f"subscription {name}")
        self._tasks[name] = Task(subscription, task)
        task.add_done_callback(lambda done: self._ended(name, done))

    async def stop(self, name: str) -> None:
        """See to a subscription no more; a delivery that goes on is broken off."""
        known = self._tasks.pop(name, None)
        if known is not None:
            known.task.cancel()
            await asyncio.wait({known.task})

    async def close(self) -> None:
        """End all; what was not handed over is when the workspace is opened again."""
        for name in list(self._tasks):
            await self.stop(name)

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        self._busy.discard(name)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("subscription %s is not seen to any more", name, exc_info=problem)

    async def _see_to(self, subscription: Subscription) -> None:
        cursor, failing = subscription.cursor, subscription.problem is not None
        kept, kinds = cursor, subscription.filter.kinds
        with self._bus.listen("events") as listener:
            while True:
                try:
                    last = await self._store.read(events.last_sequence)
                    batch = await self._store.read(
                        events.after, cursor, BATCH, kinds=kinds, lasting=not kinds
                    )
                    for event in batch:
                        if subscription.filter.fits(event) and not _silenced(event):
                            failing = await self._hand_over(subscription, event, failing)
                            kept = event.sequence
                        cursor = event.sequence
                    if len(batch) < BATCH:
                        cursor = max(cursor, last)
                    if cursor - kept > FAR:
                        await self._store.write(subscriptions.advance, subscription.name, cursor)
                        kept = cursor
                    if len(batch) < BATCH:
                        await listener.take(timeout=LOOK)
                        await asyncio.sleep(0 if batch else PACE)
                except StoreError as problem:
                    log.warning("subscription %s: %s", subscription.name, problem.message)
                    await asyncio.sleep(AGAIN)

    async def _hand_over(self, subscription: Subscription, event: Event, failing: bool) -> bool:
        """Hand an event over or give it up, and write down which; whether it was given up."""
        name, problem = subscription.name, ""
        self._busy.add(name)
        try:
            for number, pause in enumerate((0.0, *(() if failing else PAUSES)), 1):
                await asyncio.sleep(pause)
                try:
                    await self.attempt(subscription, event, number)
                    return False
                except Undelivered as refused:
                    problem = clean_name(refused.message, 400)
                    if not refused.again:
                        break
                    await self._store.write(subscriptions.trouble, name, problem)
            log.warning("subscription %s: event %d is given up: %s", name, event.sequence, problem)
            await self._store.write(subscriptions.give_up, name, event.sequence, event.kind, problem)
            return True
        finally:
            self._busy.discard(name)

    async def attempt(self, subscription: Subscription, event: Event, number: int = 1) -> None:
        """Hand an event over once and write the cursor down; raises Undelivered."""
        name = subscription.name
        if subscription.sink is SinkKind.BELL:
            text = clean_name(str(event.data.get("text") or event.data.get("state") or ""), 200)
            await self._store.write(
                subscriptions.notify, name, event.sequence, event.kind, event.subject, text
            )
            return
        body = sinks.payload(event, name, self._workspace, number)
        if subscription.sink is SinkKind.COMMAND:
            await sinks.run(subscription, event, body)
        else:
            try:
                hidden = self._secrets.get(name)
            except NotFound as problem:
                raise Undelivered(f"{problem.message}; {problem.hint}", False) from None
            await sinks.post(subscription, hidden, event, body)
        await self._store.write(subscriptions.advance, name, event.sequence, delivered=1)


def _silenced(event: Event) -> bool:
    """Whether it is of an alert that is to call nobody."""
    return event.kind in (ALERT_RAISED, ALERT_CLEARED) and "silenced_until" in event.data
