"""wb env diff: how two versions differ."""

from __future__ import annotations

import click

from workbench.cli import complete
from workbench.cli.command import Command, command
from workbench.cli.session import Session
from workbench.text.sanitize import clean
from workbench.text.style import paint
from workbench.views.comparison import diff_role
from workbench.views.environment_diff import difference


@command("diff", cls=Command)
@click.argument("one", metavar="NAME[:V]", shell_complete=complete.environment)
@click.argument("other", metavar="NAME[:V]", shell_complete=complete.environment)
@click.pass_obj
def diff(session: Session, one: str, other: str) -> None:
    """Show what differs between two versions: their definitions, and the packages they were resolved to."""
    both = [session.call("environments", "get", environment=name) for name in (one, other)]
    for line in difference(*both):
        print(paint(clean(line), diff_role(line), session.terminal.colour))
