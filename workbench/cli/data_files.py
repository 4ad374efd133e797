"""wb data files, fingerprint, download: what a dataset refers to."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli import output
from workbench.cli.command import Command, Listing, command
from workbench.cli.data import DATASET, print_version
from workbench.cli.progress import ProgressBar
from workbench.cli.session import Session
from workbench.text import sizes
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.text.tables import Column, Field


@command("files", cls=Listing)
@DATASET
@click.option("--seen", is_flag=True, help="As they were when somebody looked last, without looking now.")
@click.pass_obj
def files(session: Session, dataset: str, seen: bool) -> None:
    """List the files that a version refers to, where they lie."""
    if seen:
        entries = session.call("datasets", "manifest", dataset=dataset)["entries"]
    else:
        found = session.workspace.items("datasets", "files", dataset=dataset)
        entries = [row for page in found for row in page.get("entries") or []]
    rows = [{"path": row[0] or ".", "size": row[1]} for row in entries]
    fields = [
        Field(Column("PATH", keep=100, least=16, middle=True), lambda row: clean_name(row["path"], 1000)),
        Field(Column("SIZE", right=True, keep=90), lambda row: sizes.short(row["size"])),
    ]
    output.rows(session, rows, fields, ("path", "size"), "no files are there")


@command("fingerprint", cls=Listing)
@DATASET
@click.option("--contents", is_flag=True, help="Read every file and hash what it holds.")
@click.pass_obj
def fingerprint(session: Session, dataset: str, contents: bool) -> None:
    """Look at a version's files where they lie and keep which they are.

    By paths, sizes and times; with --contents by what they hold, which costs reading all of them there. What
    was seen first stays the version's own: where the files are others now that is an error.
    """
    end = {}
    with ProgressBar(session.terminal.stderr, session.terminal.cells) as bar:
        asked = session.workspace.items("datasets", "fingerprint", dataset=dataset, contents=contents)
        for end in asked:
            if "files" in end:
                bar.say(f"{counted(end['files'], 'file')}, {sizes.short(end['bytes'])}")
    print_version(session, end["version"])
    if end.get("same") is False:
        output.warn(session, "the query brings other rows than when somebody asked last")
    elif end.get("same") is None and not contents and end["version"]["fingerprint"]["content"]:
        output.warn(session, "their times are others than before; --contents says whether they hold the same")
    if end.get("left_out"):
        output.warn(session, f"{counted(end['left_out'], 'key')} left out: no path may be called so")


@command("download", cls=Command)
@DATASET
@click.argument("to", metavar="LOCAL", type=click.Path(path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace files that are here.")
@click.pass_obj
def download(session: Session, dataset: str, to: Path, overwrite: bool) -> None:
    """Bring a version's files to a folder here; one that was cut goes on when asked for again."""
    from workbench.workspace.data_transfer import DataTransfer

    with ProgressBar(session.terminal.stderr, session.terminal.cells) as bar:
        moved = DataTransfer(session.workspace.client, bar).fetch_dataset(dataset, to, overwrite)
    there = f", {counted(moved.there, 'file')} here already" if moved.there else ""
    output.note(session, f"{counted(moved.files, 'file')}, {sizes.short(moved.bytes)}{there}")
