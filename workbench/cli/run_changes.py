"""wb run cancel, tag, note, archive, rm."""

from __future__ import annotations

import sys

import click

from workbench.cli import ask, complete, output
from workbench.cli.command import Listing, command
from workbench.cli.parsing import duration, tags
from workbench.cli.problems import report
from workbench.cli.run_choice import by_filter, chosen
from workbench.cli.session import Session
from workbench.errors import Conflict, WorkbenchError
from workbench.text import states
from workbench.text.sanitize import clean, clean_name

RUNS = click.argument("runs", nargs=-1, shell_complete=complete.run)
ACTIVE_RUNS = click.argument("runs", nargs=-1, shell_complete=complete.active_run)
RUN = click.argument("run", shell_complete=complete.run)


@command("cancel")
@ACTIVE_RUNS
@by_filter
@click.option("--grace", type=duration, metavar="TIME", help="Between asking it to end and ending it.")
@click.pass_obj
def cancel(
    session: Session, runs: tuple[str, ...], filter_text: str | None, yes: bool, grace: float | None
) -> None:
    """Cancel runs: each is asked to end, and ended when it does not."""
    failed: WorkbenchError | None = None
    for run in chosen(session, runs, filter_text, "Cancel", yes=yes, active=True):
        try:
            found = session.call("runs", "cancel", run=run, grace=grace)
        except WorkbenchError as problem:  # the others are to end all the same
            if failed is not None:
                report(failed, session)
            failed = problem
            continue
        over = found.get("status") not in states.ACTIVE_RUN
        word = states.look(states.RUN, clean_name(str(found.get("status", "")))).word
        output.note(session, f"{found['name']} {word if over else 'is asked to end'}")
    if failed is not None:
        raise failed


@command("tag", cls=Listing)
@RUN
@click.argument("words", nargs=-1, metavar="[KEY[=VALUE]]...")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove a tag; may be repeated.")
@click.pass_obj
def tag(session: Session, run: str, words: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Set and remove tags of a run, and print the tags it then has."""
    if words or remove:
        found = session.call("runs", "tag", run=run, set=tags(words), remove=list(remove))
    else:
        found = session.call("runs", "get", run=run)
    print_tags(session, found.get("tags") or {})


def print_tags(session: Session, found: dict[str, str | None]) -> None:
    """Print tags as a record."""
    facts = [(clean_name(key), clean_name(value or "") or "-") for key, value in found.items()]
    if not facts and session.format is None:
        output.note(session, "no tags")
        return
    output.record(session, found, facts)


@command("note")
@RUN
@click.argument("text", nargs=-1)
@click.option("--name", metavar="NAME", help="Give the run another display name.")
@click.pass_obj
def note(session: Session, run: str, text: tuple[str, ...], name: str | None) -> None:
    """Write a run's description (Markdown), or print it when no TEXT is given.

    "-" as TEXT reads it from standard input.
    """
    if not text and name is None:
        description = session.call("runs", "get", run=run).get("description") or ""
        if description:
            print(clean(description, 100_000) if session.terminal.stdout else description)
        return
    description = None
    if text:
        description = sys.stdin.read() if text == ("-",) else " ".join(text)
    session.call("runs", "describe", run=run, description=description, name=name)


@command("archive")
@RUNS
@by_filter
@click.option("--undo", is_flag=True, help="Bring them back.")
@click.pass_obj
def archive(session: Session, runs: tuple[str, ...], filter_text: str | None, yes: bool, undo: bool) -> None:
    """Hide runs from lists; nothing of them is lost."""
    named = chosen(session, runs, filter_text, "Bring back" if undo else "Archive", yes=yes, archived=undo)
    found = [session.call("runs", "get", run=run) for run in named]  # @2 would be another after @1 is hidden
    for run in found:
        session.call("runs", "archive", run=run["id"], archived=not undo)
        output.note(session, f"{clean_name(run['name'])}: {'back in lists' if undo else 'archived'}")


@command("rm")
@RUNS
@by_filter
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.pass_obj
def remove(
    session: Session, runs: tuple[str, ...], filter_text: str | None, yes: bool, dry_run: bool
) -> None:
    """Remove ended runs for good: record, log, metrics, files, here and on the machine."""
    # Their names are asked about below.
    named = chosen(session, runs, filter_text, "Remove", yes=True)
    found = [session.call("runs", "get", run=run) for run in named]
    active = [run for run in found if run.get("status") in states.ACTIVE_RUN]
    if active:
        name = clean_name(active[0]["name"])
        raise Conflict(f"{name} has not ended", f"wb cancel {name}, then remove it")
    names = ", ".join(clean_name(run["name"]) for run in found)
    if dry_run:
        for run in found:
            print(clean_name(run["id"]))
        output.note(session, f"would remove {names}")
        return
    ask.confirm(session, f"Remove {names} for good?", yes=yes)
    for run in found:
        session.call("runs", "remove", run=run["id"])
    output.note(session, f"removed {names}")
