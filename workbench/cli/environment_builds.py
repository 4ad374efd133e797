"""wb env build, builds, log, prune: environments as they are on machines."""

from __future__ import annotations

import sys
from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Listing, command
from workbench.cli.environments import ENVIRONMENT
from workbench.cli.parsing import duration
from workbench.cli.session import Session
from workbench.text import sizes
from workbench.text.numbers import counted
from workbench.text.sanitize import clean, clean_name
from workbench.text.tables import Column, Field
from workbench.views import environment_builds as look

TARGET = click.option(
    "-t", "--target", required=True, metavar="MACHINE", shell_complete=complete.target, help="The machine."
)
OLDER = "30d"


@command("build", cls=Listing)
@ENVIRONMENT
@TARGET
@click.pass_obj
def build(session: Session, environment: str, target: str) -> None:
    """Have an environment ready on a machine before a run needs it; its log as it comes.

    Runs do the same by themselves. Who is at it already is joined. When this command is ended the build ends
    too, unless a run waits for it. What a private index wants is kept with `wb secret set
    UV_INDEX_NAME_PASSWORD`, of an index that is called NAME=URL.
    """
    found: dict[str, Any] = {}
    asked = {"environment": environment, "target": target}
    for item in session.workspace.items("environment_builds", "build", **asked):
        if item.get("log"):
            print(clean(item["log"], len(item["log"])), end="", file=sys.stderr, flush=True)
        elif item.get("build"):
            found = item
    made = found.get("build") or {}
    if output.as_table(session):
        words = "built" if found.get("built_now") else "there already"
        many = counted(len(made.get("packages") or {}), "package")
        python = clean_name(str(made.get("python")), 40)
        output.line(session, f"{look.called(made)} on {clean_name(target)}: {words}, {many}, Python {python}")
    else:
        output.record(session, made, ())


@command("builds", cls=Listing)
@click.argument("environment", required=False, metavar="NAME[:V]", shell_complete=complete.environment)
@click.option("-t", "--target", metavar="MACHINE", shell_complete=complete.target, help="Only this machine.")
@click.pass_obj
def builds(session: Session, environment: str | None, target: str | None) -> None:
    """List environments as they are on machines: ready, being built or failed, with size and last use.

    Without --target those of all machines that are connected.
    """
    found = session.call("environment_builds", "list", target=target, environment=environment)
    empty = "no environment was built there" if target else "no environment was built on a connected machine"
    output.rows(session, found, look.fields(session.clock()), look.KEYS, empty)


@command("log", cls=Listing)
@ENVIRONMENT
@TARGET
@click.pass_obj
def log(session: Session, environment: str, target: str) -> None:
    """Print what the last build of an environment said on a machine."""
    for item in session.workspace.items("environment_builds", "log", environment=environment, target=target):
        output.write(session, clean(item["log"], len(item["log"])))


@command("prune", cls=Listing)
@TARGET
@click.option("--older", metavar="AGE", default=OLDER, show_default=True, help="Not used for so long.")
@click.option("--yes", is_flag=True, help="Remove them; else it is only said what would go.")
@click.pass_obj
def prune(session: Session, target: str, older: str, yes: bool) -> None:
    """Remove environments of a machine that no run used for a while. What is needed again is built again.

    Those a run uses or waits for stay.
    """
    seconds = duration(older)
    gone: list[dict[str, Any]] = []
    total: dict[str, Any] = {}
    asked = {"target": target, "older": seconds, "dry_run": not yes}
    for item in session.workspace.items("environment_builds", "prune", **asked):
        if "removed" in item:
            gone.append(item["removed"])
        elif "environments" in item:
            total = item
    fields = [
        Field(Column("ENVIRONMENT", keep=100), lambda item: clean_name(item["environment"], 120)),
        Field(Column("SIZE", right=True, keep=90), lambda item: sizes.short(item.get("bytes"))),
    ]
    output.rows(session, gone, fields, ("environment", "bytes"), "nothing to remove")
    if gone:
        freed = sizes.short(total.get("bytes"))
        words = f"{freed} freed" if yes else f"{freed} would be freed; add --yes to remove them"
        output.note(session, words)
