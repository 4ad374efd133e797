"""wb dashboard, also opened by no command at all on a terminal."""

from __future__ import annotations

import click

from workbench.cli.command import Command, command
from workbench.cli.session import Session
from workbench.errors import UsageError


@command("dashboard", cls=Command)
@click.argument("location", required=False)
@click.pass_obj
def dashboard(session: Session, location: str | None) -> int:
    """Open the dashboard, at a place such as runs/mnist or compute/gpu1. No command at all does that, too."""
    if not session.screen:
        raise UsageError("the dashboard needs a terminal", "wb ps, wb compute ls and the like print instead")
    return open_dashboard(session, location)


def open_dashboard(session: Session, location: str | None = None) -> int:
    """Show the dashboard until it is left; its exit code. Raises UsageError for a location that is none."""
    from workbench.cli.places import PLACES
    from workbench.text.location import parse

    try:
        place = parse(location) if location else None
    except ValueError as problem:
        raise UsageError(str(problem), PLACES) from problem
    from workbench.tui.start import run_dashboard  # brings textual

    return run_dashboard(place, session.workspace_name)
