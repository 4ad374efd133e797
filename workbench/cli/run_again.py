"""wb run rerun, wb run resume: the same again, as a new run or as a new attempt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Command, F, command
from workbench.cli.notices import Notices
from workbench.cli.progress import ProgressBar
from workbench.cli.run_logs import follow_submitted
from workbench.cli.session import Session
from workbench.errors import UsageError
from workbench.text.sanitize import clean_name

RUN = click.argument("run", shell_complete=complete.run)


def staying(function: F) -> F:
    """Add --follow and --wait."""
    function = click.option("--wait", is_flag=True, help="Wait until it ends; exit by its outcome.")(function)
    return click.option("-f", "--follow", is_flag=True, help="Follow its log until it ends.")(function)


def started(session: Session, run: dict[str, Any], *, follow: bool, wait: bool) -> int:
    """Print a new run's id alone on stdout, who it is on stderr, and stay with it as asked."""
    print(clean_name(run["id"]), flush=True)
    name, where = clean_name(run["name"]), clean_name(run["target"])
    if follow or wait:
        output.note(session, f"{name} on {where}; Ctrl-C stops following, never the run", "quiet")
        return follow_submitted(session, run, logs=follow)
    output.note(session, f"{name} on {where}   wb logs -f {name}   wb cancel {name}", "quiet")
    return 0


@command("rerun", cls=Command)
@RUN
@click.option(
    "-t", "--target", metavar="NAME", shell_complete=complete.place, help="On another machine or pool."
)
@click.option(
    "--set", "sets", multiple=True, metavar="FIELD=VALUE", help="Change a field, such as inputs.lr=3e-4."
)
@click.option(
    "--code",
    default="snapshot",
    show_default=True,
    metavar="snapshot|current|DIR",
    help="The code it ran with, its directory as it is now, or another directory.",
)
@staying
@click.pass_obj
def rerun(
    session: Session, run: str, target: str | None, sets: tuple[str, ...], code: str, follow: bool, wait: bool
) -> int:
    """Submit a run again as a new run, as it was or with changes. Prints the new run's id."""
    directory = None
    if code not in ("snapshot", "current"):
        directory, code = Path(code).resolve(), "current"
    with ProgressBar(session.terminal.stderr, session.terminal.cells) as bar:
        new = session.workspace.rerun(
            run,
            target=target,
            sets=list(sets),
            code=code,
            directory=directory,
            on_progress=bar,
            on_notice=Notices(session),
        )
    return started(session, new, follow=follow, wait=wait)


@command("resume", cls=Command)
@RUN
@click.option(
    "--secret", "names", multiple=True, metavar="NAME", help="Hand over a variable of this environment."
)
@staying
@click.pass_obj
def resume(session: Session, run: str, names: tuple[str, ...], follow: bool, wait: bool) -> int:
    """Start an ended run again in its own folder, with what it left there: a new attempt. Prints its id."""
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise UsageError(
            f"secret {missing[0]} is not in the environment", f"export {missing[0]}=... before this"
        )
    secrets = {name: os.environ[name] for name in names}
    found = session.call("runs", "resume", run=run, secrets=secrets or None)
    return started(session, found, follow=follow, wait=wait)
