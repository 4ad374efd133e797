"""wb run files, download, snapshot: what a run kept and what it ran with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Command, Listing, command
from workbench.cli.progress import ProgressBar
from workbench.cli.session import Session
from workbench.cli.to_option import STDOUT
from workbench.errors import NotFound, Refused
from workbench.text import sizes, times
from workbench.text.sanitize import clean_name
from workbench.text.tables import Column, Field

RUN = click.argument("run", shell_complete=complete.run)


@command("files", cls=Listing)
@RUN
@click.pass_obj
def files(session: Session, run: str) -> None:
    """List the files in a run's outputs/ and logs/."""
    found = session.call("runs", "files", run=run)
    now = session.clock()
    fields = [
        Field(Column("PATH", keep=100, least=16, middle=True), lambda file: clean_name(file["path"], 1000)),
        Field(Column("SIZE", right=True, keep=90), lambda file: sizes.short(file["size"])),
        Field(Column("MODIFIED", keep=60), lambda file: times.local(times.parse(file.get("modified")), now)),
        Field(Column("HERE", keep=50), lambda file: "yes" if file.get("collected") else "no"),
    ]
    keys = ("path", "size", "modified", "sha256", "collected")
    output.rows(
        session, found, fields, keys, "no files yet; a run keeps what it writes in outputs/ and logs/"
    )


@command("download", cls=Command)
@RUN
@click.argument("paths", nargs=-1, metavar="[PATH]...", shell_complete=complete.kept_file)
@click.option(
    "--to", metavar="PLACE", help="The folder (for one file: or the file, or -) to write; default: here."
)
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@click.pass_obj
def download(session: Session, run: str, paths: tuple[str, ...], to: str | None, overwrite: bool) -> None:
    """Fetch files of a run: PATH is a file or a folder such as outputs/model; without one, all of outputs/.

    Folders keep their shape below the place they are written to. Prints the path of each file written.
    """
    wanted = paths or ("outputs",)
    known = {str(file["path"]): file for file in session.call("runs", "files", run=run)}
    one = len(wanted) == 1 and wanted[0] in known
    if to == STDOUT:
        if not one:
            raise Refused(
                "standard output takes one file", f"name one, or a folder: wb run files {run} lists them"
            )
        output.pour(session, session.workspace.read("runs", "download", run=run, path=wanted[0]))
        return
    place = Path(to or ".")
    pairs = []
    for path in wanted:
        below = [name for name in known if name == path or name.startswith(path.rstrip("/") + "/")]
        if not below:
            raise NotFound(f"the run has no file {path}", f"wb run files {run}")
        pairs += [(name, _destination(place, name, one)) for name in below]
    existing = [there for _, there in pairs if there.exists()]
    if existing and not overwrite:
        raise Refused(
            f"{existing[0]} exists", "add --overwrite to replace it, or name another place with --to"
        )
    with ProgressBar(session.terminal.stderr, session.terminal.cells) as bar:
        for name, there in pairs:
            there.parent.mkdir(parents=True, exist_ok=True)
            session.workspace.download(run, name, there, on_progress=bar)
            output.line(session, str(there))


def _destination(place: Path, path: str, one: bool) -> Path:
    """Where a run's file is written; paths come from a machine, so they may not lead out of the place."""
    parts = Path(path).parts
    if Path(path).is_absolute() or ".." in parts:
        raise Refused(f"the run's file {clean_name(path)!r} would be written outside of {place}")
    if one:
        return place / parts[-1] if place.is_dir() else place
    return place.joinpath(*parts)


@command("snapshot", cls=Listing)
@RUN
@click.pass_obj
def snapshot(session: Session, run: str) -> None:
    """List the code a run ran with; `--to FILE.zip` saves it instead."""
    if session.to is not None and session.to.lower().endswith(".zip") and session.format is None:
        output.line(session, str(session.workspace.save_snapshot(run, Path(session.to))))
        return
    found = session.call("runs", "snapshot", run=run)
    fields = [
        Field(Column("PATH", keep=100, least=16, middle=True), lambda entry: clean_name(entry["path"], 1000)),
        Field(Column("SIZE", right=True, keep=90), _size),
        Field(Column("MODE", keep=50), lambda entry: f"{int(entry.get('mode', 0o644)):04o}"),
        Field(Column("SHA256", keep=40), lambda entry: clean_name(entry.get("sha256", ""))[:12]),
    ]
    output.rows(
        session, found, fields, ("path", "size", "sha256", "mode"), "the run ran in an empty directory"
    )


def _size(entry: dict[str, Any]) -> str:
    if entry.get("kind", "file") == "file":
        return sizes.short(entry.get("size", 0))
    return f"-> {clean_name(entry.get('target', ''), 60)}" if entry["kind"] == "link" else "folder"
