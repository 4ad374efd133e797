"""wb secret set, get, ls, rm."""

from __future__ import annotations

import sys

import click

from workbench.cli import ask, complete, output
from workbench.cli.command import Command, Listing, command
from workbench.cli.session import Session
from workbench.errors import UsageError
from workbench.text import times
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field

NAME = click.argument("name", shell_complete=complete.secret)
KEYS = ("name", "place", "changed")
LONGEST = 64 * 1024


@command("set", cls=Command)
@click.argument("name", shell_complete=complete.secret)
@click.pass_obj
def change(session: Session, name: str) -> None:
    """Keep a secret: its value is asked for, or read from standard input; never from the command line.

    \b
        wb secret set WANDB_API_KEY
        pass show lake | wb secret set lake

    One line's end at the end of what is read is not part of it. Runs get it with --secret NAME and
    workbench.secrets, datastores with wb datastore set NAME secret=NAME.
    """
    if sys.stdin.isatty():
        value = session.asker.ask(f"value of {clean_name(name)}: ", echo=False)
    else:
        value = sys.stdin.buffer.read(LONGEST + 2).decode("utf-8", "surrogateescape")
        value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise UsageError("there is no value", f"wb secret set {clean_name(name)} asks for it")
    found = session.call("secrets", "set", name=name, value=value)
    where = "the system's keyring" if found["place"] == "keyring" else "an encrypted file of the workspace"
    output.note(session, f"{clean_name(name)} is kept in {where}")


@command("get", cls=Command)
@NAME
@click.pass_obj
def get(session: Session, name: str) -> None:
    """Print a secret's value, exactly as it is."""
    value = session.call("secrets", "get", name=name)["value"]
    sys.stdout.write(value + ("\n" if sys.stdout.isatty() else ""))


@command("ls", cls=Listing)
@click.pass_obj
def ls(session: Session) -> None:
    """List secrets, without their values."""
    now = session.clock()
    fields = [
        Field(Column("NAME", keep=100, least=12), lambda item: Cell(clean_name(item["name"]), "bold")),
        Field(Column("KEPT IN", keep=80), lambda item: clean_name(item["place"])),
        Field(Column("SET", right=True, keep=60), lambda item: times.ago(times.parse(item["changed"]), now)),
    ]
    output.rows(session, session.call("secrets", "list"), fields, KEYS, "no secrets; wb secret set NAME")


@command("rm", cls=Command)
@NAME
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(session: Session, name: str, yes: bool) -> None:
    """Forget a secret."""
    ask.confirm(session, f"forget the secret {clean_name(name)}?", yes=yes)
    found = session.call("secrets", "remove", name=name)
    if found["left"]:
        output.warn(
            session,
            f"{clean_name(name)} is forgotten, but its value stays in the system's keyring, which is locked",
        )
        return
    output.note(session, f"{clean_name(name)} is forgotten")
