"""wb data ls, show, versions, tag, describe, locate, archive, rm."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import ask, complete, output
from workbench.cli.command import Command, Listing, command
from workbench.cli.parsing import assignments, tags
from workbench.cli.run_changes import print_tags
from workbench.cli.session import Session
from workbench.text import times
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field
from workbench.views import data as look
from workbench.views.runs import mapping

DATASET = click.argument("dataset", metavar="NAME[:VERSION]", shell_complete=complete.dataset)
KEYS = ("name", "versions", "latest.kind", "latest.version", "latest.created", "latest.description")
VERSION_KEYS = (
    "name",
    "version",
    "kind",
    "source.datastore",
    "source.target",
    "source.paths",
    "run",
    "archived",
    "created",
)


@command("ls", cls=Listing)
@click.argument("text", required=False)
@click.option("--kind", type=click.Choice(["file", "tabular"]), help="Only of this kind.")
@click.option("--archived", is_flag=True, help="Archived versions too.")
@click.pass_obj
def ls(session: Session, text: str | None, kind: str | None, archived: bool) -> None:
    """List datasets, or those that have a text in their name, description or tags."""
    now = session.clock()
    fields = [
        Field(
            Column("NAME", keep=100, least=12, middle=True),
            look.dataset_name,
        ),
        Field(Column("VERSIONS", right=True, keep=80), lambda item: str(item["versions"])),
        Field(Column("KIND", keep=70), lambda item: clean_name(item["latest"]["kind"])),
        Field(Column("FILES", right=True, keep=50), lambda item: look.files(item["latest"])),
        Field(Column("SIZE", right=True, keep=60), lambda item: look.size(item["latest"])),
        Field(Column("WHERE", keep=90, least=16, middle=True), lambda item: look.source(item["latest"])),
        Field(
            Column("AGE", right=True, keep=55),
            lambda item: times.ago(times.parse(item["latest"].get("created")), now),
        ),
    ]
    found = session.call("datasets", "list", text=text, kind=kind, archived=archived)
    output.rows(session, found, fields, KEYS, "no datasets; make one: wb data register NAME PATH")


@command("versions", cls=Listing)
@click.argument("name", shell_complete=complete.dataset)
@click.option("--archived", is_flag=True, help="Archived ones too.")
@click.pass_obj
def versions(session: Session, name: str, archived: bool) -> None:
    """List the versions of a dataset, the newest first."""
    now = session.clock()
    fields = [
        Field(Column("VERSION", right=True, keep=100), look.version_number),
        Field(Column("FILES", right=True, keep=50), look.files),
        Field(Column("SIZE", right=True, keep=60), look.size),
        Field(Column("WHERE", keep=90, least=16, middle=True), look.source),
        Field(Column("RUN", keep=70, least=8), lambda item: clean_name(str(item.get("run") or "-"))),
        Field(
            Column("AGE", right=True, keep=55), lambda item: times.ago(times.parse(item.get("created")), now)
        ),
        Field(Column("TAGS", keep=40, least=8, optional=True), lambda item: mapping(item.get("tags"))),
    ]
    found = session.call("datasets", "versions", name=name, archived=archived)
    output.rows(session, found, fields, VERSION_KEYS, "all are archived; --archived lists them")


@command("show", cls=Listing)
@DATASET
@click.pass_obj
def show(session: Session, dataset: str) -> None:
    """Show a version of a dataset, the newest one without a number, and which machines' caches hold it.

    Machines that are connected are asked whether they still do; of others it is said as it was.
    """
    item = session.call("datasets", "get", dataset=dataset)
    copies = session.call("datasets", "cached", dataset=f"{item['name']}:{item['version']}")
    output.record(session, {**item, "cached": copies}, look.facts(item, session.clock(), copies))


def print_version(session: Session, item: dict[str, Any]) -> None:
    """Print one version."""
    output.record(session, item, look.facts(item, session.clock()))


@command("tag", cls=Listing)
@DATASET
@click.argument("words", nargs=-1, metavar="[KEY[=VALUE]]...")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove a tag; may be repeated.")
@click.pass_obj
def tag(session: Session, dataset: str, words: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Set and remove tags of a version, and print the tags it then has."""
    if words or remove:
        found = session.call("datasets", "tag", dataset=dataset, set=tags(words), remove=list(remove))
    else:
        found = session.call("datasets", "get", dataset=dataset)
    print_tags(session, found.get("tags") or {})


@command("describe", cls=Command)
@DATASET
@click.argument("text")
@click.pass_obj
def describe(session: Session, dataset: str, text: str) -> None:
    """Say what a version is; an empty text takes it away."""
    session.call("datasets", "describe", dataset=dataset, description=text)


@command("locate", cls=Listing)
@DATASET
@click.argument("places", nargs=-1, metavar="[MACHINE=PATH]...")
@click.option("--remove", multiple=True, metavar="MACHINE", help="They are not there any more.")
@click.pass_obj
def locate(session: Session, dataset: str, places: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Say where a version's files lie on machines already: wb data locate imagenet gpu1=/data/imagenet.

    Runs there use them in place. Prints where they are then.
    """
    asked = assignments(places, "location")
    if asked or remove:
        found = session.call("datasets", "locate", dataset=dataset, set=asked, remove=list(remove))
    else:
        found = session.call("datasets", "get", dataset=dataset)
    rows = [{"target": target, "path": path} for target, path in (found.get("locations") or {}).items()]
    fields = [
        Field(Column("MACHINE", keep=100), lambda row: Cell(clean_name(row["target"]), "bold")),
        Field(Column("PATH", keep=90, least=16, middle=True), lambda row: clean_name(row["path"], 1000)),
    ]
    output.rows(session, rows, fields, ("target", "path"), "nowhere; wb data locate NAME MACHINE=PATH")


@command("archive", cls=Command)
@click.argument("dataset", metavar="NAME:VERSION", shell_complete=complete.dataset)
@click.option("--undo", is_flag=True, help="Bring it back.")
@click.pass_obj
def archive(session: Session, dataset: str, undo: bool) -> None:
    """Hide a version from lists and from `latest`; who names it by its number has it all the same."""
    found = session.call("datasets", "archive", dataset=dataset, archived=not undo)
    output.note(session, f"{look.reference(found)}: {'back in lists' if undo else 'archived'}")


@command("rm", cls=Command)
@DATASET
@click.option("--all", "all_versions", is_flag=True, help="All its versions.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(session: Session, dataset: str, all_versions: bool, yes: bool) -> None:
    """Forget a version, or all of a dataset; the data itself is not touched."""
    what = f"all versions of {clean_name(dataset)}" if all_versions else clean_name(dataset)
    ask.confirm(session, f"forget {what}? the data itself stays", yes=yes)
    found = session.call("datasets", "remove", dataset=dataset, all_versions=all_versions)
    for gone in found["removed"]:
        output.line(session, gone)
