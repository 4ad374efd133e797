"""wb files ls, cat, du, mkdir, cp, mv, rm: the files of machines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import click

from workbench.cli import ask, complete, output
from workbench.cli.command import Command, Listing, command
from workbench.cli.parsing import at_least
from workbench.cli.progress import ProgressBar
from workbench.cli.session import Session
from workbench.errors import UsageError
from workbench.text import sizes
from workbench.text.numbers import counted
from workbench.text.sanitize import TerminalStream, clean_name
from workbench.text.tables import Cell, Column, Field
from workbench.views import machine_files as look

NAME = click.argument("name", shell_complete=complete.target)
PATH = click.argument("path")
FOLDER = click.argument("path", default="~")
KEYS = ("name", "kind", "size", "modified", "mode", "user", "target")
PAGE = 5000
MOST = 100_000


@command("ls", cls=Listing)
@NAME
@FOLDER
@click.option(
    "--sort",
    type=click.Choice(["name", "size", "modified", "kind"]),
    default="name",
    metavar="HOW",
    help="name (folders first), size, modified or kind.",
)
@click.option("-r", "--reverse", is_flag=True, help="The other way round.")
@click.option("-a", "--all", "hidden", is_flag=True, help="Also names that begin with a dot.")
@click.option("--limit", type=at_least(1), default=MOST, metavar="N", help="No more than so many.")
@click.pass_obj
def ls(session: Session, name: str, path: str, sort: str, reverse: bool, hidden: bool, limit: int) -> None:
    """List a folder of a machine: wb files ls gpu1 /scratch. Without a path: the home."""
    asked = {"target": name, "path": path, "sort": sort, "hidden": hidden}
    asked["descending"] = (sort in ("size", "modified")) != reverse
    found: list[dict[str, Any]] = []
    total = None
    while len(found) < limit and (total is None or len(found) < total):
        page = session.call("files", "list", **asked, offset=len(found), limit=min(PAGE, limit - len(found)))
        total = int(page.get("total") or 0)
        if not page["entries"]:
            break
        found += page["entries"]
    now = session.clock()
    fields = [
        Field(Column("NAME", keep=100, least=16, middle=True), look.name),
        Field(Column("SIZE", right=True, keep=90), look.size),
        Field(Column("MODIFIED", keep=60), lambda entry: look.modified(entry, now)),
        Field(Column("USER", keep=40), look.user),
        Field(Column("MODE", keep=30), look.mode),
    ]
    empty = "the folder is empty" if hidden else "nothing to see; -a shows all"
    output.rows(session, found, fields, KEYS, empty)
    if total is not None and total > len(found):
        output.note(session, f"{len(found)} of {total}; --limit shows more")


@command("cat", cls=Command)
@NAME
@PATH
@click.pass_obj
def cat(session: Session, name: str, path: str) -> None:
    """Print a file of a machine."""
    cleaner = TerminalStream()
    for block in session.workspace.read("files", "get", target=name, path=path):
        if session.terminal.stdout:
            sys.stdout.write(cleaner.feed(block))
        else:
            sys.stdout.buffer.write(block)
    sys.stdout.write(cleaner.close())


@command("du", cls=Listing)
@NAME
@FOLDER
@click.option("--limit", type=at_least(1), default=50, metavar="N", help="The largest so many; else 50.")
@click.pass_obj
def du(session: Session, name: str, path: str, limit: int) -> None:
    """Show what takes the room in a folder of a machine, the largest first. Other disks are not counted."""
    print_use(session, session.workspace.items("files", "usage", target=name, path=path), limit)


def print_use(session: Session, stages: Iterable[Mapping[str, Any]], limit: int) -> None:
    """Print the last of the stages of a count, saying meanwhile how far it is."""
    use: Mapping[str, Any] = {}
    with ProgressBar(session.terminal.stderr, session.terminal.cells) as bar:
        for use in stages:
            bar.say(f"counting: {counted(use['files'], 'file')}, {sizes.short(use['total'])}")
    total, plain = use["total"], session.terminal.ascii_only
    fields = [
        Field(Column("SIZE", right=True, keep=100), lambda entry: sizes.short(entry["bytes"])),
        Field(Column("PART", right=True, keep=60), lambda entry: look.share(entry["bytes"], total)),
        Field(Column("", keep=40), lambda entry: Cell(look.bar(entry["bytes"], total, plain), "active")),
        Field(Column("NAME", keep=90, least=16, middle=True), look.name),
    ]
    shown = use["entries"][:limit]
    output.rows(session, shown, fields, ("bytes", "name", "kind"), "there is nothing in it")
    more = len(use["entries"]) - len(shown)
    place = clean_name(use["path"], 1000)
    output.note(session, f"{sizes.short(total)} in {counted(use['files'], 'file')} in {place}"
                + (f"; {more} smaller ones are not shown" if more else ""))  # fmt: skip
    for text in look.use_notes(use):
        output.note(session, text, "warn")


@command("mkdir", cls=Command)
@NAME
@PATH
@click.option("-p", "--parents", is_flag=True, help="Make what it lies in, too; one that exists is fine.")
@click.pass_obj
def mkdir(session: Session, name: str, path: str, parents: bool) -> None:
    """Make a folder on a machine. Prints its path."""
    made = session.call("files", "mkdir", target=name, path=path, parents=parents)
    output.line(session, str(made["path"]))


@command("mv", cls=Command)
@NAME
@PATH
@click.argument("to")
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
@click.pass_obj
def mv(session: Session, name: str, path: str, to: str, overwrite: bool) -> None:
    """Give a file or folder of a machine another name or place. Prints its new path."""
    named = session.call("files", "rename", target=name, path=path, to=to, overwrite=overwrite)
    output.line(session, str(named["path"]))


@command("cp", cls=Command)
@NAME
@PATH
@click.argument("to")
@click.option("-r", "--recursive", is_flag=True, help="A folder with all in it.")
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
@click.pass_obj
def cp(session: Session, name: str, path: str, to: str, recursive: bool, overwrite: bool) -> None:
    """Copy a file or folder from one place of a machine to another. Prints the copy's path."""
    asked = {"target": name, "path": path, "to": to, "recursive": recursive, "overwrite": overwrite}
    end = _watched(session, "copying", session.workspace.items("files", "copy", **asked))
    output.line(session, str(end.get("path") or to))
    if end.get("left_out"):
        output.note(session, f"{end['left_out']} pipes, sockets or devices were left out", "warn")


@command("rm", cls=Command)
@NAME
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-r", "--recursive", is_flag=True, help="Folders with all in them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.pass_obj
def rm(
    session: Session, name: str, paths: tuple[str, ...], recursive: bool, yes: bool, dry_run: bool
) -> None:
    """Remove files of a machine for good. Links go, not what they lead to.

    Never /, the home, the workbench's own folder there, or what these lie in.
    """
    found = [session.call("files", "stat", target=name, path=path) for path in paths]
    for place in found:
        entry = place["entry"]
        if entry["kind"] == "dir" and not recursive:
            raise UsageError(f"{place['path']} is a folder", "add -r to remove it with all in it")
        if dry_run:
            size = f", {sizes.short(entry['size'])}" if entry["kind"] == "file" else ""
            print(f"would remove {clean_name(place['path'], 1000)} ({entry['kind']}{size})")
    if dry_run:
        return
    what = clean_name(found[0]["path"], 300) if len(found) == 1 else f"{len(found)} things"
    ask.confirm(session, f"Remove {what} from {clean_name(name)} for good?", yes=yes)
    for place in found:
        asked = {"target": name, "path": place["path"], "recursive": recursive}
        end = _watched(session, "removing", session.workspace.items("files", "delete", **asked))
        freed = f"{counted(end['count'], 'thing')}, {sizes.short(end['bytes'])}"
        output.note(session, f"removed {clean_name(place['path'], 300)}: {freed}")


def _watched(session: Session, doing: str, stages: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The last of the stages of a long change, saying meanwhile how far it is."""
    end: Mapping[str, Any] = {}
    with ProgressBar(session.terminal.stderr, session.terminal.cells) as bar:
        for end in stages:
            bar.say(f"{doing}: {end.get('count', 0)}, {sizes.short(end.get('bytes', 0))}")
    return end
