"""wb run logs, wb run wait; following a run after a submit."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import click

from workbench.cli import complete, log_choice, output
from workbench.cli.command import command
from workbench.cli.parsing import at_least, duration
from workbench.cli.progress import ProgressBar
from workbench.cli.session import Session
from workbench.cli.to_option import TO_FILE, to_file
from workbench.errors import RunFailed, UsageError
from workbench.text import states
from workbench.text.outcomes import reason
from workbench.text.sanitize import TerminalStream, clean_name
from workbench.text.style import paint
from workbench.views.runs import metric_text, took
from workbench.workspace.waiting import raise_unless_completed, raise_unless_over

INTERRUPTED = 130
MOST_METRICS = 4
EVERY = 0.2
"""Seconds between two looks at how far the sending is."""
UNTOLD = ("NotStarted", "Finalizing", "Failed", "Canceled")
"""States not told to somebody who follows: too short, or told as the outcome."""


@command("logs")
@click.argument("run", shell_complete=complete.run)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@click.option("-n", "--lines", type=at_least(0), metavar="N", help="Only the last N lines.")
@click.option("--since", type=duration, metavar="AGE", help="Only what was written in the last 10m, 2h ...")
@click.option("--grep", metavar="PATTERN", help="Only lines with this text, or that match /REGEX/.")
@click.option("-C", "--context", type=at_least(0), metavar="N", help="With --grep: N lines around each, too.")
@click.option("-t", "--timestamps", is_flag=True, help="Show when each line came.")
@click.option("--list", "listed", is_flag=True, help="List the run's logs: output, attempts, files.")
@click.option("--log", multiple=True, metavar="LOG", help="Another log than the output; several are merged.")
@click.option("--rank", type=at_least(0), multiple=True, metavar="N", help="The log of a rank; also several.")
@click.option("--all-ranks", is_flag=True, help="The logs of all ranks, merged by time.")
@click.option("--attempt", type=at_least(1), metavar="N", help="Only what this attempt wrote.")
@click.option("--to", metavar="FILE", callback=to_file, help=TO_FILE)
@click.pass_obj
def logs(
    session: Session,
    /,
    run: str,
    follow: bool,
    lines: int | None,
    since: float | None,
    grep: str | None,
    context: int | None,
    timestamps: bool,
    listed: bool,
    to: str | None,
    **chosen: Any,
) -> int:
    """Print what a run wrote.

    In a pipe and in a file that is every byte as it was written; on a terminal colours stay and other control
    sequences go. --grep tells capitals apart when the pattern has some; nothing found exits 1. The logs of
    ranks are the files below logs/ whose names say so, as rank-0.log or torchrun's --log-dir.
    """
    if listed:
        return log_choice.show(session, run)
    if context and grep is None:
        raise UsageError("--context needs --grep")
    name = run
    if follow and run.startswith("@"):  # what @1 means may change while it is followed
        row = session.call("runs", "get", run=run)
        run, name = row["id"], row["name"]
    which = log_choice.chosen(session, run, follow=follow, **chosen)
    asked = {"run": run, "lines": lines, "since": since, **which}
    try:
        if timestamps or context or (grep is not None and follow):
            return log_choice.print_lines(session, asked, grep, context or 0, timestamps, follow, to)
        if grep is not None:
            return _grep(session, asked, grep, to)
        found = session.workspace.read("runs", "logs", follow=follow or None, **asked)
        _copy(session, log_choice.uncoloured(session, found, asked, to), to)
    except KeyboardInterrupt:
        if follow:
            _still_running(session, run, name)
        return INTERRUPTED
    return 0


def _grep(session: Session, asked: dict[str, Any], pattern: str, to: str | None) -> int:
    """Print the lines that match; 1 when none does."""
    place = session.call("runs", "log_place", **asked)
    found = False

    def noted(blocks: Iterator[bytes]) -> Iterator[bytes]:
        nonlocal found
        for block in blocks:
            found = True
            yield block

    source = noted(session.workspace.read("runs", "log_grep", pattern=pattern, **place))
    _copy(session, log_choice.uncoloured(session, source, asked, to), to)
    return 0 if found else 1


def _copy(session: Session, source: Iterator[bytes], to: str | None) -> None:
    if to is not None:
        with open(to, "wb") as file:
            for block in source:
                file.write(block)
        return
    output.pour(session, source)


@command("wait")
@click.argument("runs", nargs=-1, required=True, shell_complete=complete.run)
@click.option("--timeout", type=duration, metavar="TIME", help="Give up after 10m, 2h ...; the runs go on.")
@click.pass_obj
def wait(session: Session, runs: tuple[str, ...], timeout: float | None) -> int:
    """Wait until runs end. Exits 0 when all completed, 1 when one did not, 124 when the time was up."""
    code = 0
    until = None if timeout is None else time.monotonic() + timeout
    for run in runs:
        left = None if until is None else max(0.0, until - time.monotonic())
        try:
            ended = watch(session, run, left)
            raise_unless_over(ended, timeout)
            raise_unless_completed(ended)
        except RunFailed as problem:
            code = problem.exit_code
            print(f"{problem.message}", file=sys.stderr)
        except KeyboardInterrupt:
            return _still_running(session, run)
    return code


def watch(session: Session, run: str, timeout: float | None = None) -> dict[str, Any]:
    """Follow a run's states on stderr until it ends, or the time is up; the run as it then is."""
    last: dict[str, Any] = {}
    for item in session.workspace.items("runs", "watch", run=run, timeout=timeout):
        _tell_state(session, last, item["run"])
        last = item["run"]
    return last or dict(session.call("runs", "get", run=run))


def follow_submitted(session: Session, run: dict[str, Any], *, logs: bool) -> int:
    """Stay with a run that was just submitted: its log on stdout, its states on stderr.

    Ctrl-C stops the following alone and says how to cancel (AZ-15). Raises RunFailed when the run does not
    complete.
    """
    try:
        _see_off(session, run["id"])
        ended = _follow(session, run) if logs else watch(session, run["id"])
    except KeyboardInterrupt:
        return _still_running(session, run["id"], run["name"])
    raise_unless_completed(ended)
    return 0


def _see_off(session: Session, run: str) -> None:
    """Show on a terminal how its code is sent, which the server does after a submit has returned."""
    if not session.terminal.stderr:
        return
    with ProgressBar(True, session.terminal.cells) as bar:
        while session.call("runs", "get", run=run)["status"] == "NotStarted":
            active = session.call("activities", "list", active=True)
            mine = [item for item in active if str(item["subject"]).endswith("/" + run)]
            for item in mine[:1]:
                bar(str(item.get("text") or ""), item.get("done"), item.get("total"))
            time.sleep(EVERY)


def _follow(session: Session, run: dict[str, Any]) -> dict[str, Any]:
    stream = TerminalStream()
    for item in session.workspace.items("runs", "follow", run=run["id"]):
        if "log" in item:
            text = str(item["log"])
            if session.terminal.stdout:
                sys.stdout.write(stream.feed(text.encode("utf-8", "replace")))
            else:
                sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
            sys.stdout.flush()
        elif "gap" in item:
            lost = int(item["gap"].get("to", 0)) - int(item["gap"].get("from", 0))
            print(f"[{lost} bytes of output were not kept]", file=sys.stderr)
        elif "run" in item:
            _tell_state(session, run, item["run"])
            run = item["run"]
    sys.stdout.write(stream.close())
    sys.stdout.flush()
    return run


def _tell_state(session: Session, before: dict[str, Any], now: dict[str, Any]) -> None:
    """A line on a terminal's stderr for each state worth one, the last with what came out."""
    same = before.get("status") == now.get("status") and before.get("message") == now.get("message")
    if same or not session.terminal.stderr or now.get("status") in UNTOLD:
        return
    look = states.look(states.RUN, clean_name(str(now.get("status", ""))))
    why = reason(now)
    said = paint(look.text(session.terminal.ascii_only), look.role, session.terminal.colour)
    if now.get("ended") and now.get("started"):
        said += f" in {took(now, session.clock())}"
    said += f": {why}" if why else ""
    if now.get("status") == "Completed":
        values = list((now.get("metrics") or {}).items())[:MOST_METRICS]
        said += "".join(f"   {clean_name(name, 30)} {metric_text(value)}" for name, value in values)
    print(said, file=sys.stderr)


def _still_running(session: Session, run: str, name: str | None = None) -> int:
    shown = clean_name(name or run)
    print(f"\nstopped following, {shown} goes on\nto cancel it: wb cancel {shown}", file=sys.stderr)
    return INTERRUPTED
