"""wb workspace du, prune: what this side keeps, and removing what belongs to nothing any more."""

from __future__ import annotations

import click

from workbench.cli import ask, output
from workbench.cli.command import Listing, command
from workbench.cli.session import Session
from workbench.views import workspace_room as look


@command("du", cls=Listing)
@click.pass_obj
def du(session: Session) -> None:
    """Show what this workspace takes on this side's disk."""
    found = session.call("workspace", "usage")
    output.record(session, found, look.facts(found))


@command("prune", cls=Listing)
@click.option("--dry-run", is_flag=True, help="Only say what would go and how much it frees.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def prune(session: Session, dry_run: bool, yes: bool) -> None:
    """Remove code that no run has and what was left of removed runs, on this side.

    Runs themselves go by wb run rm; what is on machines by wb compute prune.
    """
    found = session.call("workspace", "prune", dry_run=True)
    if look.is_nothing(found):
        output.note(session, "there is nothing to remove; wb run rm removes runs")
        dry_run = True
    elif not dry_run:
        ask.confirm(session, f"Remove {look.pruned(found)} for good?", yes=yes)
        found = session.call("workspace", "prune", dry_run=False)
    output.record(session, found, [("would free" if dry_run else "freed", look.pruned(found))])
