"""wb model ls, show, history, download: looking at models."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Command, Listing, command
from workbench.cli.parsing import at_least
from workbench.cli.parsing import tags as read_tags
from workbench.cli.progress import ProgressBar
from workbench.cli.session import Session
from workbench.cli.to_option import to_place
from workbench.errors import UsageError
from workbench.text import asset_reference, filter_times, times
from workbench.text.sanitize import clean, clean_name
from workbench.text.style import paint
from workbench.text.tables import Cell, Column, Field
from workbench.views import model_page
from workbench.views import models as look
from workbench.views.runs import mapping

MODEL = click.argument("model", metavar="NAME[:VERSION|@ALIAS]", shell_complete=complete.model)
NAME = click.argument("name", shell_complete=complete.model)
KEYS = ("name", "versions", "latest", "aliases", "gate", "protected", "created", "description")
VERSION_KEYS = (
    "name", "version", "aliases", "format", "runs_code", "framework", "size", "files", "run", "experiment",
    "metrics", "tags", "created", "created_by",
)  # fmt: skip
MOVE_KEYS = ("time", "alias", "version", "previous", "action", "who", "why", "forced", "unjudged", "approver")
METRICS = 3
"""Columns of metrics in a list of versions."""


@command("ls", cls=Listing)
@click.argument("words", nargs=-1)
@click.option("--versions", is_flag=True, help="List versions instead; so does any option below.")
@click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="Only versions with this tag.")
@click.option("--property", "properties", multiple=True, metavar="KEY[=VALUE]", help="With this property.")
@click.option("--run", metavar="RUN", shell_complete=complete.run, help="That came from this run.")
@click.option("--dataset", metavar="NAME[:V]", help="That have to do with this dataset.")
@click.option("--framework", metavar="NAME", help="Of this framework.")
@click.option("--latest", is_flag=True, help="Only the newest of each model.")
@click.option(
    "-n", "--limit", type=at_least(1), default=100, metavar="COUNT", help="At most so many versions."
)
@click.pass_obj
def ls(
    session: Session,
    /,
    words: tuple[str, ...],
    versions: bool,
    tags: tuple[str, ...],
    properties: tuple[str, ...],
    limit: int,
    **filters: Any,
) -> None:
    """List models, or with an option versions (AZ-167)."""
    wanted = {key: value for key, value in filters.items() if value}
    if not (versions or tags or properties or wanted):
        _models(session, session.call("models", "list", text=" ".join(words) or None))
        return
    if len(words) > 1:
        raise UsageError("versions are listed of one model, or of all", "wb model ls NAME --versions")
    found = session.call(
        "models",
        "versions",
        name=words[0] if words else None,
        tags=read_tags(tags) or None,
        properties=read_tags(properties) or None,
        limit=limit,
        **wanted,
    )
    _versions(session, found, named=True)


def _models(session: Session, found: list[dict[str, Any]]) -> None:
    now = session.clock()
    fields = [
        Field(
            Column("NAME", keep=100, least=12, middle=True),
            lambda item: Cell(clean_name(item["name"]), "bold"),
        ),
        Field(Column("VERSIONS", right=True, keep=80), lambda item: str(item["versions"])),
        Field(Column("LATEST", right=True, keep=70), lambda item: str(item.get("latest") or "-")),
        Field(Column("ALIASES", keep=95, least=10), look.aliases_of_model),
        Field(
            Column("RULES", right=True, keep=50), lambda item: str(len(item["gate"])) if item["gate"] else "-"
        ),
        Field(
            Column("AGE", right=True, keep=55), lambda item: times.ago(times.parse(item.get("created")), now)
        ),
        Field(Column("TAGS", keep=40, least=8, optional=True), lambda item: mapping(item.get("tags"))),
    ]
    output.rows(
        session,
        found,
        fields,
        KEYS,
        "no models; wb model register NAME --run RUN --path outputs/... makes one",
    )


def _versions(
    session: Session,
    found: list[dict[str, Any]],
    *,
    named: bool = False,
    champion: dict[str, Any] | None = None,
) -> None:
    now = session.clock()
    fields = [
        Field(
            Column("MODEL" if named else "VERSION", right=not named, keep=100),
            lambda item: Cell(look.reference(item) if named else str(item["version"]), "bold"),
        ),
        Field(Column("ALIASES", keep=95), look.aliases_of),
        *(
            _metric(name, 90 - index, champion)
            for index, name in enumerate(look.metric_names(found)[:METRICS])
        ),
        Field(Column("FORMAT", keep=85, least=8, optional=True), look.format_of),
        Field(Column("FRAMEWORK", keep=50, least=8, optional=True), look.framework_of),
        Field(Column("SIZE", right=True, keep=55), look.size_of),
        Field(Column("FROM", keep=60, least=12), look.source_of),
        Field(
            Column("AGE", right=True, keep=70), lambda item: times.ago(times.parse(item.get("created")), now)
        ),
        Field(Column("TAGS", keep=40, least=8, optional=True), lambda item: mapping(item.get("tags"))),
    ]
    output.rows(session, found, fields, VERSION_KEYS, "no version fits")


def _metric(name: str, keep: int, champion: dict[str, Any] | None) -> Field:
    column = Column(clean_name(name, 24), right=True, keep=keep)
    return Field(column, lambda item: look.metric_cell(item, name, champion))


@command("show", cls=Listing)
@MODEL
@click.option(
    "-n", "--limit", type=at_least(1), default=100, metavar="COUNT", help="At most so many versions."
)
@click.pass_obj
def show(session: Session, model: str, limit: int) -> None:
    """Show a model with its versions, or one version of it with its files."""
    named = asset_reference.parse(model)
    if named.version is not None or named.alias is not None:
        _version(session, model)
        return
    found = session.call("models", "get", name=named.name)
    versions = session.call("models", "versions", name=named.name, limit=limit)
    if output.chosen_format(session) != "table":
        output.record(session, {**found, "count": found["versions"], "versions": versions}, [])
        return
    now = session.clock()
    facts = [
        ("name", clean_name(found["name"])),
        ("versions", str(found["versions"])),
        ("aliases", look.aliases_of_model(found)),
        ("gate", clean_name("; ".join(found["gate"]), 1000)),
        ("protected", clean_name(", ".join(found["protected"]))),
        ("tags", mapping(found.get("tags"))),
        ("description", clean_name(str(found.get("description") or ""), 1000)),
        ("created", times.local(times.parse(found.get("created")), now)),
    ]
    output.record(session, found, facts)
    champion = next((item for item in versions if "champion" in item["aliases"]), None)
    output.write(session, "\n")
    _versions(session, versions, champion=champion)


def _version(session: Session, model: str) -> None:
    found = session.call("models", "version", model=model)
    exact = f"{found['name']}:{found['version']}"
    details = session.call("models", "details", model=exact)
    files = session.call("models", "files", model=exact)
    evaluations = session.call("models", "evaluations", model=exact)
    if output.chosen_format(session) != "table":
        more = {"file_count": found["files"], "files": files, "evaluations": evaluations}
        output.record(session, {**found, **more, **details}, [])
        return
    output.record(session, found, model_page.version_facts(found, details, session.clock(), evaluations))
    output.write(session, "\n")
    output.rows(session, files, model_page.file_fields(details, found), ("path", "size", "sha256"), "")


@command("history", cls=Listing)
@NAME
@click.option("--alias", metavar="ALIAS", help="Only the moves of this one.")
@click.option(
    "--at",
    metavar="TIME",
    help="Who had each alias then: '3 May' (its end), 2026-05-03, yesterday, '2 hours ago'.",
)
@click.option("-n", "--limit", type=at_least(1), default=1000, metavar="COUNT", help="At most so many moves.")
@click.pass_obj
def history(session: Session, name: str, alias: str | None, at: str | None, limit: int) -> None:
    """List who moved which alias, when and why, the newest first; with --at who had each alias then."""
    now = session.clock()
    if at is not None:
        found = session.call("models", "standing", name=name, at=_moment(at, now).isoformat())
        found = [move for move in found if alias in (None, move["alias"])]
        empty = f"nobody had an alias of {clean_name(name)} then"
    else:
        found = session.call("models", "history", name=name, alias=alias, limit=limit)
        empty = f"no alias of {clean_name(name)} was ever moved"
    fields = [
        Field(Column("WHEN", keep=100), lambda move: times.local(times.parse(move["time"]), now)),
        Field(Column("ALIAS", keep=95), lambda move: Cell(clean_name(move["alias"]), "bold")),
        Field(Column("VERSION", keep=100), look.move_cells),
        Field(Column("HOW", keep=80), look.how),
        Field(Column("WHO", keep=90, least=6), lambda move: clean_name(move["who"])),
        Field(Column("WHY", keep=70, least=10), look.why),
    ]
    output.rows(session, found, fields, MOVE_KEYS, empty)


def _moment(text: str, now: datetime) -> datetime:
    """The end of the day, month, year or second that a text means, or its moment; not after now.

    A second's end, because moves are listed to the second: who copies a move's time asks for what it did.
    """
    try:
        span = filter_times.parse(text, now)
    except ValueError as problem:
        raise UsageError(f"--at: {problem}", filter_times.HINT) from problem
    if not span.moment:
        return min(span.stop - timedelta(microseconds=1), now)
    whole = span.start.microsecond == 0
    return min(span.start + timedelta(seconds=1, microseconds=-1) if whole else span.start, now)


@command("download", cls=Command)
@MODEL
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option(
    "--to",
    metavar="FOLDER",
    default=".",
    callback=to_place("name a folder"),
    help="The folder to write to; default: here.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@click.pass_obj
def download(session: Session, model: str, paths: tuple[str, ...], to: str, overwrite: bool) -> None:
    """Save a version's files, or those of PATH (a file or folder of it). Prints where each lies."""
    from workbench.workspace import model_files

    with ProgressBar(session.terminal.stderr, session.terminal.cells) as bar:
        saved = model_files.download(
            session.workspace.client, model, Path(to), paths=paths, overwrite=overwrite, on_progress=bar
        )
    for place in saved:
        output.line(session, str(place))
    version = session.call("models", "version", model=model)
    if version.get("runs_code"):
        named = clean(version["runs_code"][0], 200)
        output.note(session, f"{named} {look.RUNS_CODE}: load it only where you trust who made it", "warn")


def print_verdict(session: Session, verdict: dict[str, Any]) -> None:
    """Show a verdict line by line to a person."""
    import sys

    for cell in look.verdict_lines(verdict):
        print(paint(cell.text, cell.role, session.terminal.colour), file=sys.stderr)
