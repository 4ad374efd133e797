"""wb compute end: a process of one's own on a machine, by its number, after a look at what it is."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import ask, complete, output
from workbench.cli.command import Command, command
from workbench.cli.session import Session
from workbench.errors import NotFound, Refused
from workbench.text import durations
from workbench.text.numbers import finite
from workbench.text.sanitize import clean_name
from workbench.views.processes import command_of

SIGNALS = ("TERM", "INT", "HUP", "KILL")


@command("end", cls=Command)
@click.argument("name", shell_complete=complete.target)
@click.argument("pid", type=click.IntRange(2))
@click.option("--signal", type=click.Choice(SIGNALS), default="TERM", show_default=True, help="What it gets.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def end(session: Session, name: str, pid: int, signal: str, yes: bool) -> int:
    """End a process on a machine that uses a GPU or belongs to a run, if it is yours there.

    Exits 1 when it is still there after two seconds. A whole run ends by wb cancel.
    """
    process = find(session.call("compute", "sample", name=name), pid)
    if not process.get("mine"):
        user = clean_name(str(process.get("user") or "another user"), 40)
        raise Refused(f"process {pid} is {user}'s", "only your own can be ended from here")
    what = clean_name(
        f"{pid}, {command_of(process) or 'unknown'}, {durations.short(finite(process.get('age')))}"
    )
    ask.confirm(session, f"Send {signal} to process {what}?", yes=yes)
    asked = {"name": name, "pid": pid, "start": process["start"], "signal": signal}
    ended = session.call("compute", "end_process", **asked).get("ended")
    harder = "" if signal == "KILL" else f": wb compute end {clean_name(name)} {pid} --signal KILL"
    output.note(
        session, f"process {pid} " + ("ended" if ended else f"got {signal} and is still there{harder}")
    )
    return 0 if ended else 1


def find(view: dict[str, Any], pid: int) -> dict[str, Any]:
    """The process of that number in a machine's sample; raises NotFound."""
    for process in (view.get("sample") or {}).get("processes") or ():
        if process.get("pid") == pid and process.get("start") is not None:
            return dict(process)
    raise NotFound(
        f"process {pid} uses no GPU there and is of no run",
        f"wb compute exec {clean_name(str(view.get('name')))} -- kill {pid} ends any other",
    )
