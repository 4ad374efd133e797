"""wb compute start, stop, restart: machines that are switched on and off by commands of this side."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from workbench.cli import ask, complete, output
from workbench.cli.command import Command, command
from workbench.cli.progress import waiting
from workbench.cli.run_logs import INTERRUPTED
from workbench.cli.session import Session
from workbench.errors import NeedsSignIn, Unreachable
from workbench.text.sanitize import clean, clean_name

T = TypeVar("T")
NAME = click.argument("name", shell_complete=complete.target)
WAIT = click.option("--wait/--no-wait", default=True, help="Until the machine answers (so it is), or not.")
BUSY = click.option("--even-busy", is_flag=True, help="Also while runs are active there: they end with it.")


@command("start", cls=Command)
@NAME
@WAIT
@click.pass_obj
def start(session: Session, name: str, wait: bool) -> int:
    """Switch a machine on by its start command, and wait until it answers.

    The command is the machine's setting `start`, a line that a shell of this side runs, such as a cloud's own
    tool: wb compute set gpu1 start='gcloud compute instances start gpu1'. What it writes goes to stderr.
    """
    return power(session, name, "start", f"{name} is up", wait=wait)


@command("stop", cls=Command)
@NAME
@BUSY
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def stop(session: Session, name: str, even_busy: bool, yes: bool) -> int:
    """Switch a machine off by its stop command. Refused while runs are active there."""
    ask.confirm(session, f"Stop {clean_name(name)}?", yes=yes)
    return power(session, name, "stop", f"{name} is stopped", even_busy=even_busy or None)


@command("restart", cls=Command)
@NAME
@WAIT
@BUSY
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def restart(session: Session, name: str, wait: bool, even_busy: bool, yes: bool) -> int:
    """Switch a machine off and on, by its restart command or by the other two."""
    ask.confirm(session, f"Restart {clean_name(name)}?", yes=yes)
    return power(session, name, "restart", f"{name} is up", wait=wait, even_busy=even_busy or None)


def power(session: Session, name: str, method: str, done: str, **parameters: Any) -> int:
    """Have a machine switched on or off, telling what its command writes; the exit code.

    An interrupt ends the telling only: what began goes on.
    """
    doing = {"start": "starting", "stop": "stopping"}.get(method, "restarting")
    told = f"{doing} {clean_name(name)} ..."
    try:
        with waiting(session.terminal.stderr, session.terminal.cells, told):
            items = session.workspace.items("compute", method, name=name, **parameters)
            item: dict[str, Any] = next(items, {})
        while "out" in item:
            print(clean(str(item["out"]), 2000), file=sys.stderr, flush=True)
            with waiting(session.terminal.stderr, session.terminal.cells, told):
                item = next(items, {})
    except KeyboardInterrupt:
        output.note(session, f"{doing} goes on: wb activity ls shows how")
        return INTERRUPTED
    waited = parameters.get("wait", True)
    output.note(session, clean_name(done) if waited else f"the {method} command of {clean_name(name)} ended")
    return 0


def with_machine_up(session: Session, name: str | None, work: Callable[[], T], *, start: bool) -> T:
    """What work gives; its machine is switched on first when it is off and may be.

    Without start somebody at a terminal is asked. Raises what work raises.
    """
    if start and (off := _startable(session, name)) is not None and off.get("state") == "stopped":
        _up(session, str(off["name"]))  # nobody has to wait until it does not answer
    try:
        return work()
    except NeedsSignIn:
        raise
    except Unreachable as problem:
        target = _startable(session, name)
        if target is None:
            raise
        name = str(target["name"])
        asked = session.asker.present() and session.terminal.stderr
        if not start and not asked:
            problem.hint = f"it may be off: wb compute start {name}, or submit with --start"
            raise
        if not start:
            output.note(session, clean_name(problem.message, 400), "warn")
            ask.confirm(session, f"{clean_name(name)} may be off. Start it?", yes=False)
    _up(session, name)
    return work()


def _up(session: Session, name: str) -> None:
    if power(session, name, "start", f"{name} is up") == INTERRUPTED:
        raise KeyboardInterrupt


def _startable(session: Session, name: str | None) -> dict[str, Any] | None:
    """The machine a run would go to, where it has a start command; None where it is no single machine."""
    targets: list[dict[str, Any]] = session.call("compute", "list")
    for target in targets:
        chosen = target["name"] == name if name is not None else target.get("default")
        if chosen and (target.get("settings") or {}).get("start"):
            return target
    return None
