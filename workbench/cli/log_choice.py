"""Which of a run's logs `wb run logs` prints, and printing their lines with times or the lines around."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from workbench.cli import output
from workbench.cli.session import Session
from workbench.errors import NotFound, UsageError
from workbench.text import sizes
from workbench.text.log_filter import LineFilter
from workbench.text.log_merge import PlainTags
from workbench.text.log_names import rank_of
from workbench.text.log_pattern import parse
from workbench.text.log_stamps import WIDTH
from workbench.text.sanitize import TerminalStream, clean_name
from workbench.text.tables import Column, Field

LOOK = 1.0
"""Seconds between two looks for logs that are waited for."""
OVER = ("Completed", "Failed", "Canceled")
FIELDS = (
    Field(Column("LOG", keep=100, least=16, middle=True), lambda log: clean_name(log["log"], 200)),
    Field(Column("RANK", right=True), lambda log: str(log.get("rank", ""))),
    Field(Column("ATTEMPT", right=True), lambda log: str(log.get("attempt", ""))),
    Field(Column("SIZE", right=True), lambda log: sizes.short(log["size"])),
)
KEYS = ("log", "label", "rank", "attempt", "size", "start", "stop", "run")


def show(session: Session, run: str) -> int:
    """List the logs of a run."""
    found = session.call("runs", "log_list", run=run)
    output.rows(session, found, FIELDS, KEYS, "the run has no log")
    return 0


def chosen(
    session: Session,
    run: str,
    *,
    log: Sequence[str] = (),
    rank: Sequence[int] = (),
    all_ranks: bool = False,
    attempt: int | None = None,
    follow: bool = False,
) -> dict[str, Any]:
    """The parameters of `runs.logs` that say which log, none for the output. Raises UsageError, NotFound.

    follow: logs of ranks are waited for while the run goes on.
    """
    if sum((bool(log), bool(rank or all_ranks), attempt is not None)) > 1:
        raise UsageError("--log, --rank and --attempt exclude each other")
    if log:
        return {"log": "\n".join(log)}
    if not (rank or all_ranks or attempt is not None):
        return {}
    listed = session.call("runs", "log_list", run=run)
    if attempt is not None:
        return _attempt(listed, attempt)
    if follow and not _ranks(listed, rank):
        listed = _awaited(session, run, rank)
    ranks = _ranks(listed)
    missing = sorted(set(rank) - set(ranks))
    if missing or not ranks:
        known = ", ".join(map(str, ranks))
        words = f"there are ranks {known}" if ranks else "no file below logs/ names a rank"
        wanted = f"rank {missing[0]}" if missing else "ranks"
        hint = f"wb logs {clean_name(run)} --list shows what there is"
        raise NotFound(f"no log of {wanted}: {words}", hint)
    names = [found["log"] for found in listed if found.get("rank") in (rank or ranks)]
    return {"log": "\n".join(sorted(names, key=lambda name: (rank_of(name) or 0, name)))}


def uncoloured(
    session: Session, source: Iterator[bytes], asked: Mapping[str, Any], to: str | None
) -> Iterator[bytes]:
    """A log without our own colours where none are wanted: those of whose each line of merged logs is."""
    if "\n" not in str(asked.get("log", "")) or (to is None and session.terminal.colour):
        yield from source
        return
    tags = PlainTags()
    for block in source:
        yield tags.feed(block)
    yield tags.close()


def _ranks(listed: Sequence[Mapping[str, Any]], wanted: Sequence[int] = ()) -> list[int]:
    """The ranks that have logs; none where one that is wanted has none yet."""
    ranks = sorted({found["rank"] for found in listed if "rank" in found})
    return ranks if set(wanted) <= set(ranks) else []


def _awaited(session: Session, run: str, wanted: Sequence[int]) -> list[dict[str, Any]]:
    """The logs of a run once its ranks have theirs and no more come, or it is over."""
    output.note(session, "waiting for the logs of ranks")
    before: list[int] = []
    while True:
        over = session.call("runs", "get", run=run)["status"] in OVER
        listed: list[dict[str, Any]] = session.call("runs", "log_list", run=run)
        ranks = _ranks(listed, wanted)
        if over or (ranks and ranks == before):
            return listed
        before = ranks
        time.sleep(LOOK)


def _attempt(listed: list[dict[str, Any]], attempt: int) -> dict[str, Any]:
    begun = [found for found in listed if "attempt" in found]
    for found in begun:
        if found["attempt"] == attempt:
            last = found is begun[-1]
            return {"offset": found["start"], **({} if last else {"stop": found["stop"]})}
    if attempt == 1 and not begun:
        return {}
    raise NotFound(
        f"there is no attempt {attempt}", f"there were {len(begun)}" if begun else "the run had one attempt"
    )


def print_lines(
    session: Session,
    asked: dict[str, Any],
    grep: str | None,
    context: int,
    timestamps: bool,
    follow: bool,
    to: str | None,
) -> int:
    """Print lines as text, with times, or those that match with the lines around; 1 when none matches."""
    kept = None
    if grep is not None:
        kept = LineFilter(parse(grep), context, WIDTH + 1 if timestamps else 0)
    items = session.workspace.items(
        "runs", "log_print", follow=follow or None, timestamps=timestamps or None, **asked
    )
    texts = (item["text"] for item in items if "text" in item)
    lines = (text if kept is None else kept.feed(text) for text in texts)
    with _out(session, to) as write:
        for block in uncoloured(session, (line.encode("utf-8", "replace") for line in lines), asked, to):
            write(block)
    return 0 if kept is None or kept.found else 1


@contextmanager
def _out(session: Session, to: str | None) -> Iterator[Any]:
    """What writes bytes where they are wanted: to a file, to a pipe as it is, to a terminal what is safe."""
    if to is not None:
        with open(to, "wb") as file:
            yield file.write
        return
    stream = TerminalStream() if session.terminal.stdout else None

    def write(raw: bytes) -> None:
        if stream is None:
            sys.stdout.buffer.write(raw)
            sys.stdout.buffer.flush()
        else:
            sys.stdout.write(stream.feed(raw))
            sys.stdout.flush()

    try:
        yield write
    finally:
        if stream is not None:
            sys.stdout.write(stream.close())
            sys.stdout.flush()
