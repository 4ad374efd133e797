"""wb experiment ls, show, set, tag, archive."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Command, Listing, command
from workbench.cli.parsing import tags
from workbench.cli.run_changes import print_tags
from workbench.cli.session import Session
from workbench.errors import UsageError
from workbench.text import times
from workbench.text.sanitize import clean_name
from workbench.text.tables import Column, Field
from workbench.views.runs import mapping

NAME = click.argument("name", shell_complete=complete.experiment)
KEYS = ("name", "runs", "primary_metric", "goal", "created", "archived", "id")


@command("ls", cls=Listing)
@click.option("--archived", is_flag=True, help="Only archived ones.")
@click.pass_obj
def ls(session: Session, archived: bool) -> None:
    """List experiments."""
    found = session.call("experiments", "list", archived=archived or None)
    found = [item for item in found if bool(item.get("archived")) == archived]
    now = session.clock()
    fields = [
        Field(Column("NAME", keep=100, least=12, middle=True), lambda item: clean_name(item["name"])),
        Field(Column("RUNS", right=True, keep=90), lambda item: str(item.get("runs", 0))),
        Field(Column("JUDGED BY", keep=80, least=10), judged_by),
        Field(
            Column("AGE", right=True, keep=60), lambda item: times.ago(times.parse(item.get("created")), now)
        ),
        Field(Column("TAGS", keep=50, least=8, optional=True), lambda item: mapping(item.get("tags"))),
    ]
    nothing = "no archived experiments" if archived else "no experiments; the first submit makes one"
    output.rows(session, found, fields, KEYS, nothing)


def judged_by(item: dict[str, Any]) -> str:
    """The metric that judges an experiment's runs, which way, and whether that is a guess."""
    if not item.get("primary_metric"):
        return "-"
    way = "highest" if item.get("goal") == "maximize" else "lowest"
    return f"{way} {clean_name(item['primary_metric'])}" + ("" if item.get("primary_set") else " (a guess)")


def _print(session: Session, item: dict[str, Any]) -> None:
    now = session.clock()
    facts = [
        ("name", clean_name(item["name"])),
        ("runs", str(item.get("runs", 0))),
        ("judged by", judged_by(item)),
        ("tags", mapping(item.get("tags"))),
        ("created", times.local(times.parse(item.get("created")), now)),
        ("archived", "yes" if item.get("archived") else ""),
        ("id", clean_name(item["id"])),
    ]
    output.record(session, item, facts)


@command("show", cls=Listing)
@NAME
@click.pass_obj
def show(session: Session, name: str) -> None:
    """Show one experiment."""
    _print(session, session.call("experiments", "get", name=name))


@command("set", cls=Listing)
@NAME
@click.option("--metric", metavar="METRIC", help="The metric its runs are judged by.")
@click.option("--goal", type=click.Choice(["minimize", "maximize"]), help="Which way it gets better.")
@click.pass_obj
def change(session: Session, name: str, metric: str | None, goal: str | None) -> None:
    """Choose the metric an experiment's runs are judged by: it heads lists and finds @best."""
    if metric is None and goal is None:
        raise UsageError("there is nothing to set", "add --metric METRIC or --goal minimize|maximize")
    _print(session, session.call("experiments", "set", name=name, primary_metric=metric, goal=goal))


@command("tag", cls=Listing)
@NAME
@click.argument("words", nargs=-1, metavar="[KEY[=VALUE]]...")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove a tag; may be repeated.")
@click.pass_obj
def tag(session: Session, name: str, words: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Set and remove tags of an experiment, and print the tags it then has."""
    found = session.call("experiments", "get", name=name)
    if words or remove:
        wanted = {key: value for key, value in (found.get("tags") or {}).items() if key not in remove}
        found = session.call("experiments", "set", name=name, tags={**wanted, **tags(words)})
    print_tags(session, found.get("tags") or {})


@command("archive", cls=Command)
@NAME
@click.option("--undo", is_flag=True, help="Bring it back.")
@click.pass_obj
def archive(session: Session, name: str, undo: bool) -> None:
    """Hide an experiment from lists; nothing of it is lost."""
    session.call("experiments", "archive", name=name, archived=not undo)
    output.note(session, f"{name}: {'back in lists' if undo else 'archived'}")
