"""wb workspace map ls, set, rm: what names of the cloud mean here."""

from __future__ import annotations

import click

from workbench.cli import output
from workbench.cli.command import Command, Listing, command
from workbench.cli.session import Session
from workbench.text import hosted
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field

KEYS = ("kind", "hosted", "ours", "created")
KIND = click.argument("kind", type=click.Choice(hosted.KINDS))


@command("ls", cls=Listing)
@click.argument("kind", type=click.Choice(hosted.KINDS), required=False)
@click.pass_obj
def ls(session: Session, kind: str | None) -> None:
    """List what names of the cloud mean here: environments, compute, places of data."""
    fields = [
        Field(Column("MAP", keep=90), lambda row: clean_name(row["kind"])),
        Field(
            Column("IN JOB FILES", keep=100, least=16, middle=True),
            lambda row: Cell(clean_name(row["hosted"], 300), "bold"),
        ),
        Field(Column("HERE", keep=95, least=12, middle=True), lambda row: clean_name(row["ours"], 300)),
    ]
    empty = "nothing is mapped; wb workspace map set environment sklearn-1.5 sklearn"
    output.rows(session, session.call("workspace", "hosted_names", kind=kind), fields, KEYS, empty)


@command("set", cls=Command)
@KIND
@click.argument("name")
@click.argument("ours", metavar="HERE")
@click.pass_obj
def change(session: Session, kind: str, name: str, ours: str) -> None:
    """Let a name of the cloud mean one of yours, so that job files run as they are.

    \b
        wb workspace map set environment sklearn-1.5 sklearn
        wb workspace map set compute cpu-cluster gpu1
        wb workspace map set data https://azuremlexamples.blob.core.windows.net/datasets gpu1:/data
    """
    found = session.call("workspace", "map", kind=kind, hosted=name, ours=ours)
    output.note(session, f"{clean_name(found['hosted'], 300)} is {clean_name(found['ours'], 300)} here")


@command("rm", cls=Command)
@KIND
@click.argument("name")
@click.pass_obj
def remove(session: Session, kind: str, name: str) -> None:
    """Forget what a name of the cloud means here."""
    session.call("workspace", "unmap", kind=kind, hosted=name)
    output.note(session, f"{clean_name(name, 300)} is not mapped any more")
