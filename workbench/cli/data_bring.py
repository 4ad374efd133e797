"""wb data bring: a dataset's files in a machine's cache before a run wants them."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Listing, command
from workbench.cli.data import DATASET
from workbench.cli.progress import ProgressBar
from workbench.cli.session import Session
from workbench.text.sanitize import clean_name
from workbench.views import data as look


@command("bring", cls=Listing)
@DATASET
@click.option(
    "-t", "--target", required=True, metavar="MACHINE", shell_complete=complete.target, help="The machine."
)
@click.pass_obj
def bring(session: Session, dataset: str, target: str) -> None:
    """Have a version's files in a machine's cache before a run wants them.

    Runs do the same by themselves. What lies there already stays where it is; a transfer that was cut goes on
    when it is asked for again.
    """
    end: dict[str, Any] = {}
    with ProgressBar(session.terminal.stderr, session.terminal.cells) as bar:
        for item in session.workspace.items("datasets", "bring", dataset=dataset, target=target):
            if "mechanism" in item:
                end = item
            else:
                bar.say(look.bringing(item))
    facts = [
        ("machine", clean_name(target)),
        ("how", clean_name(str(end.get("mechanism")))),
        ("where", clean_name(str(end.get("location")), 1000)),
        ("came", look.came(end)),
    ]
    output.record(session, {"target": target, **end}, facts)
