"""One machine of the fleet: its link, the attempt to make it, and the patience with it."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable, Collection
from pathlib import Path

from workbench.compute.backoff import Backoff
from workbench.compute.channel import Host
from workbench.compute.hosts import make_host
from workbench.compute.link import Link
from workbench.compute.payload import build_payload
from workbench.compute.signin import Prompt, SignIn
from workbench.entities.target import Target, TargetState
from workbench.errors import (
    HostKeyChanged,
    HostKeyUnknown,
    NeedsSignIn,
    Unreachable,
    WorkbenchError,
    from_wire,
)

OnState = Callable[[str, TargetState, str | None], None]

WAY = ("address", "transport", "identity", "jump", "ssh_config")
"""Settings that decide how a machine is reached."""

FAR_END = ("root", "lease_dir", "python")
"""Settings the far end of a link is started with."""

NEEDS_USER = (NeedsSignIn, HostKeyUnknown, HostKeyChanged)
"""Errors that trying again by ourselves can only make worse: lock-outs, alarms, warnings nobody reads."""

STEADY = 30.0
"""Seconds a link must live to count as good; one that breaks sooner is a failure like any other."""

KEEPALIVE = 6.0
"""Seconds of silence before a machine is asked for a sign of life; what is shown of it is no older."""


class _User:
    """Who can be asked, and whether it came to that."""

    def __init__(self, sign_in: SignIn) -> None:
        self._sign_in = sign_in
        self.answered = False

    async def answer(self, prompt: Prompt) -> str:
        """See `SignIn`."""
        said = await self._sign_in.answer(prompt)
        self.answered = True
        return said


class Machine:
    """One machine; see `Fleet`, whose methods these are."""

    def __init__(
        self, target: Target, known_hosts: Path, on_state: OnState, backoff: Backoff, idle: float
    ) -> None:
        self.target = target
        self.state = TargetState.UNKNOWN
        self.problem: str | None = None
        self._known_hosts = known_hosts
        self._on_state = on_state
        self._backoff = backoff
        self._idle = idle
        self._link: Link | None = None
        self._host: Host | None = None
        self._made_with = target.settings
        self._since = 0.0
        self._attempt: asyncio.Task[Link] | None = None
        self._asking = False  # whether the attempt has a user to ask
        self._watcher: asyncio.Task[None] | None = None
        self._asked = 0.0  # when somebody wanted the link last
        self._rests = True
        self._error: WorkbenchError | None = None
        self._failures = 0
        self._not_before = 0.0

    def change(self, target: Target) -> None:
        """Take new settings; what went wrong with other ones no longer counts."""
        if target.settings != self.target.settings:
            self._forgive()
        self.target = target

    async def link(self, sign_in: SignIn | None, accept_keys: Collection[str], *, by_user: bool) -> Link:
        """See `Fleet.link`."""
        self._asked = time.monotonic()
        if self._attempt is not None and not self._asking and (sign_in is not None or accept_keys):
            # Somebody tries without a user. Only when that is not enough, this user's answers are needed.
            await asyncio.wait({self._attempt})
        if self._link is not None and self._link.lost_reason is None and self._same(WAY + FAR_END):
            return self._link
        attempt = self._attempt
        if attempt is None:
            if not by_user:
                self._refuse_in_backoff()
            attempt = self._begin(sign_in, accept_keys)
        try:
            await asyncio.wait({attempt})  # a caller that gives up does not end what others wait for
        except asyncio.CancelledError:
            if sign_in is not None:
                attempt.cancel()  # nobody is left to answer
                await asyncio.wait({attempt})  # the next user's attempt is another one
            raise
        if attempt.cancelled():
            raise Unreachable(f"connecting to {self.target.name} was given up", "try again")
        return attempt.result()

    @property
    def current(self) -> Link | None:
        """Its link while that is up."""
        return None if self._link is None or self._link.lost_reason is not None else self._link

    @property
    def retry_in(self) -> float | None:
        """See `Fleet.retry_in`."""
        if isinstance(self._error, NEEDS_USER):
            return None
        return max(0.0, self._not_before - time.monotonic()) if self._error is not None else 0.0

    @property
    def host(self) -> Host | None:
        """What its link runs over; None while there is none."""
        return self._host

    async def close(self) -> None:
        """End its link and everything that goes on for it."""
        if self._attempt is not None:
            self._attempt.cancel()
            await asyncio.wait({self._attempt})
        await self._hang_up()

    def _begin(self, sign_in: SignIn | None, accept_keys: Collection[str]) -> asyncio.Task[Link]:
        self._asking = sign_in is not None
        self._attempt = asyncio.create_task(
            self._connect(sign_in, accept_keys), name=f"connect {self.target.name}"
        )
        self._attempt.add_done_callback(self._attempted)
        return self._attempt

    def _attempted(self, attempt: asyncio.Task[Link]) -> None:
        self._attempt = None
        if not attempt.cancelled():
            attempt.exception()  # its callers were told, unless they gave up

    async def _connect(self, sign_in: SignIn | None, accept_keys: Collection[str]) -> Link:
        # With another root or python only a new far end is needed: the user signed in to the same machine.
        host = await self._hang_up(keep_host=self._same(WAY))
        self._say(TargetState.CONNECTING, None)
        settings = self.target.settings
        link: Link | None = None
        user: _User | None = None
        try:
            if host is None:
                user = None if sign_in is None else _User(sign_in)
                self._rests = True
                host = await asyncio.to_thread(  # it may import an SSH library
                    make_host,
                    self.target,
                    known_hosts=self._known_hosts,
                    sign_in=user,
                    accept_keys=accept_keys,
                )
            link = await Link.open(
                host,
                root=settings.root,
                lease_dir=settings.lease_dir,
                python=settings.python,
                payload=build_payload(),
                name=self.target.name,
                keepalive=KEEPALIVE,
            )
        except WorkbenchError as error:
            self._failed(error)
            raise
        except Exception as error:  # a fault of ours counts too, or whoever follows runs there would spin
            self._failed(Unreachable(f"connecting failed: {error!r}"))
            raise
        except asyncio.CancelledError:
            if isinstance(self._error, NEEDS_USER):  # it is as it was before somebody tried
                self._tell(self._error)
            else:
                self._say(TargetState.UNKNOWN, None)
            raise
        finally:
            if link is None and host is not None:
                await host.close()
        self._link, self._host = link, host
        self._since = self._asked = time.monotonic()
        self._made_with = settings
        self._rests = self._rests and not (user is not None and user.answered)
        self._error = None
        self._watcher = asyncio.create_task(self._watch(link, host), name=f"watch {self.target.name}")
        self._say(TargetState.CONNECTED, None)
        return link

    def _refuse_in_backoff(self) -> None:
        error = self._error
        if error is not None and (isinstance(error, NEEDS_USER) or time.monotonic() < self._not_before):
            raise from_wire(error.to_wire())  # a copy: the kept one would collect tracebacks

    def _failed(self, error: WorkbenchError) -> None:
        self._error = error
        self._failures += 1
        self._not_before = time.monotonic() + self._backoff.delay(self._failures, random.random())
        self._tell(error)

    def _tell(self, error: WorkbenchError) -> None:
        asks = isinstance(error, NeedsSignIn | HostKeyUnknown)
        self._say(TargetState.NEEDS_SIGN_IN if asks else TargetState.UNREACHABLE, error.message)

    def _forgive(self) -> None:
        self._error, self._failures, self._not_before = None, 0, 0.0

    async def _watch(self, link: Link, host: Host) -> None:
        """Notice that the link is lost, or that nobody has used it for so long that it can be closed."""
        while link.lost_reason is None and (left := self._unused_left(link)) > 0:
            try:
                async with asyncio.timeout(left if left < math.inf else None):
                    await link.closed.wait()
            except TimeoutError:
                pass  # it was used meanwhile, or it was not
        if time.monotonic() - self._since >= STEADY:
            self._failures = 0
        # From here on whoever asks gets a new link; this one is nobody's.
        self._link = self._host = None
        if link.lost_reason is None:
            self._say(TargetState.IDLE, None)
        else:
            self._failed(
                Unreachable(f"the link was lost: {link.lost_reason}", "it is connected again when needed")
            )
        try:
            await link.close()
        finally:
            await host.close()

    def _unused_left(self, link: Link) -> float:
        """Seconds until the link counts as unused; a sign-in is not asked for again, so it is never."""
        if not self._idle or not self._rests:
            return math.inf
        return self._idle - min(link.unused, time.monotonic() - self._asked)

    async def _hang_up(self, *, keep_host: bool = False) -> Host | None:
        """End the link; with keep_host its live host stays connected and is given back."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None and not watcher.done():
            if self._link is not None:
                watcher.cancel()
            await asyncio.wait({watcher})  # one that found the link lost closes what is left of it
        link, host = self._link, self._host
        self._link = self._host = None
        alive = link is not None and link.lost_reason is None
        if link is not None:
            await link.close()
        if host is not None and not (keep_host and alive):
            await host.close()
            host = None
        return host

    def _same(self, fields: tuple[str, ...]) -> bool:
        """Whether the link was made with what the settings say now."""
        return all(getattr(self._made_with, name) == getattr(self.target.settings, name) for name in fields)

    def _say(self, state: TargetState, problem: str | None) -> None:
        if (state, problem) != (self.state, self.problem):
            self.state, self.problem = state, problem
            self._on_state(self.target.name, state, problem)
