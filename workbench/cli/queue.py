"""wb queue; wb run hold, release, move, priority; wb compute cordon."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Command, F, Listing, command
from workbench.cli.parsing import tags
from workbench.cli.problems import report
from workbench.cli.session import Session
from workbench.errors import Refused, UsageError
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.views import queue as view

WAITING = ("NotStarted", "Preparing", "Queued")
MOST = 10_000
EMPTY = "nobody runs or waits"


@command("queue", cls=Listing)
@click.argument("target", required=False, shell_complete=complete.target)
@click.pass_obj
def queue(session: Session, target: str | None) -> None:
    """List who runs and who waits on machines, of all users: in order, why, and how long still.

    STILL is a guess from earlier runs of the same experiment, or a bound from maximum durations. Without
    TARGET the machines that are connected or have runs are asked.
    """
    entries = session.call("queue", "list", target=target)
    if output.as_table(session):
        for machine in session.call("queue", "machines", target=target):
            said = view.machine_note(machine)
            if said is not None:
                output.note(session, said.text, said.role)
    columns = view.fields(entries, session.clock(), session.terminal.ascii_only)
    output.rows(session, entries, columns, view.KEYS, EMPTY)


def _chosen(function: F) -> F:
    """Add the runs a command changes: by reference, or all that wait and fit filters."""
    for option in reversed(
        (
            click.argument("runs", nargs=-1, shell_complete=complete.active_run),
            click.option(
                "-e",
                "--experiment",
                metavar="NAME",
                shell_complete=complete.experiment,
                help="All that wait, of one experiment.",
            ),
            click.option(
                "-t",
                "--target",
                metavar="NAME",
                shell_complete=complete.target,
                help="All that wait, on one machine.",
            ),
            click.option(
                "--tag", "tag_words", multiple=True, metavar="K[=V]", help="All that wait, with a tag."
            ),
        )
    ):
        function = option(function)
    return function


def _runs(
    session: Session,
    runs: tuple[str, ...],
    experiment: str | None,
    target: str | None,
    tag_words: tuple[str, ...],
) -> list[dict[str, Any]]:
    """The runs that are meant, oldest first where they were searched; raises UsageError for none at all."""
    filtered = experiment is not None or target is not None or bool(tag_words)
    if runs and filtered:
        raise UsageError("name runs, or choose them by -e, -t and --tag: not both")
    if runs:
        return [session.call("runs", "get", run=run) for run in runs]
    if not filtered:
        raise UsageError("say which runs", "by name or id, or all that wait: -e EXPERIMENT, -t TARGET, --tag")
    found: list[dict[str, Any]] = session.call(
        "runs",
        "list",
        experiment=experiment,
        target=target,
        tags=tags(tag_words) or None,
        status=list(WAITING),
        limit=MOST,
    )
    return found[::-1]


def _tell(session: Session, found: list[dict[str, Any]], outcome: dict[str, Any], done: str) -> None:
    """Say what became of each; raises Refused when some were not changed."""
    if not found:
        output.note(session, "no run waits that is like that")
        return
    names = {run["id"]: clean_name(run["name"]) for run in found}
    changed = [names.get(run, run) for run in outcome.get("changed") or []]
    if len(changed) > 5:
        output.note(session, f"{counted(len(changed), 'run')} {done}")
    else:
        for name in changed:
            output.note(session, f"{name} {done}")
    refused = [f"{names.get(run, run)}: {why}" for run, why in (outcome.get("refused") or {}).items()]
    for said in refused[:-1]:
        report(Refused(said), session)
    if refused:
        raise Refused(refused[-1])


@command("hold", cls=Command)
@_chosen
@click.pass_obj
def hold(session: Session, /, **chosen: Any) -> None:
    """Keep runs from starting until they are released; what they wait for goes to others."""
    found = _runs(session, **chosen)
    outcome = session.call("queue", "hold", runs=[run["id"] for run in found])
    _tell(session, found, outcome, "is on hold")


@command("release", cls=Command)
@_chosen
@click.pass_obj
def release(session: Session, /, **chosen: Any) -> None:
    """Let runs start again that were on hold; they have kept their places."""
    found = _runs(session, **chosen)
    outcome = session.call("queue", "release", runs=[run["id"] for run in found])
    _tell(session, found, outcome, "waits its turn again")


@command("move", cls=Command)
@click.option("--first", is_flag=True, help="Before your other runs.")
@click.option("--last", is_flag=True, help="After your other runs.")
@click.option("--before", metavar="RUN", shell_complete=complete.active_run, help="Before this run of yours.")
@click.option("--after", metavar="RUN", shell_complete=complete.active_run, help="After this run of yours.")
@_chosen
@click.pass_obj
def move(
    session: Session, /, first: bool, last: bool, before: str | None, after: str | None, **chosen: Any
) -> None:
    """Change the order of your waiting runs on a machine; nobody else's run is passed by it."""
    places = [
        *(["first"] if first else []),
        *(["last"] if last else []),
        *(["before"] if before is not None else []),
        *(["after"] if after is not None else []),
    ]
    if len(places) != 1:
        raise UsageError("say where to: --first, --last, --before RUN or --after RUN")
    found = _runs(session, **chosen)
    runs = [run["id"] for run in found]
    outcome = session.call("queue", "move", runs=runs, place=places[0], other=before or after)
    _tell(session, found, outcome, "moved")


@command("priority", cls=Command)
@click.argument("priority", type=int)
@_chosen
@click.pass_obj
def priority(session: Session, /, priority: int, **chosen: Any) -> None:
    """Give waiting runs another priority: wb run priority 5 calm-otter-42. Higher goes first, 0 is usual."""
    found = _runs(session, **chosen)
    outcome = session.call("queue", "priority", runs=[run["id"] for run in found], priority=priority)
    _tell(session, found, outcome, f"has priority {priority}")


@command("cordon", cls=Command)
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete.target)
@click.option("--drain", is_flag=True, help="Take on nothing new either: the machine empties itself.")
@click.option("--reason", metavar="TEXT", help="What is told to those who wait.")
@click.option("--off", is_flag=True, help="Back to work.")
@click.pass_obj
def cordon(session: Session, names: tuple[str, ...], drain: bool, reason: str | None, off: bool) -> None:
    """Let nothing start on machines for a while; what runs goes on, what waits keeps its place.

    The machine remembers it: your other laptops, and all who share its leases, see it too.
    """
    if off and (drain or reason is not None):
        raise UsageError("--off lifts it: it goes with no other option")
    for name in names:
        found = session.call("compute", "cordon", name=name, on=not off, drain=drain, reason=reason or "")
        held = found.get("cordon")
        said = view.cordon_words(held, found.get("running")) if held else "takes runs again"
        output.note(session, f"{clean_name(name)} {said}")
