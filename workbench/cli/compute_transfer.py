"""wb compute upload, download: files and folders to machines and from them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.cli import complete, output
from workbench.cli.command import Command, command
from workbench.cli.progress import ProgressBar
from workbench.cli.session import Session
from workbench.text.numbers import counted, first_of
from workbench.text.sanitize import clean_name

if TYPE_CHECKING:
    from workbench.workspace.transfers import Brought

OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace files that exist and differ.")
NAMED = 3


@command("upload", cls=Command)
@click.argument("name", shell_complete=complete.target)
@click.argument("sources", nargs=-1, required=True, metavar="LOCAL...", type=click.Path(path_type=Path))
@click.argument("to", metavar="REMOTE")
@OVERWRITE
@click.pass_obj
def upload(session: Session, name: str, sources: tuple[Path, ...], to: str, overwrite: bool) -> None:
    """Bring files and folders to a machine: wb compute upload gpu1 data/ ~/sets/.

    A folder there, or a REMOTE that ends with /, takes them under their own names. Files that are there
    already, of the same size and time, are not sent again: a transfer that was cut goes on where it stopped.
    Prints the path of each.
    """
    with ProgressBar(session.terminal.stderr, session.terminal.cells) as bar:
        _tell(
            session,
            session.workspace.upload(name, sources, to, overwrite=overwrite, on_progress=bar),
        )


@command("download", cls=Command)
@click.argument("name", shell_complete=complete.target)
@click.argument("paths", nargs=-1, required=True, metavar="REMOTE...")
@click.argument("to", metavar="LOCAL", type=click.Path(path_type=Path))
@OVERWRITE
@click.pass_obj
def download(session: Session, name: str, paths: tuple[str, ...], to: Path, overwrite: bool) -> None:
    """Bring a machine's files and folders here: wb compute download gpu1 /scratch/model .

    Otherwise as upload.
    """
    with ProgressBar(session.terminal.stderr, session.terminal.cells) as bar:
        _tell(session, session.workspace.fetch(name, paths, to, overwrite=overwrite, on_progress=bar))


def _tell(session: Session, brought: Iterable[Brought]) -> None:
    for one in brought:
        output.line(session, one.place)
        if one.there:
            output.note(session, f"{counted(one.there, 'file')} there already")
        if one.left_out:
            named = first_of([clean_name(path, 100) for path in one.left_out], NAMED)
            output.note(session, f"left out, being no files or links that lead out: {named}", "warn")
