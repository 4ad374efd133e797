"""wb run import: what other trackers logged."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli import output
from workbench.cli.command import Command, command
from workbench.cli.session import Session
from workbench.text.numbers import counted
from workbench.text.sanitize import clean


@command("import", cls=Command)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--experiment", metavar="NAME", help="Where the runs belong; default: the folder's name.")
@click.pass_obj
def bring(session: Session, path: Path, experiment: str | None) -> None:
    """Bring runs that other tools logged here: wb run import mlruns/.

    Reads TensorBoard event files, W&B offline runs, MLflow file stores and mlflow.db, DVCLive,
    trainer_state.json, Lightning's and other CSV, TSV and JSONL with a step column. One log directory is one
    run; again, what is new of it is added. Prints the id of each.
    """
    for one in session.workspace.bring_runs(path, experiment):
        output.line(session, one.run)
        what = "new" if one.new else "known"
        output.note(session, f"{one.name} ({what}): {counted(one.entries, 'record')}")
        if one.skipped:
            output.note(session, f"{counted(one.skipped, 'damaged piece')} passed over", "warn")
        for trouble in one.troubles:
            output.note(session, clean(trouble, 500), "warn")
