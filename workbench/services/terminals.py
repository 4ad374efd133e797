"""Terminals on machines as a service: what is typed goes there, what is shown comes back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any

from workbench.compute.link import Link
from workbench.entities.target import Target
from workbench.errors import NotFound, RemoteError, UsageError
from workbench.services.context import Context
from workbench.services.operation import duplex
from workbench.store.fleet import targets
from workbench.text.sanitize import clean_name

Words = list[str]
Texts = dict[str, str]


class TerminalService:
    """Programs on machines with a terminal of their own."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @duplex
    async def terminal(
        self,
        name: str,
        argv: Words | None = None,
        shell: str | None = None,
        cwd: str | None = None,
        env: Texts | None = None,
        term: str | None = None,
        rows: int = 24,
        cols: int = 80,
        gpus: int = 0,
        by: str | None = None,
        *,
        source: AsyncIterator[Any],
    ) -> AsyncIterator[Any]:
        """Run argv, or shell (a line), or the user's login shell on a machine, with a terminal.

        source: bytes that are typed, and {"rows", "cols"} when it becomes another size. It gives
        {"started": the terminal's name}, the bytes that are shown, and {"exit_code", "signal"?} at its end.
        gpus: how many to hold while it lasts, for `by`; {"waiting": why} until {"granted": [uuid]}.
        Ending it hangs the terminal up. Raises Unreachable when the machine is lost.
        """
        what = {"argv": argv, "shell": shell, "cwd": cwd, "env": env}
        asked = {**what, "term": term, "rows": rows, "cols": cols}
        async with aclosing(held_terminal(self._context, name, asked, gpus, by, source)) as values:
            async for value in values:
                yield value


class RunTerminalService:
    """Programs in the folders of runs with a terminal of their own."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @duplex
    async def terminal(
        self,
        run: str,
        argv: Words | None = None,
        shell: str | None = None,
        env: Texts | None = None,
        term: str | None = None,
        rows: int = 24,
        cols: int = 80,
        gpus: int = 0,
        by: str | None = None,
        *,
        source: AsyncIterator[Any],
    ) -> AsyncIterator[Any]:
        """As `compute.terminal`, on the run's machine, in its folder, with its interpreter and variables.

        It is not the run: nothing is recorded. It sees the GPUs the run holds, or the `gpus` it holds itself.
        {"started"} comes with {"lacks_gpus": true} where the run wanted some and has none now.
        """
        found = await self._context.place(run)
        asked = {"argv": argv, "shell": shell, "env": env, "term": term, "rows": rows, "cols": cols}
        talk = held_terminal(self._context, found.target, {**asked, "run": found.id}, gpus, by, source)
        async with aclosing(talk) as values:
            async for value in values:
                yield value


async def held_terminal(
    context: Context, name: str, asked: dict[str, Any], gpus: int, by: str | None, source: AsyncIterator[Any]
) -> AsyncGenerator[Any, None]:
    """The values of an operation whose program has a terminal on a machine, and GPUs while it lasts."""
    target = await context.store.read(targets.get, name)
    link = await context.link(name)
    async with AsyncExitStack() as held:
        if gpus:
            lease = await held.enter_async_context(link.stream("lease", _lease(target, gpus, by)))
            async for event in lease:
                told = _lease_event(event)
                yield told
                if "granted" in told:
                    asked = {**asked, "env": {**(asked["env"] or {}), **visible(told["granted"])}}
                    break
            else:
                raise RemoteError(f"{name} holds no GPUs for it", "try again; wb queue shows who holds them")
        async with aclosing(on_terminal(link, asked, source)) as values:
            async for value in values:
                yield value


def _lease(target: Target, gpus: int, by: str | None) -> dict[str, Any]:
    """What the link's `lease` is asked with, by a target's settings as for a run."""
    settings = target.settings
    return {
        "gpus": gpus,
        "label": "shell",
        "by": by or "",
        "devices": settings.devices,
        "foreign_memory": settings.foreign_memory,
        "foreign_utilisation": settings.foreign_utilisation,
    }


def _lease_event(event: Any) -> dict[str, Any]:
    """What a machine says of a lease, cleaned."""
    if isinstance(event, dict) and isinstance(event.get("granted"), list):
        return {"granted": [clean_name(str(device), 100) for device in event["granted"]]}
    return {"waiting": clean_name(str(event.get("waiting", "")) if isinstance(event, dict) else "", 500)}


def visible(devices: Sequence[str]) -> dict[str, str]:
    """The environment in which programs see these GPUs alone."""
    return {"CUDA_VISIBLE_DEVICES": ",".join(devices), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


async def on_terminal(
    link: Link, asked: dict[str, Any], source: AsyncIterator[Any]
) -> AsyncGenerator[Any, None]:
    """The values of an operation whose program has a terminal. asked: what the link's `terminal` takes."""

    async def typed() -> AsyncIterator[bytes]:
        async for value in source:
            if isinstance(value, bytes):
                yield value
            else:
                await _resize(link, stream.id, value)

    params = {key: value for key, value in asked.items() if value is not None}
    stream = link.stream("terminal", params, typed())
    async with stream:
        async for item in stream:
            yield item if isinstance(item, bytes) else _started(item)
        yield _ended(await stream.result())


def _started(event: dict[str, Any]) -> dict[str, Any]:
    """What a machine says of a program that has started; whatever else it may say is passed over."""
    name = clean_name(str(event.get("started", "")), 100)
    return {"started": name, "lacks_gpus": event.get("lacks_gpus") is True}


def _ended(answer: Any) -> dict[str, Any]:
    """How a program ended, as far as its machine says so in numbers."""
    said = answer if isinstance(answer, dict) else {}
    numbers = {name: said.get(name) for name in ("exit_code", "signal")}
    return {name: number for name, number in numbers.items() if type(number) is int}


async def _resize(link: Link, terminal: int, size: Any) -> None:
    if not isinstance(size, dict) or not size.keys() <= {"rows", "cols"}:
        raise UsageError("a terminal takes bytes and sizes: {rows, cols}")
    try:
        await link.call("terminal_size", {"terminal": terminal, **size})
    except NotFound:
        return  # it has just ended
