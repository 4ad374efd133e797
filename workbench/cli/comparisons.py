"""wb run comparisons: runs one wants to see side by side again, each under a name with a note."""

from __future__ import annotations

import sys

import click

from workbench.cli import complete, output
from workbench.cli.command import Listing, command
from workbench.cli.session import Session
from workbench.errors import UsageError
from workbench.text.numbers import counted
from workbench.text.sanitize import clean, clean_name
from workbench.text.tables import Cell, Column, Field
from workbench.views import notes

KEYS = ("name", "runs", "gone", "note", "created")
EMPTY = "no comparison is saved; wb run compare RUN RUN --save NAME keeps one"


@command("comparisons", cls=Listing)
@click.argument("name", required=False, shell_complete=complete.comparison)
@click.argument("text", nargs=-1)
@click.option("--search", metavar="WORDS", help="Only those with these words in name, note or a run's name.")
@click.option("--note", is_flag=True, help="Print the note of NAME, or write TEXT as it; - reads it.")
@click.option("--remove", is_flag=True, help="Forget it; its runs stay as they are.")
@click.pass_obj
def comparisons(
    session: Session, name: str | None, text: tuple[str, ...], search: str | None, note: bool, remove: bool
) -> None:
    """List saved comparisons, read or write the note of one, or forget it. wb run compare NAME shows one."""
    if name is None or search is not None:
        if note or remove or name is not None:
            raise UsageError("one comparison is to be named", "wb run comparisons NAME --note")
        found = session.call("comparisons", "list", text=search)
        output.rows(session, found, _FIELDS, KEYS, EMPTY)
        return
    if text and not note:
        raise UsageError("a text is for the note", f"wb run comparisons {name} --note TEXT")
    if remove:
        session.call("comparisons", "remove", name=name)
        output.note(session, f"removed the comparison {clean_name(name)}")
        return
    if text:
        said = sys.stdin.read() if text == ("-",) else " ".join(text)
        session.call("comparisons", "describe", name=name, note=said)
        return
    found = session.call("comparisons", "get", name=name)
    if note:
        said = str(found.get("note") or "")
        if said:
            print(clean(said, 1 << 20) if session.terminal.stdout else said)
        return
    facts = [(key, clean_name(output.plain(found.get(key)), 2000)) for key in KEYS]
    output.record(session, found, facts)


_FIELDS = [
    Field(Column("NAME", keep=100), lambda item: clean_name(item["name"])),
    Field(Column("RUNS", right=True, keep=80), lambda item: counted(len(item["runs"]), "run")),
    Field(
        Column("GONE", right=True, keep=50),
        lambda item: Cell(str(len(item["gone"])), "warn") if item.get("gone") else Cell("-", "quiet"),
    ),
    Field(Column("NOTE", keep=90), lambda item: notes.gist(str(item.get("note") or ""))),
]
