"""wb server status, start, stop, logs: the local server of this home."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import click

from workbench.cli import output
from workbench.cli.command import Command, Listing, command
from workbench.cli.parsing import at_least
from workbench.cli.session import Session
from workbench.errors import NotFound, ServerError
from workbench.home import find_home, workspace_name
from workbench.text import times
from workbench.text.sanitize import clean, clean_name
from workbench.workspace.on_demand import running_server
from workbench.workspace.socket_client import SocketClient

NOT_RUNNING = 3
PATIENCE = 10.0
STEP = 0.05
BLOCK = 1 << 16
CODE = Path(__file__).parent.parent
"""The package that this command is of."""


def ask_running(session: Session) -> dict[str, Any] | None:
    """What the server says of itself, None when none runs; never starts one."""
    client = _running(session)
    try:
        return None if client is None else dict(client.call("server", "info"))
    except ServerError:
        return None


def _running(session: Session) -> SocketClient | None:
    return running_server(find_home(), session.workspace_name or workspace_name())


@command("status", cls=Listing)
@click.pass_obj
def status(session: Session) -> int:
    """Say whether the local server runs, since when, and what it is busy with.

    Exits 3 when none runs.
    """
    info = ask_running(session)
    if info is None:
        output.record(session, {"running": False}, [("server", "not running; any command starts it")])
        return NOT_RUNNING
    _print(session, info)
    return 0


def with_notices(info: dict[str, Any], code: Path = CODE) -> dict[str, Any]:
    """What the server says of itself, and that it is another installation's than this command where it is."""
    theirs = info.get("code")
    if not theirs or theirs == str(code):
        return info
    notice = f"this command is another installation's, {code}: wb server stop, and the next one starts that"
    return {**info, "notices": [*info.get("notices", []), notice]}


def _print(session: Session, info: dict[str, Any]) -> None:
    info = with_notices(info)
    now = session.clock()
    started = times.parse(info.get("started"))
    facts = [("server", f"running for {times.took(started, None, now)}, as process {info.get('pid')}")]
    for key, value in info.items():
        if key not in ("pid", "started"):
            facts.append((key.replace("_", " "), clean_name(output.plain(value), 1000)))
    output.record(session, {"running": True, **info}, facts)


@command("start", cls=Listing)
@click.pass_obj
def start(session: Session) -> None:
    """Start the local server, unless it runs; other commands do this by themselves."""
    _print(session, session.call("server", "info"))


@command("stop", cls=Command)
@click.pass_obj
def stop(session: Session) -> None:
    """Stop the local server. Runs go on; the next command starts it again."""
    client = _running(session)
    if client is None:
        output.note(session, "the server was not running")
        return
    client.call("server", "stop")
    deadline = time.monotonic() + PATIENCE
    while _running(session) is not None:
        if time.monotonic() > deadline:
            raise ServerError("the server was asked to stop and still answers", "wb server logs")
        time.sleep(STEP)
    output.note(session, "stopped; runs go on")


@command("logs", cls=Command)
@click.option("-n", "--lines", type=at_least(1), default=200, show_default=True, help="The last so many.")
@click.pass_obj
def logs(session: Session, lines: int) -> None:
    """Print the end of what the local server wrote."""
    path = find_home().server_log
    try:
        text = _tail(str(path), lines)
    except FileNotFoundError as problem:
        raise NotFound("the server has written nothing yet", f"it would be in {path}") from problem
    sys.stdout.write(clean(text, len(text) + 1) if session.terminal.stdout else text)


def _tail(path: str, lines: int) -> str:
    """The last lines of a file, read from its end."""
    with open(path, "rb") as file:
        position = file.seek(0, os.SEEK_END)
        data = b""
        while position > 0 and data.count(b"\n") <= lines:
            size = min(BLOCK, position)
            position -= size
            file.seek(position)
            data = file.read(size) + data
    return b"".join(data.splitlines(keepends=True)[-lines:]).decode("utf-8", "replace")
