"""wb run children: the runs below a run, as a tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from workbench.cli import complete
from workbench.cli.command import Listing, command
from workbench.cli.parsing import assignments, tags
from workbench.cli.runs import print_runs, state_name
from workbench.cli.session import Session

EMPTY = "no runs below it; run.child_run() in a script makes some, wb submit --parent RUN submits one"


@command("children", cls=Listing)
@click.argument("run", shell_complete=complete.run)
@click.option("--direct", is_flag=True, help="Only its own children, not those below them.")
@click.option(
    "--status",
    multiple=True,
    metavar="STATE",
    shell_complete=complete.state,
    help="In a state; may be repeated.",
)
@click.option("--tag", "tag_words", multiple=True, metavar="K[=V]", help="With a tag; may be repeated.")
@click.option(
    "--property", "property_words", multiple=True, metavar="K=VALUE", help="With a property; may be repeated."
)
@click.pass_obj
def children(
    session: Session,
    run: str,
    direct: bool,
    status: tuple[str, ...],
    tag_words: tuple[str, ...],
    property_words: tuple[str, ...],
) -> None:
    """List the runs below a run, each followed by those below it."""
    top = session.call("runs", "get", run=run)
    found = session.call(
        "runs",
        "children",
        run=top["id"],
        recursive=not direct,
        status=[state_name(word) for word in status] or None,
        tags=tags(tag_words) or None,
        properties=assignments(property_words, "property") or None,
    )
    print_runs(session, found, EMPTY, depths(found, top["id"]))


def depths(runs: Sequence[Mapping[str, Any]], top: str) -> dict[str, int]:
    """How far below a run each stands: 0 for its own children, and for those whose parent is not listed."""
    found: dict[str, int] = {}
    for run in runs:
        above = run.get("parent")
        found[str(run["id"])] = found[above] + 1 if above != top and above in found else 0
    return found
