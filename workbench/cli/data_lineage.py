"""wb data lineage: where a version came from, and what came of it."""

from __future__ import annotations

import click

from workbench.cli import complete, output
from workbench.cli.command import Listing, command
from workbench.cli.session import Session
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field
from workbench.views import run_data as look

KEYS = ("way", "what", "name", "id")


@command("lineage", cls=Listing)
@click.argument("dataset", metavar="NAME[:VERSION]", shell_complete=complete.dataset)
@click.pass_obj
def lineage(session: Session, dataset: str) -> None:
    """Show which run made a version and of what, which runs read it, and what came of those.

    As JSON: version, made_by, made_of, read_by, models, became.
    """
    found = session.call("datasets", "lineage", dataset=dataset)
    if output.chosen_format(session) == "json":
        output.record(session, found, ())
        return
    fields = [
        Field(Column("", keep=100), lambda row: Cell(row["way"], "dim")),
        Field(Column("WHAT", keep=90), lambda row: row["what"]),
        Field(Column("NAME", keep=95, least=16, middle=True), lambda row: clean_name(row["name"])),
        Field(Column("ID", keep=50), lambda row: clean_name(row["id"])),
    ]
    output.rows(session, look.way(found), fields, KEYS, "nothing made it that is known, and no run read it")
