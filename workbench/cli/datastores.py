"""wb datastore ls, show, add, set, upload, download, default, rm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import ask, complete, output
from workbench.cli.command import Command, Listing, command
from workbench.cli.parsing import assignments, tags
from workbench.cli.progress import ProgressBar
from workbench.cli.session import Session
from workbench.text import sizes, times
from workbench.text.numbers import counted, first_of
from workbench.text.sanitize import clean_name
from workbench.text.tables import Column, Field
from workbench.views import data as look
from workbench.views.runs import mapping

if TYPE_CHECKING:
    from workbench.workspace.data_transfer import Moved

NAME = click.argument("name", shell_complete=complete.datastore)
NAMED = 3
"""What was left out, told by name."""
KEYS = ("name", "kind", "root", "target", "endpoint", "secret", "default", "created")


@command("ls", cls=Listing)
@click.argument("name", required=False, shell_complete=complete.datastore)
@click.argument("path", required=False, default="")
@click.pass_obj
def ls(session: Session, name: str | None, path: str) -> None:
    """List datastores; with a name what is in it, below a path: wb datastore ls lake images."""
    if name is not None:
        _contents(session, name, path)
        return
    found = session.call("datastores", "list")
    now = session.clock()
    fields = [
        Field(Column("NAME", keep=100, least=12, middle=True), look.datastore_name),
        Field(Column("KIND", keep=80), lambda item: look.KIND.get(item["kind"], "?")),
        Field(Column("PLACE", keep=90, least=16, middle=True), look.place),
        Field(Column("SECRET", keep=60), lambda item: clean_name(str(item.get("secret") or "-"))),
        Field(
            Column("AGE", right=True, keep=50), lambda item: times.ago(times.parse(item.get("created")), now)
        ),
    ]
    output.rows(session, found, fields, KEYS, "no datastores; wb datastore add NAME PLACE")


def _contents(session: Session, name: str, path: str) -> None:
    """What is directly below a path of a datastore, folders first."""
    found = session.call("datastores", "browse", name=name, path=path)
    now = session.clock()
    start = f"{path.strip('/')}/" if path.strip("/") else ""
    entries = [{"path": f"{start}{folder}/", "kind": "folder"} for folder in found["folders"]]
    entries += [{**item, "kind": "file"} for item in found["items"]]
    fields = [
        Field(Column("PATH", keep=100, least=16, middle=True), look.item_path),
        Field(Column("SIZE", right=True, keep=90), look.item_size),
        Field(Column("MODIFIED", keep=60), lambda item: times.local(times.parse(item.get("modified")), now)),
    ]
    output.rows(session, entries, fields, ("path", "kind", "size", "modified", "etag"), "nothing is there")
    _left_out(session, found["left_out"])


def _left_out(session: Session, count: int) -> None:
    if count:
        output.warn(session, f"{counted(count, 'file')} left out: no path may be called so")


@command("show", cls=Listing)
@click.argument("name", required=False, shell_complete=complete.datastore)
@click.pass_obj
def show(session: Session, name: str | None) -> None:
    """Show a datastore, the default one without a name."""
    _print(session, session.call("datastores", "get", name=name))


def _print(session: Session, item: dict[str, Any]) -> None:
    facts = [
        ("name", clean_name(item["name"])),
        ("kind", look.KIND.get(item["kind"], "?")),
        ("place", look.place(item)),
        ("endpoint", clean_name(str(item.get("endpoint") or ""), 200)),
        ("region", clean_name(str(item.get("region") or ""))),
        ("options", mapping(item.get("options"))),
        ("secret", clean_name(str(item.get("secret") or ""))),
        ("default", "yes" if item.get("default") else ""),
        ("read only", "yes" if item.get("read_only") else ""),
        ("description", clean_name(str(item.get("description") or ""), 1000)),
        ("tags", mapping(item.get("tags"))),
        ("created", times.local(times.parse(item.get("created")), session.clock())),
    ]
    output.record(session, item, facts)


@command("add", cls=Listing)
@click.argument("name")
@click.argument("place")
@click.option("--endpoint", metavar="URL", help="Where S3 is spoken, when it is not AWS: https://minio:9000.")
@click.option("--region", metavar="NAME", help="The bucket's region.")
@click.option("--secret", metavar="NAME", help="The name of the secret that lets one in.")
@click.option(
    "--option", "options", multiple=True, metavar="KEY=VALUE", help="What the fsspec package is told besides."
)
@click.option("--read-only", is_flag=True, help="Refuse to write there.")
@click.option("--default", is_flag=True, help="Make it the default one.")
@click.option("--tag", "words", multiple=True, metavar="KEY[=VALUE]", help="A tag (repeatable).")
@click.option("--description", metavar="TEXT", help="What it is.")
@click.pass_obj
def add(session: Session, /, name: str, place: str, **options: Any) -> None:
    """Name a place that holds data; nothing of it is read or copied.

    \b
        wb datastore add scans /data/scans
        wb datastore add raid gpu1:/raid/data
        wb datastore add lake s3://bucket/prefix --secret lake
        wb datastore add cloud gs://bucket --secret cloud     (needs mlworkbench[data] and gcsfs)
        wb datastore add shop postgresql://me@host/shop --secret shop    (needs mlworkbench[sql] and psycopg)
    """
    from workbench.workspace.data_sources import place_named

    asked = {
        **place_named(place),
        **{key: options[key] for key in ("endpoint", "region", "secret", "description")},
    }
    asked |= {"options": assignments(options["options"], "option") or None}
    asked |= {
        "read_only": options["read_only"],
        "default": options["default"],
        "tags": tags(options["words"]),
    }
    _print(session, session.call("datastores", "add", name=name, **asked))


@command("set", cls=Listing)
@NAME
@click.argument("words", nargs=-1, required=True, metavar="KEY=VALUE...")
@click.pass_obj
def change(session: Session, name: str, words: tuple[str, ...]) -> None:
    """Change a datastore: root, target, endpoint, region, secret, read_only, description.

    option.KEY=VALUE and tag.KEY=VALUE set one of several; an empty value takes it away.
    """
    asked: dict[str, Any] = {}
    before: dict[str, Any] | None = None
    for key, value in assignments(words, "change").items():
        several, dot, one = key.partition(".")
        if not dot:
            asked[key] = value
            continue
        before = before or session.call("datastores", "get", name=name)
        field = {"option": "options", "tag": "tags"}.get(several, several)
        kept = asked.setdefault(field, dict(before.get(field) or {}))
        kept.pop(one, None)
        if value:
            kept[one] = value
    _print(session, session.call("datastores", "set", name=name, changes=asked))


@command("upload", cls=Command)
@click.argument("source", metavar="LOCAL", type=click.Path(path_type=Path))
@click.argument("name", required=False, shell_complete=complete.datastore)
@click.argument("target", required=False, default="", metavar="[PATH]")
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@click.pass_obj
def upload(session: Session, source: Path, name: str | None, target: str, overwrite: bool) -> None:
    """Bring a folder's files, or a file, into a datastore: wb datastore upload ./scans lake raw/scans.

    Without a name the default one, without a path its root. Files that are there stay unless --overwrite; one
    that was cut goes on when the same is asked for again.
    """
    from workbench.workspace.data_transfer import DataTransfer

    with ProgressBar(session.terminal.stderr, session.terminal.cells) as bar:
        moved = DataTransfer(session.workspace.client, bar).upload(source, name, target, overwrite)
    _tell(session, moved)


@command("download", cls=Command)
@click.argument("to", metavar="LOCAL", type=click.Path(path_type=Path))
@click.argument("name", required=False, shell_complete=complete.datastore)
@click.argument("prefix", required=False, default="", metavar="[PATH]")
@click.option("--overwrite", is_flag=True, help="Replace files that are here.")
@click.pass_obj
def download(session: Session, to: Path, name: str | None, prefix: str, overwrite: bool) -> None:
    """Bring a datastore's files here: wb datastore download ./here lake raw/scans.

    Without a path all of them; they keep their paths below the datastore's root. Otherwise as upload.
    """
    from workbench.workspace.data_transfer import DataTransfer

    with ProgressBar(session.terminal.stderr, session.terminal.cells) as bar:
        moved = DataTransfer(session.workspace.client, bar).download(to, name, prefix, overwrite)
    _tell(session, moved)


def _tell(session: Session, moved: Moved) -> None:
    there = f", {counted(moved.there, 'file')} there already" if moved.there else ""
    output.note(session, f"{counted(moved.files, 'file')}, {sizes.short(moved.bytes)}{there}")
    _left_out(session, moved.left_out)
    if moved.not_files:
        named = first_of([clean_name(path, 100) for path in moved.not_files], NAMED)
        output.warn(session, f"left out, being no files or links to folders: {named}")


@command("default", cls=Command)
@NAME
@click.pass_obj
def default(session: Session, name: str) -> None:
    """Make a datastore the one that is meant when none is named."""
    session.call("datastores", "default", name=name)
    output.note(session, f"{clean_name(name)} is the default datastore")


@command("rm", cls=Command)
@NAME
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(session: Session, name: str, yes: bool) -> None:
    """Forget a datastore; what is in it stays."""
    ask.confirm(session, f"forget the datastore {clean_name(name)}?", yes=yes)
    session.call("datastores", "remove", name=name)
    output.note(session, f"{clean_name(name)} is no datastore any more; what is in it stays")
