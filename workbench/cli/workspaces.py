"""wb workspace ls, show, set, init, rm: workspaces themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli import ask, output
from workbench.cli.command import Command, Listing, command
from workbench.cli.parsing import tags
from workbench.cli.session import Session
from workbench.errors import Refused, UsageError
from workbench.text import sizes, times
from workbench.text.numbers import counted
from workbench.text.sanitize import clean, clean_name
from workbench.text.tables import Column, Field
from workbench.views.runs import mapping

KEYS = (
    "name",
    "friendly_name",
    "description",
    "tags",
    "created",
    "runs",
    "active_runs",
    "machines",
    "problem",
)


@command("ls", cls=Listing)
@click.pass_obj
def ls(session: Session) -> None:
    """List the workspaces of this side; --workspace NAME, or WORKBENCH_WORKSPACE, chooses one."""
    now = session.clock()
    fields = [
        Field(Column("NAME", keep=100, least=12), lambda item: clean_name(item["name"])),
        Field(Column("RUNS", right=True, keep=90), lambda item: _count(item, "runs")),
        Field(Column("ACTIVE", right=True, keep=80), lambda item: _count(item, "active_runs")),
        Field(Column("MACHINES", right=True, keep=70), lambda item: _count(item, "machines")),
        Field(
            Column("AGE", right=True, keep=60), lambda item: times.ago(times.parse(item.get("created")), now)
        ),
        Field(Column("IS", keep=50, least=10), _is),
    ]
    output.rows(session, session.call("workspace", "list"), fields, KEYS, "no workspace")


def _count(item: dict[str, Any], key: str) -> str:
    return str(item.get(key, "-"))


def _is(item: dict[str, Any]) -> str:
    """What people call it, or why it does not open."""
    return clean_name(item.get("problem") or item.get("friendly_name") or "", 200)


@command("show", cls=Listing)
@click.pass_obj
def show(session: Session) -> None:
    """Show what is said about this workspace."""
    _print(session, session.call("workspace", "get"))


@command("set", cls=Listing)
@click.option("--friendly-name", metavar="TEXT", help='What people call it; "" for nothing.')
@click.option("--description", metavar="TEXT", help='What it is for (Markdown); "" for nothing.')
@click.option("--tag", "words", multiple=True, metavar="KEY[=VALUE]", help="Set a tag; may be repeated.")
@click.option("--untag", multiple=True, metavar="KEY", help="Remove a tag; may be repeated.")
@click.pass_obj
def change(
    session: Session,
    friendly_name: str | None,
    description: str | None,
    words: tuple[str, ...],
    untag: tuple[str, ...],
) -> None:
    """Say what this workspace is, and tag it."""
    if friendly_name is None and description is None and not words and not untag:
        raise UsageError("there is nothing to set", "add --description TEXT or --tag KEY=VALUE")
    found = session.call(
        "workspace",
        "describe",
        friendly_name=friendly_name,
        description=description,
        tags=tags(words),
        untag=list(untag),
    )
    _print(session, found)


@command("init", cls=Command)
@click.argument("name", required=False)
@click.option("--folder", default=".", metavar="DIR", help="The folder; else the current one.")
@click.pass_obj
def init(session: Session, name: str | None, folder: str) -> None:
    """Tie a folder to a workspace: commands and the SDK then use it there and in folders below.

    Writes .azureml/config.json, which belongs to the code; without a NAME the workspace in use.
    """
    from workbench import config_file

    if not Path(folder).is_dir():
        raise UsageError(f"{folder} is no folder")
    name = name or session.workspace.name
    session.workspace.home.workspace(name)
    path = config_file.write(Path(folder), name)
    output.note(session, f"{path} names the workspace {name}")


@command("rm", cls=Listing)
@click.argument("name")
@click.option("--machines", is_flag=True, help="Its runs' folders on machines too.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(session: Session, name: str, machines: bool, dry_run: bool, yes: bool) -> None:
    """Remove another workspace for good: its runs, metrics, output and models on this side.

    Folders on machines stay, unless --machines says so; wb compute adopt brings their runs back. One whose
    database is damaged goes too; which folders on machines are its own nobody knows then.
    """
    asked = {"name": name, "delete_dependent_resources": machines}
    found = session.call("workspace", "remove", **asked, dry_run=True)
    if not dry_run:
        if not yes:
            output.note(session, _goes(found, machines))
        ask.confirm(session, f"Remove the workspace {name} for good?", yes=yes)
        found = session.call("workspace", "remove", **asked, dry_run=False)
    facts = [("removed" if found.get("removed") else "would remove", _goes(found, machines))]
    output.record(session, found, facts)
    if found.get("left"):
        left = "; ".join(f"{clean_name(key)}: {clean(why, 200)}" for key, why in found["left"].items())
        raise Refused(f"folders stay on machines that could not be asked: {left}", "wb compute prune there")


def _goes(found: dict[str, Any], machines: bool) -> str:
    """What goes with a workspace, in words."""
    there = sum(found.get("by_machine", {}).values())
    where = f" and {counted(there, 'folder')} on machines" if machines else ""
    place = f"{sizes.short(found['bytes'])} in {clean(found['folder'], 1000)}"
    if "problem" in found:
        return f"runs that are not known ({clean(found['problem'], 1000)}), {place}"
    return f"{counted(found['runs'], 'run')}, {place}{where}"


def _print(session: Session, item: dict[str, Any]) -> None:
    now = session.clock()
    facts = [
        ("name", clean_name(item["name"])),
        ("is", clean_name(item.get("friendly_name") or "")),
        ("runs", f"{item.get('runs', 0)}, {item.get('active_runs', 0)} active"),
        ("machines", str(item.get("machines", 0))),
        ("tags", mapping(item.get("tags"))),
        ("created", times.local(times.parse(item.get("created")), now)),
        ("about", clean(item.get("description") or "", 2000)),
    ]
    output.record(session, item, facts)
