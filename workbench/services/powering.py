"""Machines that can be switched on and off: by the commands of their settings, run on this side (AZ-22)."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from workbench.compute.local_command import TimeIsUp, run_here
from workbench.entities.base import replace
from workbench.entities.target import Target, TargetState
from workbench.errors import Conflict, NeedsSignIn, Unreachable, WorkbenchError
from workbench.runs.activity import Progress, activity
from workbench.services.context import Context
from workbench.services.operation import items
from workbench.store.fleet import targets
from workbench.store.queries.query import RunQuery
from workbench.store.runs import kept_runs
from workbench.text import durations
from workbench.text.numbers import counted
from workbench.text.sanitize import clean, clean_name

KEPT = 2000
"""Lines of a command's output that are kept for who comes later."""
AGAIN = 2.0
"""Seconds between two tries to reach a machine that is coming up."""
DOING = {"start": "starting", "stop": "stopping", "restart": "restarting"}
ON_THE_WAY = {"start": TargetState.STARTING, "stop": TargetState.STOPPING, "restart": TargetState.STARTING}


class Work:
    """One machine being started or stopped; any number of faces may watch."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.lines: deque[str] = deque(maxlen=KEPT)
        self.count = 0
        self.task: asyncio.Task[Target] | None = None

    def tell(self, line: str) -> None:
        """A line of output."""
        self.lines.append(clean(line, 2000))
        self.count += 1


class PowerService:
    """Starting, stopping and restarting compute targets. What began goes on when who asked goes away."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._works: dict[str, Work] = {}

    async def open(self) -> None:
        """What was under way when the last server ended is not known any more."""
        for target in await self._store.read(targets.every):
            if target.state in (TargetState.STARTING, TargetState.STOPPING):
                await self._state(target.name, TargetState.UNKNOWN)

    async def close(self) -> None:
        """End the commands that still run."""
        tasks = [work.task for work in self._works.values() if work.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @items
    async def start(self, name: str, wait: bool = True) -> AsyncIterator[dict[str, Any]]:
        """Run a machine's start command: {"out": line} as it writes, {"target"} at the end.

        wait: go on until the machine answers, for its `power_timeout` at most. Raises Conflict without such a
        command or while it is being stopped, WorkbenchError when the command fails, Unreachable, NeedsSignIn.
        """
        async for item in self._watched(name, "start", wait):
            yield item

    @items
    async def stop(self, name: str, even_busy: bool = False) -> AsyncIterator[dict[str, Any]]:
        """Run a machine's stop command; as `start`. Raises Conflict while runs are active there.

        even_busy: the user knows that what runs there ends.
        """
        if not even_busy:
            await self._check_idle(name)
        async for item in self._watched(name, "stop", False):
            yield item

    @items
    async def restart(
        self, name: str, wait: bool = True, even_busy: bool = False
    ) -> AsyncIterator[dict[str, Any]]:
        """Run a machine's restart command, else its stop and its start command; as `start` and `stop`."""
        if not even_busy:
            await self._check_idle(name)
        async for item in self._watched(name, "restart", wait):
            yield item

    async def _check_idle(self, name: str) -> None:
        query = RunQuery(target=name, active=True, archived=None, submitted=True)
        active = await self._store.read(kept_runs.find, query)
        if active:
            words = f"{counted(len(active), 'run')} active on {name} would end with it"
            raise Conflict(words, f"wb ps -t {name} shows them; --even-busy does it all the same")

    async def _watched(self, name: str, kind: str, wait: bool) -> AsyncIterator[dict[str, Any]]:
        target = await self._store.read(targets.get, name)
        work = self._works.get(name)
        if work is not None and work.kind != kind:
            raise Conflict(f"{name} is {DOING[work.kind]} now", "wait for that to end")
        if work is None:
            commands = commands_of(target, kind)
            work = self._works[name] = Work(kind)
            carried = self._carried(target, work, commands, wait)
            work.task = asyncio.create_task(carried, name=f"{kind} {name}")
            work.task.add_done_callback(lambda task: self._ended(name, task))
        seen = 0
        task = work.task
        assert task is not None
        while True:
            done = task.done()
            fresh = work.count - seen
            for line in list(work.lines)[-fresh:] if fresh else []:
                yield {"out": line}
            seen += fresh
            if done:
                break
            await asyncio.wait({task}, timeout=0.2)
        yield {"target": await asyncio.shield(task)}

    def _ended(self, name: str, task: asyncio.Task[Target]) -> None:
        self._works.pop(name, None)
        if not task.cancelled():
            task.exception()  # who watched was told; the activity says it too

    async def _carried(
        self, target: Target, work: Work, commands: list[str | list[str]], wait: bool
    ) -> Target:
        name, kind = target.name, work.kind
        doing = DOING[kind]
        before = target.state
        async with activity(self._store, kind, f"compute/{name}", f"{doing} {name}") as progress:
            await self._state(name, ON_THE_WAY[kind])
            try:
                for command in commands:
                    await self._command(target, kind, command, work, progress)
                if kind == "stop":
                    await self._context.fleet.forget(name)
                    self._context.fleet.configure(target)
                    return await self._state(name, TargetState.STOPPED)
                if kind == "restart":  # the link that stands is to the machine as it was
                    await self._context.fleet.forget(name)
                    self._context.fleet.configure(target)
                if wait:
                    await self._answers(target, progress)
            except BaseException:
                stays = before if before in (TargetState.STOPPED, TargetState.UNREACHABLE) else None
                await self._state(name, stays or TargetState.UNKNOWN, only_from=ON_THE_WAY[kind])
                raise
            return await self._state(name, TargetState.UNKNOWN, only_from=ON_THE_WAY[kind])

    async def _command(
        self, target: Target, kind: str, command: str | list[str], work: Work, progress: Progress
    ) -> None:
        said = command if isinstance(command, str) else " ".join(command)
        await progress.report(f"{DOING[kind]} {target.name}: {clean_name(said, 200)}")
        environ = {**os.environ, "WORKBENCH_TARGET": target.name}
        environ["WORKBENCH_ADDRESS"] = target.settings.address or ""
        try:
            code = await run_here(command, environ, target.settings.power_timeout, work.tell)
        except TimeIsUp as problem:
            raise WorkbenchError(
                f"the {kind} command of {target.name} was ended: {problem.message}",
                f"give it longer: wb compute set {target.name} power_timeout=20m",
            ) from problem
        if code:
            last = next((line for line in reversed(work.lines) if line.strip()), "")
            raise WorkbenchError(
                f"the {kind} command of {target.name} failed (exit {code}){f': {last}' if last else ''}",
                f"it is run on this side: {clean_name(said, 400)}",
            )

    async def _answers(self, target: Target, progress: Progress) -> None:
        """Wait until the machine can be reached; what only its user can answer is raised at once."""
        name, patience = target.name, target.settings.power_timeout
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(patience):
                while True:
                    try:
                        await self._context.link(name)
                        return
                    except NeedsSignIn:
                        raise
                    except Unreachable as problem:
                        past = durations.short(asyncio.get_running_loop().time() - began)
                        await progress.report(f"waiting for {name} to answer, {past}: {problem.message}")
                    await asyncio.sleep(AGAIN)
        except TimeoutError:
            raise Unreachable(
                f"{name} did not answer within {durations.short(patience)} of being started",
                f"wb compute doctor {name}; or more patience: wb compute set {name} power_timeout=20m",
            ) from None

    async def _state(self, name: str, state: TargetState, only_from: TargetState | None = None) -> Target:
        """Write a state down, where it is still as it was said."""

        def noted(target: Target) -> Target:
            if only_from is not None and target.state is not only_from:
                return target
            return replace(target, state=state, problem=None)

        return await self._store.write(targets.change, name, noted)


def commands_of(target: Target, kind: str) -> list[str | list[str]]:
    """The commands that start, stop or restart a machine. Raises Conflict when its settings have none."""
    settings = target.settings
    if kind == "restart" and settings.restart is None and settings.stop and settings.start:
        return [settings.stop, settings.start]
    found: str | list[str] | None = getattr(settings, kind)
    if not found:
        raise Conflict(
            f"{target.name} has no {kind} command",
            f"one that is run on this side: wb compute set {target.name} {kind}='...'",
        )
    return [found]
