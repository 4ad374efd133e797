"""wb compute pool ls, set, rm."""

from __future__ import annotations

import click

from workbench.cli import complete, output
from workbench.cli.command import Command, Listing, command
from workbench.cli.session import Session
from workbench.text import times
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field

KEYS = ("name", "targets", "created")
NAME = click.argument("name", shell_complete=complete.pool)


@command("ls", cls=Listing)
@click.pass_obj
def ls(session: Session) -> None:
    """List pools. `any`, all machines that are attached, is always there."""
    now = session.clock()
    fields = [
        Field(Column("NAME", keep=100, least=10), lambda pool: Cell(clean_name(pool["name"]), "bold")),
        Field(Column("MACHINES", keep=90, least=16), lambda pool: " ".join(map(clean_name, pool["targets"]))),
        Field(Column("AGE", right=True, keep=50), lambda pool: times.ago(times.parse(pool["created"]), now)),
    ]
    empty = "no pools; make one: wb compute pool set NAME gpu1 gpu2"
    output.rows(session, session.call("compute", "pools"), fields, KEYS, empty)


@command("set", cls=Command)
@NAME
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...", shell_complete=complete.target)
@click.pass_obj
def change(session: Session, name: str, targets: tuple[str, ...]) -> None:
    """Make a pool of machines, or change which it has; wb submit -t NAME goes to the one with room first.

    Of several that have room the one with the least running counts, then the first.
    """
    found = session.call("compute", "set_pool", name=name, targets=list(targets))
    output.note(session, f"{clean_name(name)}: {' '.join(map(clean_name, found['targets']))}")


@command("rm", cls=Command)
@NAME
@click.pass_obj
def remove(session: Session, name: str) -> None:
    """Forget a pool; its machines and runs stay as they are."""
    session.call("compute", "remove_pool", name=name)
    output.note(session, f"{clean_name(name)} is no pool any more")
