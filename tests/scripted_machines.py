"""Machines that are scripts, for what is about many of them, and a clock that jumps: no test waits.

A real fleet and a real monitor run over them; only the links are made here. `ScriptedLoop` is an event loop whose
time goes on by itself as soon as nothing is to be done, so that hours of back-off take no time and every run of a
test is the same.
"""

from __future__ import annotations

import asyncio
import json
import selectors
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from workbench.compute import machine as machine_module
from workbench.compute.fleet import Fleet
from workbench.compute.monitor import Monitor
from workbench.entities.base import from_wire
from workbench.entities.sample import MachineSample
from workbench.entities.target import Target, TargetKind, TargetSettings
from workbench.errors import NeedsSignIn, Unreachable, WorkbenchError

EPOCH = 1_790_000_040.0
"""What the wall clock of a scripted world says at its beginning: a full minute."""


class _Jumping(selectors.DefaultSelector):
    """A selector that waits by setting the clock on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("nothing is ever going to happen")
        if not ready and timeout is not None and timeout > 0:
            self.now += timeout
        return ready


class ScriptedLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own; what is given to threads is done at once."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(self, executor: Any, function: Any, *args: Any) -> Any:
        done = self.create_future()
        try:
            done.set_result(function(*args))
        except Exception as problem:
            done.set_exception(problem)
        return done


def scripted(test: Callable[[], Any]) -> None:
    """Run a coroutine function on a loop of its own."""
    with asyncio.Runner(loop_factory=ScriptedLoop) as runner:
        runner.run(test())


class ScriptedStream:
    """A request in progress, as the near end sees it."""

    def __init__(self, link: ScriptedLink, stream: int, params: dict[str, Any], source: Any) -> None:
        self.id = stream
        self.every = params["every"]
        self.detail = params.get("detail")
        self.said: list[dict[str, Any]] = []
        self.faster = asyncio.Event()
        self._link = link
        self._source = source
        self._items: deque[dict[str, Any]] = deque()
        self._error: WorkbenchError | None = None
        self._over = False
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> ScriptedStream:
        self._tasks = [asyncio.create_task(self._hear()), asyncio.create_task(self._link.machine.probe(self))]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._link.streams.pop(self.id, None)

    async def _hear(self) -> None:
        async for line in self._source:
            words = json.loads(line)
            self.said.append(words)
            self.every = words.get("every", self.every)
            self.faster.set()
            self.detail = words.get("detail", self.detail)

    def put(self, message: dict[str, Any]) -> None:
        """An event comes."""
        self._items.append(message)
        self._wake.set()

    def end(self, error: WorkbenchError | None = None) -> None:
        """The answer comes."""
        self._over, self._error = True, error
        self._wake.set()

    def __aiter__(self) -> ScriptedStream:
        return self

    async def __anext__(self) -> dict[str, Any]:
        while not self._items:
            if self._over:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._items.popleft()


class ScriptedLink:
    """A link, as the fleet and the monitor see it."""

    def __init__(self, machine: ScriptedMachine) -> None:
        self.machine = machine
        self.lost_reason: str | None = None
        self.closed = asyncio.Event()
        self.streams: dict[int, ScriptedStream] = {}
        self._resting: set[int] = set()
        self._used = asyncio.get_running_loop().time()
        self._next = 1

    def stream(
        self, method: str, params: dict[str, Any] | None = None, source: AsyncIterator[bytes] | None = None
    ) -> ScriptedStream:
        if self.lost_reason is not None:
            raise Unreachable(f"the link is over: {self.lost_reason}")
        assert method == "probe"
        stream = ScriptedStream(self, self._next, params or {}, source)
        self._next += 1
        self.streams[stream.id] = stream
        return stream

    async def call(
        self, method: str, params: dict[str, Any] | None = None, timeout: float | None = None
    ) -> Any:
        self.machine.calls.append(method)
        if self.machine.silent:
            raise Unreachable(f"{self.machine.name} did not answer")
        return self.machine.answers[method]

    def rest(self, stream: ScriptedStream, resting: bool) -> None:
        (self._resting.add if resting else self._resting.discard)(stream.id)
        self._used = asyncio.get_running_loop().time()

    @property
    def unused(self) -> float:
        if self.streams.keys() - self._resting:
            return 0.0
        return asyncio.get_running_loop().time() - self._used

    async def close(self) -> None:
        self.lose("it was closed")

    def lose(self, reason: str) -> None:
        """The connection breaks."""
        if self.lost_reason is None:
            self.lost_reason = reason
            for stream in list(self.streams.values()):
                stream.end(Unreachable(f"the link is over: {reason}"))
            self.closed.set()


class ScriptedMachine:
    """One machine: its figures have its number in them, so that they can be nobody else's."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = f"m{number:03}"
        self.up = True
        """Whether connections to it succeed."""
        self.asks = False
        """Whether they want an answer of a user."""
        self.silent = False
        """Whether its probe says nothing although the link is up."""
        self.links: list[ScriptedLink] = []
        self.attempts: list[float] = []
        """When somebody tried to connect."""
        self.ticks = 0
        self.answers: dict[str, Any] = {"queue": {"entries": []}}
        self.calls: list[str] = []

    @property
    def link(self) -> ScriptedLink:
        """The newest."""
        return self.links[-1]

    @property
    def probe_stream(self) -> ScriptedStream:
        """The one stream of its newest link."""
        (stream,) = self.link.streams.values()
        return stream

    def connect(self) -> ScriptedLink:
        """A new link, or Unreachable."""
        self.attempts.append(asyncio.get_running_loop().time())
        if self.asks:
            raise NeedsSignIn(f"{self.name} asks for a password")
        if not self.up:
            raise Unreachable(f"{self.name} refused")
        self.links.append(ScriptedLink(self))
        return self.links[-1]

    async def probe(self, stream: ScriptedStream) -> None:
        """Send samples as often as the stream asks for, beginning at once."""
        while True:
            if not self.silent:
                self.ticks += 1
                stream.put({"full": self.sample(stream.every)})
            stream.faster.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(stream.every):
                    await stream.faster.wait()

    def sample(self, every: float) -> dict[str, Any]:
        """What it says now."""
        gpus = [{"uuid": f"{self.name}-{n}", "index": n, "utilisation": self.number / 4} for n in range(2)]
        host = {"cpu": self.number / 2, "memory_used": (self.ticks + 1) << 20}
        processes = [{"pid": self.number, "cpu": self.ticks}]
        return {"time": EPOCH, "every": every, "host": host, "gpus": gpus, "processes": processes}


class ScriptedDecoder:
    """Samples as they are."""

    def apply(self, message: Mapping[str, Any]) -> MachineSample:
        if "full" not in message:
            raise ValueError("never in full")
        return from_wire(MachineSample, message["full"])


class ScriptedWorld:
    """A fleet of scripted machines with a monitor over it, on the running loop."""

    def __init__(self, patch: pytest.MonkeyPatch, count: int, idle: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        self.machines = [ScriptedMachine(number) for number in range(count)]
        by_name = {machine.name: machine for machine in self.machines}

        async def connected(host: ScriptedMachine, **_: Any) -> ScriptedLink:
            await asyncio.sleep(0.01)
            return host.connect()

        async def nothing() -> None:
            pass

        for machine in self.machines:
            machine.close = nothing  # type: ignore[attr-defined]
        patch.setattr(machine_module, "make_host", lambda target, **_: by_name[target.name])
        patch.setattr(machine_module, "build_payload", lambda: None)
        patch.setattr(machine_module, "Link", SimpleNamespace(open=connected))
        patch.setattr(machine_module, "time", SimpleNamespace(monotonic=loop.time))
        self.fleet = Fleet(Path("unused"), lambda name, *_: self.monitor.state_changed(name), idle=idle)
        self.monitor = Monitor(self.fleet, ScriptedDecoder, loop.time, lambda: EPOCH + loop.time())
        for machine in self.machines:
            settings = TargetSettings(address=machine.name)
            self.fleet.configure(
                Target(
                    name=machine.name,
                    kind=TargetKind.SSH,
                    settings=settings,
                    created=datetime.fromtimestamp(EPOCH, UTC),
                )
            )
            self.monitor.add(machine.name)

    async def close(self) -> None:
        await self.monitor.close()
        await self.fleet.close()
