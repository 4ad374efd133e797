"""wb workspace du, prune: what this side keeps, and removing what belongs to nothing any more."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import ask, output
from workbench.cli.command import Listing, command
from workbench.cli.session import Session
from workbench.text import sizes
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell

PARTS = (("database", "database"), ("output of runs", "spool"), ("fetched files", "files"), ("code", "blobs"))


@command("du", cls=Listing)
@click.pass_obj
def du(session: Session) -> None:
    """Show what this workspace takes on this side's disk."""
    found = session.call("workspace", "usage")
    facts: list[tuple[str, Cell | str]] = [("folder", clean_name(found["folder"], 1000))]
    facts += [(title, sizes.short(found[key])) for title, key in PARTS]
    facts += [("in all", Cell(sizes.short(found["total"]), "bold")), ("free", sizes.short(found["free"]))]
    output.record(session, found, facts)


@command("prune", cls=Listing)
@click.option("--dry-run", is_flag=True, help="Only say what would go and how much it frees.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def prune(session: Session, dry_run: bool, yes: bool) -> None:
    """Remove code that no run has and what was left of removed runs, on this side.

    Runs themselves go by wb run rm; what is on machines by wb compute prune.
    """
    found = session.call("workspace", "prune", dry_run=True)
    if not (found["blobs"] or found["snapshots"] or found["runs"]):
        output.note(session, "there is nothing to remove; wb run rm removes runs")
        dry_run = True
    elif not dry_run:
        ask.confirm(session, f"Remove {_words(found)} for good?", yes=yes)
        found = session.call("workspace", "prune", dry_run=False)
    output.record(session, found, [("would free" if dry_run else "freed", _words(found))])


def _words(found: dict[str, Any]) -> str:
    what = [
        counted(found["snapshots"], "snapshot"),
        f"{counted(found['blobs'], 'file')} of code",
        f"what is left of {counted(found['runs'], 'removed run')}",
    ]
    return f"{', '.join(what)} ({sizes.short(found['bytes'])})"
