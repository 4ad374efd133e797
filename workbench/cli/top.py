"""wb top: machines as they are now, drawn anew while they change; once; or for programs."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Command, command
from workbench.cli.parsing import duration
from workbench.cli.session import Session
from workbench.cli.top_state import Machines
from workbench.errors import UsageError

FORMATS = ("table", "json", "jsonl", "prometheus")
INTERRUPTED = 130
PATIENCE = 6.0
"""Seconds to wait for machines that are only being reached, where one picture is wanted."""
ANEW = 2.0
"""Seconds to wait for figures of now, where those at hand are of before anybody looked."""
DETAILED = 2
"""So many machines named are shown with their GPUs and processes."""
KEYS = (
    "name", "state", "freshness", "gpus", "utilisation", "memory", "power", "temperature", "cpu", "ram",
    "disk", "runs", "problem",
)  # fmt: skip
HELP = {
    "format": "json (once), jsonl (a line a machine, as they change), prometheus (once); else a table.",
    "once": "One picture, then end.",
    "every": "Draw anew every so often.",
}


@command("top", cls=Command)
@click.argument("names", nargs=-1, shell_complete=complete.target)
@click.option("-o", "--format", "chosen", type=click.Choice(FORMATS), metavar="FORMAT", help=HELP["format"])
@click.option("--once", is_flag=True, help=HELP["once"])
@click.option("--every", type=duration, default="1s", metavar="TIME", show_default=True, help=HELP["every"])
@click.pass_obj
def top(session: Session, names: tuple[str, ...], chosen: str | None, once: bool, every: float) -> int:
    """Watch machines: their GPUs, what is wrong with them, who computes; all of them, or those named.

    One or two that are named are shown with each GPU and process. q or Ctrl-C ends. In a pipe it is one
    picture, a line a machine: name, state, freshness, gpus, and percent, watts and degrees of them.
    """
    import asyncio

    if not 0.1 <= every <= 3600:
        raise UsageError("--every is between 0.1s and 1h", "wb top --every 2s")
    live = chosen == "jsonl" or (chosen in (None, "table") and session.terminal.stdout)
    work = _live(session, names, chosen, every) if live and not once else _once(session, names, chosen)
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        return 0 if live and chosen != "jsonl" else INTERRUPTED


async def _watched(services: Any, names: Sequence[str], machines: Machines) -> AsyncGenerator[None, None]:
    """Keep machines up to date; yields after each change. Raises WorkbenchError."""
    stream = services.items("compute", "watch", names=list(names) or None, looking="visible")
    async with aclosing(stream) as items:
        async for item in items:
            machines.take(item)
            yield None


async def _once(session: Session, names: Sequence[str], chosen: str | None) -> int:
    import asyncio

    machines = Machines(session.clock)
    async with session.asynchronous() as services:
        try:
            async with (
                asyncio.timeout(PATIENCE) as limit,
                aclosing(_watched(services, names, machines)) as changes,
            ):
                anew = None
                async for _ in changes:
                    if machines.current:
                        break
                    if machines.settled and anew is None:
                        anew = asyncio.get_running_loop().time() + ANEW
                        limit.reschedule(min(anew, limit.when() or anew))
        except TimeoutError:
            pass  # what is not there yet says so itself
    _print(session, machines, names, chosen)
    return 0


def _print(session: Session, machines: Machines, names: Sequence[str], chosen: str | None) -> None:
    if chosen == "prometheus":
        from workbench.views.prometheus import exposition

        sys.stdout.write(exposition(machines.views.values()))
    elif chosen == "json":
        sys.stdout.write(output.dumps(list(machines.views.values()), indent=2) + "\n")
    elif chosen == "jsonl":
        _lines(machines.views.values())
    elif chosen == "table" or session.terminal.stdout:
        sys.stdout.write("\n".join(machines.lines(session.terminal.look, _detailed(names))) + "\n")
    else:
        rows = [[output.plain(row.get(key)) for key in KEYS] for row in machines.plain_rows()]
        sys.stdout.write(output.delimited(rows, KEYS, csv=False))


def _lines(views: Any) -> None:
    for view in views:
        sys.stdout.write(output.dumps(view) + "\n")
    sys.stdout.flush()


def _detailed(names: Sequence[str]) -> bool:
    return 0 < len(names) <= DETAILED


async def _live(session: Session, names: Sequence[str], chosen: str | None, every: float) -> int:
    machines = Machines(session.clock)
    async with session.asynchronous() as services:
        if chosen == "jsonl":
            return await _stream(services, names, machines, every)
        return await _picture(session, services, names, machines, every)


async def _stream(services: Any, names: Sequence[str], machines: Machines, every: float) -> int:
    """A line for each machine that changed, no more often than every so many seconds."""
    import asyncio

    async with aclosing(_watched(services, names, machines)) as changes:
        async for _ in changes:
            _lines(machines.changed())
            await asyncio.sleep(every)
    return 0


async def _picture(
    session: Session, services: Any, names: Sequence[str], machines: Machines, every: float
) -> int:
    import asyncio

    from workbench.cli.full_screen import FullScreen
    from workbench.text.style import Look

    async def follow() -> None:
        async with aclosing(_watched(services, names, machines)) as changes:
            async for _ in changes:
                pass

    with FullScreen() as screen:
        following = asyncio.create_task(follow(), name="machines")
        try:
            while not (set(screen.keys) & {"q", "Q", "\x1b", "\x04"}):
                if following.done():
                    following.result()
                    return 0
                cells, high = screen.size
                look = Look(cells, session.terminal.colour, session.terminal.ascii_only)
                screen.draw(machines.screenful(look, _detailed(names), high))
                screen.keys = ""
                screen.pressed.clear()
                await _wait(screen.pressed, following, every)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
    return 0


async def _wait(pressed: Any, following: Any, seconds: float) -> None:
    """Until a key is pressed, the watching ends, or time is up."""
    import asyncio

    key = asyncio.ensure_future(pressed.wait())
    await asyncio.wait({key, following}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    key.cancel()
