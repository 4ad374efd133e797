"""wb run stack: what a hung run is doing."""

from __future__ import annotations

import click

from workbench.cli import complete, output
from workbench.cli.command import Listing, command
from workbench.cli.session import Session
from workbench.text.style import paint
from workbench.views.stacks import lines

KEYS = ("pid", "parent", "rank", "state", "cpu", "threads", "command", "by", "python", "problem")


@command("stack", cls=Listing)
@click.argument("run", shell_complete=complete.run)
@click.pass_obj
def stack(session: Session, run: str) -> None:
    """Show where every process of a run is, also when it hangs; the run goes on.

    A Python that the run started says itself where its threads are; py-spy is asked where the machine has it.
    Of other programs the kernel says what they wait for.
    """
    found = session.call("runs", "stack", run=run)
    if not output.as_table(session):
        output.rows(session, found.get("processes") or [], [], KEYS, "")
        return
    colour = session.terminal.colour
    text = "\n".join(paint(line.text, line.role, colour) if line.role else line.text for line in lines(found))
    output.write(session, text + "\n")
