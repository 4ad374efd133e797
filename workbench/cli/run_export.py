"""wb run export: runs in one file, to give to somebody."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli import complete, output
from workbench.cli.command import Command, command
from workbench.cli.session import Session
from workbench.cli.to_option import to_place
from workbench.errors import UsageError
from workbench.text import sizes
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name


@command("export", cls=Command)
@click.argument("runs", nargs=-1, required=True, shell_complete=complete.run)
@click.option(
    "--to",
    "to",
    type=click.Path(),
    metavar="FILE.wb",
    callback=to_place("a bundle is whole or not there, name FILE.wb"),
    help="Where it is written.",
)
@click.option("--files", is_flag=True, help="Fetch what only the machine has of outputs/ and logs/ first.")
@click.option("--no-code", "no_code", is_flag=True, help="Leave their snapshots out.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@click.pass_obj
def export(
    session: Session, runs: tuple[str, ...], to: str | None, files: bool, no_code: bool, overwrite: bool
) -> None:
    """Write runs as one file that wb run import brings into another workspace, or a colleague's.

    It has their rows, notes, metrics, output, files that are here, and code; no secrets, no environment
    variables that are called like one, and nothing of other runs.
    """
    if to is None:
        if len(runs) > 1:
            raise UsageError("a file of several runs needs a name", "--to sweep.wb")
        name = session.call("runs", "get", run=runs[0])["name"]
        to = f"{clean_name(name, 100).replace('/', '_').lstrip('.') or 'run'}.wb"
    place = Path(to)
    names = session.workspace.export_runs(
        list(runs), place, files=files, code=not no_code, overwrite=overwrite
    )
    output.line(session, str(place))
    size = sizes.short(place.stat().st_size)
    output.note(
        session, f"{counted(len(names), 'run')}, {size}; wb run import {clean_name(str(place), 200)} reads it"
    )
