"""wb run import: what other trackers logged."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli import output
from workbench.cli.command import Listing, command
from workbench.cli.session import Session
from workbench.errors import UsageError, WorkbenchError
from workbench.text.numbers import counted
from workbench.text.sanitize import clean, clean_name
from workbench.views import imports

HINT = "wb run import --help names what can be read"
STATES = {
    "new": "new",
    "updated": "brought up to date",
    "known": "known, nothing changed",
    "older": "left as it is: the file is older than what is here",
}


@command("import", cls=Listing)
@click.argument("path", metavar="PATH|MACHINE:PATH")
@click.option("--experiment", metavar="NAME", help="Where the runs belong; default: the folder's name.")
@click.option("--dry-run", is_flag=True, help="List what would be imported; change nothing.")
@click.pass_obj
def bring(session: Session, path: str, experiment: str | None, dry_run: bool) -> None:
    """Bring runs that other tools logged here: wb run import mlruns/, or gpu1:~/old/runs.

    Reads TensorBoard event files, W&B offline runs, MLflow file stores and mlflow.db, DVCLive,
    trainer_state.json, Lightning's and other CSV, TSV and JSONL with a step column. One log directory is one
    run; again, what is new of it is added. Of a log that is damaged or cut short the sound part is taken, and
    what was left is said; one that gives nothing becomes no run, and the command fails. What lies on a
    machine is read there. A file that wb run export wrote brings the runs in it, as they were. Prints the id
    of each as it is done; with -o what became of all.
    """
    brought = None if dry_run else session.workspace.bring_bundle(Path(path))
    if brought is not None:
        if experiment is not None:
            raise UsageError("the runs of a bundle stay in their experiments", "leave --experiment out")
        for run in brought:
            output.line(session, run.run)
            output.note(session, f"{clean_name(run.name)} ({STATES[run.state]})")
        return
    if dry_run:
        _list(session, path)
        return
    as_data = bool(session.format or session.query or session.to)
    done, left = [], []
    for one in session.workspace.bring_runs(path, experiment):
        done.append(one._asdict())
        if not one.run:
            left.append(clean((*one.troubles, one.name)[0], 500))
            continue
        if not as_data:
            output.line(session, one.run)
        what = "new" if one.new else "known"
        output.note(session, f"{one.name} ({what}): {counted(one.entries, 'record')}")
        if one.skipped:
            output.warn(session, f"{one.name}: {counted(one.skipped, 'damaged piece')} passed over")
        for trouble in one.troubles:
            output.warn(session, clean(trouble, 500))
    if as_data:
        output.rows(session, done, imports.DONE, imports.DONE_KEYS, "")
    _refuse(session, left, len(done))


def _refuse(session: Session, left: list[str], every: int) -> None:
    """Say which logs became no run, in words of theirs. Raises WorkbenchError where there are any."""
    if not left:
        return
    if every == 1:
        raise WorkbenchError(left[0], HINT)
    for one in left:
        output.warn(session, one)
    raise WorkbenchError(f"{len(left)} of {every} logs became no run", HINT)


def _list(session: Session, path: str) -> None:
    """Say what there is, and how much in all."""
    found = [one._asdict() for one in session.workspace.find_runs(path)]
    output.rows(session, found, imports.FIELDS, imports.KEYS, "nothing there is a log that can be read")
    left = [clean(one["trouble"], 500) for one in found if one["trouble"]]
    readable = [one for one in found if not one["trouble"]]
    new = sum(not one["known"] for one in readable)
    output.note(session, f"{counted(len(readable), 'run')}, {new} new; nothing was changed")
    _refuse(session, left, len(found))
