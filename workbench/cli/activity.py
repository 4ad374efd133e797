"""wb activity ls."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import output
from workbench.cli.command import Listing, command
from workbench.cli.output import Field
from workbench.cli.session import Session
from workbench.text import states, times
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column

KEYS = ("id", "kind", "subject", "state", "text", "done", "total", "started", "ended", "error", "hint")


@command("ls", cls=Listing)
@click.option("--active", is_flag=True, help="Only what goes on now.")
@click.option(
    "-n",
    "--limit",
    metavar="N",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="At most so many.",
)
@click.pass_obj
def ls(session: Session, active: bool, limit: int) -> None:
    """List what takes long, newest first: how far it is, how it ended, what to do about it."""
    found = session.call("activities", "list", active=active or None, limit=limit)
    now, plain = session.clock(), session.terminal.ascii_only
    fields = [
        Field(Column("STATE", keep=90, least=8), lambda item: _state(item, plain)),
        Field(Column("WHAT", keep=100), lambda item: clean_name(item["kind"])),
        Field(Column("OF", keep=95, least=12, middle=True), lambda item: clean_name(item["subject"])),
        Field(
            Column("AGE", right=True, keep=60), lambda item: times.ago(times.parse(item.get("started")), now)
        ),
        Field(Column("TOOK", right=True, keep=50), lambda item: _took(item, now)),
        Field(Column("NOTE", keep=80, least=16), _note),
    ]
    output.rows(session, found, fields, KEYS, "nothing went on lately")


def _state(item: dict[str, Any], plain: bool) -> Cell:
    look = states.look(states.ACTIVITY, clean_name(str(item.get("state", ""))))
    return Cell(look.text(plain), look.role)


def _took(item: dict[str, Any], now: Any) -> str:
    return times.took(times.parse(item.get("started")), times.parse(item.get("ended")), now)


def _note(item: dict[str, Any]) -> Cell:
    if item.get("error"):
        hint = f"; {item['hint']}" if item.get("hint") else ""
        return Cell(clean_name(f"{item['error']}{hint}", 400), "bad")
    done, total = item.get("done"), item.get("total")
    share = f"  {100 * done // total}%" if done is not None and total else ""
    return Cell(clean_name(str(item.get("text") or ""), 400) + share)
