"""Terminals on machines as a service: what is typed goes there, what is shown comes back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from workbench.compute.link import Link
from workbench.errors import NotFound, UsageError
from workbench.services.context import Context
from workbench.services.operation import duplex
from workbench.store import targets

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
        *,
        source: AsyncIterator[Any],
    ) -> AsyncIterator[Any]:
        """Run argv, or shell (a line), or the user's login shell on a machine, with a terminal.

        source: bytes that are typed, and {"rows", "cols"} when it becomes another size. It gives
        {"started": the terminal's name}, the bytes that are shown, and {"exit_code", "signal"?} at its end.
        Ending it hangs the terminal up. Raises Unreachable when the machine is lost.
        """
        await self._context.store.read(targets.get, name)
        link = await self._context.link(name)
        what = {"argv": argv, "shell": shell, "cwd": cwd, "env": env}
        asked = {**what, "term": term, "rows": rows, "cols": cols}
        async with aclosing(on_terminal(link, asked, source)) as values:
            async for value in values:
                yield value


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
            yield item
        yield await stream.result()


async def _resize(link: Link, terminal: int, size: Any) -> None:
    if not isinstance(size, dict) or not size.keys() <= {"rows", "cols"}:
        raise UsageError("a terminal takes bytes and sizes: {rows, cols}")
    try:
        await link.call("terminal_size", {"terminal": terminal, **size})
    except NotFound:
        return  # it has just ended
