"""wb run import: what other trackers logged."""

from __future__ import annotations

import click

from workbench.cli import output
from workbench.cli.command import Command, command
from workbench.cli.session import Session
from workbench.text.numbers import counted
from workbench.text.sanitize import clean
from workbench.views import imports


@command("import", cls=Command)
@click.argument("path", metavar="PATH|MACHINE:PATH")
@click.option("--experiment", metavar="NAME", help="Where the runs belong; default: the folder's name.")
@click.option("--dry-run", is_flag=True, help="List what would be imported; change nothing.")
@click.pass_obj
def bring(session: Session, path: str, experiment: str | None, dry_run: bool) -> None:
    """Bring runs that other tools logged here: wb run import mlruns/, or gpu1:~/old/runs.

    Reads TensorBoard event files, W&B offline runs, MLflow file stores and mlflow.db, DVCLive,
    trainer_state.json, Lightning's and other CSV, TSV and JSONL with a step column. One log directory is one
    run; again, what is new of it is added. What lies on a machine is read there. Prints the id of each.
    """
    if dry_run:
        _list(session, path)
        return
    for one in session.workspace.bring_runs(path, experiment):
        output.line(session, one.run)
        what = "new" if one.new else "known"
        output.note(session, f"{one.name} ({what}): {counted(one.entries, 'record')}")
        if one.skipped:
            output.note(session, f"{counted(one.skipped, 'damaged piece')} passed over", "warn")
        for trouble in one.troubles:
            output.note(session, clean(trouble, 500), "warn")


def _list(session: Session, path: str) -> None:
    """Say what there is, and how much in all."""
    found = [one._asdict() for one in session.workspace.find_runs(path)]
    output.rows(session, found, imports.FIELDS, imports.KEYS, "nothing there is a log that can be read")
    new = sum(not one["known"] for one in found)
    output.note(session, f"{counted(len(found), 'run')}, {new} new; nothing was changed")
