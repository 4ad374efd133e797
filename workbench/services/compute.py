"""Compute targets as a service: attaching, signing in, asking, running a command there."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any

import msgspec

from workbench.alerts.catalogue import rule_names
from workbench.compute.attach import card, measure, propose
from workbench.compute.command_words import read_exit_code, read_output
from workbench.compute.link import Link
from workbench.compute.signin import SignIn
from workbench.entities.base import from_wire, replace, to_wire
from workbench.entities.pool import ANY
from workbench.entities.run import WORKING
from workbench.entities.target import POWER, Target, TargetKind, TargetSettings, TargetState
from workbench.errors import Conflict, NotFound, Refused, RemoteError, Unreachable, UsageError
from workbench.runs.activity import Progress, activity
from workbench.runs.adopt import find_runs
from workbench.runs.retrieval import retrieve_manifest
from workbench.services.context import Context
from workbench.services.machine_facts import renew_facts, restarted
from workbench.services.monitor_feed import here
from workbench.services.operation import call, items
from workbench.services.sign_ins import SignIns
from workbench.store.fleet import pools, targets
from workbench.store.lists import run_order
from workbench.store.queries import ordering
from workbench.store.queries.query import RunQuery
from workbench.store.registry import manifests
from workbench.store.runs import kept_runs, run_data, run_rows
from workbench.store.workspace import experiments
from workbench.text.numbers import counted

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
MOVING = frozenset({"address", "root", "lease_dir", "ssh_config", "jump"})
"""Settings that say which machine and folder a target is."""
TAKING_IN = 30.0
"""Seconds `adopt` waits for the output of runs that are over, so that it can say how they ended."""
log = logging.getLogger(__name__)
Words = list[str]


class ComputeService:
    """What can be done with compute targets (AZ-27 to AZ-32)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._sign_ins = SignIns()

    async def close(self) -> None:
        """Give up the sign-ins that wait for an answer."""
        await self._sign_ins.close()

    async def note_state(self, name: str, state: TargetState, problem: str | None) -> None:
        """Write down what the fleet found of a machine."""
        now = datetime.now(UTC)

        def noted(target: Target) -> Target:
            if target.state in POWER and state is not TargetState.CONNECTED:
                return target  # it was switched on or off: that it cannot be reached is no news
            if target.state is TargetState.STOPPING:
                return target
            seen = now if state is TargetState.CONNECTED else target.last_seen
            return replace(target, state=state, problem=problem, last_seen=seen)

        with suppress(NotFound):  # it is being attached, or was just detached
            target = await self._store.write(targets.change, name, noted)
            link = self._context.fleet.current(name)
            if state is TargetState.CONNECTED and link is not None and restarted(target.facts, link.hello):
                await self._measure_again(name, link)

    async def _measure_again(self, name: str, link: Link) -> None:
        try:
            await renew_facts(self._store, link, name)
        except (Unreachable, RemoteError) as problem:
            log.info("%s was not measured again: %s", name, problem.message)

    @call
    async def list(self) -> list[Target]:
        """All targets by name, with how many runs they have; `local` is always there (AZ-28, AZ-37)."""
        active = await self._store.read(run_order.active)
        return [_with_load(target, active) for target in await self._store.read(targets.every)]

    @call
    async def get(self, name: str) -> Target:
        """One target with how many runs it has; raises NotFound."""
        active = await self._store.read(run_order.active)
        return _with_load(await self._store.read(targets.get, name), active)

    @call
    async def attach(
        self, name: str, kind: TargetKind, settings: dict[str, Any], accept_key: str | None = None
    ) -> dict[str, Any]:
        """Reach a machine, measure it, remember it: {"target", "card"}, or {"session", "prompt"} first.

        accept_key: the fingerprint of the host key the user accepted. The first machine attached becomes the
        default. Raises HostKeyUnknown, HostKeyChanged, NeedsSignIn, Unreachable, NoPython, Conflict.
        """
        if not _NAME.match(name):
            raise UsageError(
                f"{name!r} is no name for a target", "letters, digits, '_', '-', '.', at most 64"
            )
        attached = await self._store.read(targets.every)
        known = {target.name: target for target in attached}
        if name == ANY or await self._store.read(pools.find, name) is not None:
            raise Conflict(f"{name} is a pool of machines", "choose another name for the machine")
        if name in known:
            raise Conflict(
                f"{name} is attached already", f"wb compute detach {name}, or wb compute set {name} ..."
            )
        target = Target(name=name, kind=kind, settings=_settings(settings), created=datetime.now(UTC))
        first = all(other.kind is TargetKind.LOCAL for other in attached)
        target = replace(target, default=first and kind is TargetKind.SSH)

        async def attempt(sign_in: SignIn) -> dict[str, Any]:
            async with activity(self._store, "attach", f"compute/{name}", f"attaching {name}"):
                return await self._attach(target, sign_in, accept_key)

        return await self._sign_ins.begin(name, attempt)

    async def _attach(self, target: Target, sign_in: SignIn, accept_key: str | None) -> dict[str, Any]:
        fleet = self._context.fleet
        fleet.configure(target)
        try:
            link = await fleet.link(target.name, sign_in, retry_now=True, accept_keys=_accepted(accept_key))
            measurement = await measure(link, fleet.host(target.name))
        except BaseException:
            await fleet.forget(target.name)
            raise
        settings, notes = propose(measurement, target.settings)
        target = replace(
            target,
            settings=settings,
            facts=measurement.facts,
            state=TargetState.CONNECTED,
            last_seen=datetime.now(UTC),
        )
        await self._store.write(targets.put, target)
        fleet.configure(target)
        # Who attached it may watch it at once.
        self._context.monitor.add(target.name, here(target), target.facts.get("gpus"))
        return {"target": target, "card": {"lines": card(target, measurement), "warnings": notes}}

    @call
    async def login(
        self, name: str, session: str | None = None, answer: str | None = None, accept_key: str | None = None
    ) -> dict[str, Any]:
        """Connect to a machine that asks its user: {"session", "prompt"} until {"target"}.

        With session and answer it goes on with the attempt that asked.
        """
        if session is not None:
            if answer is None:
                raise UsageError("a sign-in goes on with an answer")
            return await self._sign_ins.answer(session, answer)
        target = await self._store.read(targets.get, name)

        async def attempt(sign_in: SignIn) -> dict[str, Any]:
            accepted = _accepted(accept_key)
            await self._context.fleet.link(target.name, sign_in, retry_now=True, accept_keys=accepted)
            await self.note_state(target.name, TargetState.CONNECTED, None)
            return {"target": await self._store.read(targets.get, target.name)}

        return await self._sign_ins.begin(name, attempt)

    @items
    async def attend(self, session: str) -> AsyncIterator[dict[str, Any]]:
        """What a face holds open while it asks its user: one item, and the end once the answer came.

        A face that goes away ends the sign-in with it.
        """
        async with aclosing(self._sign_ins.attend(session)) as attending:
            async for item in attending:
                yield item

    @call
    async def set(self, name: str, changes: dict[str, Any]) -> Target:
        """Change settings of a target by field name; null means the default again. Raises UsageError."""
        moved = sorted(changes.keys() & MOVING)
        if moved and (active := await self._active(name)):
            raise Conflict(
                f"{moved[0]} cannot change: {counted(active, 'run')} still active on {name}",
                "wait for them, or attach the machine once more under another name",
            )

        def merged(target: Target) -> Target:
            fields = {**to_wire(target.settings), **changes}
            return replace(target, settings=_settings({k: v for k, v in fields.items() if v is not None}))

        target = await self._store.write(targets.change, name, merged)
        self._context.fleet.configure(target)
        return target

    @call
    async def default(self, name: str) -> Target:
        """Make a target the one submits go to when they name none."""
        return await self._store.write(targets.change, name, lambda target: replace(target, default=True))

    @call
    async def detach(self, name: str, even_protected: bool = False) -> dict[str, Any]:
        """Forget a target; the machine is left as it is (AZ-30). Raises Conflict while runs are active.

        even_protected: the user was asked for its name. Else Refused is raised for a protected one.
        """
        target = await self._store.read(targets.get, name)
        if target.name == "local":
            raise Refused("this machine cannot be detached")
        active = await self._active(name)
        if active:
            words = "1 run is" if active == 1 else f"{active} runs are"
            raise Conflict(f"{words} active on {name}", f"wb ps -t {name}; wb cancel them, or wait")
        if target.settings.protected and not even_protected:
            raise Refused(f"{name} is protected", f"wb compute set {name} protected=false")
        await self._store.write(targets.remove, name)
        await self._context.monitor.forget(name)
        await self._context.fleet.forget(name)
        return {}

    async def _active(self, name: str) -> int:
        """How many runs can still change on a target."""
        query = RunQuery(target=name, active=True, archived=None, submitted=True)
        return await self._store.read(ordering.count, query)

    async def _link(self, name: str) -> Link:
        await self._store.read(targets.get, name)
        return await self._context.link(name)

    @call
    async def facts(self, name: str) -> Target:
        """Measure a machine again."""
        link = await self._link(name)
        return await renew_facts(self._store, link, name)

    @items
    async def exec(
        self, name: str, argv: Words | None = None, shell: str | None = None, timeout: float | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Run a command on a machine: {"out": text} and {"err": text} as they come, {"exit_code"} at the end.

        Ending the iteration ends the command's whole tree.
        """
        if (argv is None) == (shell is None):
            raise UsageError("exec takes argv or shell, one of them")
        link = await self._link(name)
        asked = {"argv": argv, "shell": shell, "timeout": timeout}
        stream = link.stream("exec", {key: value for key, value in asked.items() if value is not None})
        async with stream:
            async for event in stream:
                if said := read_output(event):
                    yield said
            answer = await stream.result()
        yield {"exit_code": read_exit_code(answer)}

    @call
    async def adopt(
        self, name: str, workspaces: Words | None = None, all_workspaces: bool = False
    ) -> dict[str, Any]:
        """Rebuild the rows of a machine's runs that are not known here (law 10).

        Those submitted from this workspace, by its name, which a lost laptop's had as well; from the
        workspaces named instead, or from all. {"adopted": [Run], "known": n, "broken": [id], "others":
        {workspace: how many of its runs were left}}.
        """
        wanted = {self._context.name} if workspaces is None else set(workspaces)
        async with activity(self._store, "adopt", f"compute/{name}", f"looking at {name}") as progress:
            return await self._adopt(name, lambda said: all_workspaces or said in wanted, progress)

    async def _adopt(self, name: str, wanted: Callable[[str], bool], progress: Progress) -> dict[str, Any]:
        link = await self._link(name)
        await link.call("reconcile")
        query = RunQuery(archived=None, limit=-1, submitted=True)
        known = {run.id for run in await self._store.read(kept_runs.find, query)}
        found = await find_runs(link, name, known, wanted)
        adopted = []
        for run, configuration in found.unknown:
            await self._store.write(experiments.ensure, run.experiment, datetime.now(UTC))
            row, new = await self._store.write(kept_runs.insert, run, configuration)
            if not new:
                continue  # somebody else's adopt was first
            await self._store.write(run_data.put, run.id, [*run.inputs, *run.outputs])
            if run.snapshot is not None:
                await self._adopt_snapshot(link, run.snapshot)
            adopted.append(await self._context.conductor.adopt(row, link))
            await progress.report(run.name, len(adopted), len(found.unknown))
        await progress.report("their output", len(adopted), len(adopted))
        ids = [run.id for run in adopted]
        await self._ends_taken_in(ids)
        rows = [await self._store.read(run_rows.get, run) for run in ids]
        return {"adopted": rows, "known": found.known, "broken": found.broken, "others": found.others}

    async def _adopt_snapshot(self, link: Link, snapshot: str) -> None:
        """Bring the manifest here; the files come when somebody asks for them."""
        if await self._store.read(manifests.has, snapshot):
            return
        try:
            await retrieve_manifest(self._store, link, snapshot)
        except (NotFound, RemoteError) as problem:  # the run is worth having without its code
            log.warning("code of an adopted run is not there: %s", problem.message)

    async def _ends_taken_in(self, adopted: Words) -> None:
        """Wait, not for ever, until the runs that are over say so here: that comes after their last byte."""
        conductor = self._context.conductor

        async def settled(run_id: str) -> None:
            with self._context.bus.listen(f"runs/{run_id}") as listener:
                while conductor.ending(run_id):
                    await listener.take(timeout=1.0)

        try:
            async with asyncio.timeout(TAKING_IN):
                await asyncio.gather(*(settled(run_id) for run_id in adopted))
        except TimeoutError:
            log.info("output of adopted runs is still coming")


def _settings(fields: dict[str, Any]) -> TargetSettings:
    unknown = sorted(fields.keys() - set(TargetSettings.__struct_fields__))
    if unknown:
        raise UsageError(
            f"{unknown[0]} is no setting of a target", "one of " + ", ".join(TargetSettings.__struct_fields__)
        )
    try:
        settings = from_wire(TargetSettings, fields)
    except msgspec.ValidationError as problem:
        raise UsageError(f"a setting does not fit: {problem}") from problem
    unknown = sorted(set(settings.alerts_off) - set(rule_names()))
    if unknown:
        raise UsageError(f"there is no rule {unknown[0]!r} of alerts", "one of " + ", ".join(rule_names()))
    return settings


def _accepted(fingerprint: str | None) -> tuple[str, ...]:
    return () if fingerprint is None else (fingerprint,)


def _with_load(target: Target, active: Iterable[tuple[str, str, int]]) -> Target:
    """The target with its share of all active runs, given as (target, status, number)."""
    mine = [(status, count) for name, status, count in active if name == target.name]
    return replace(
        target,
        running=sum(count for status, count in mine if status in WORKING),
        waiting=sum(count for status, count in mine if status not in WORKING),
    )
