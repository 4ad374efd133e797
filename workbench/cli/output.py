"""Data on stdout: a table on a terminal, tab-separated in a pipe, json, jsonl or csv when asked."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from workbench.cli.session import Session
from workbench.cli.terminal import UNLIMITED
from workbench.errors import UsageError
from workbench.text.sanitize import TerminalStream, clean, clean_name
from workbench.text.style import Look, paint
from workbench.text.tables import Cell, Field, pairs, render

Row = Mapping[str, Any]
LONGEST_LINE = 100_000


def rows(
    session: Session, found: Sequence[Row], fields: Sequence[Field], keys: Sequence[str], empty: str
) -> None:
    """Print a list of things. keys are what csv and tab-separated lines hold, dotted for nested values.

    empty is what a person is told when there are none, on stderr.
    """
    chosen = chosen_format(session)
    if chosen == "table":
        if not found:
            note(session, empty)
            return
        cells = [[field.show(row) for field in fields] for row in found]
        text = "\n".join(render([field.column for field in fields], cells, *_look(session))) + "\n"
    elif chosen == "json":
        text = _json(session, list(found))
    elif chosen == "jsonl":
        text = "".join(dumps(row) + "\n" for row in found)
    else:
        values = [[plain(value_at(row, key)) for key in keys] for row in found]
        text = delimited(values, keys, csv=chosen == "csv")
    write(session, text)


def record(session: Session, thing: Row, facts: Sequence[tuple[str, Cell | str]]) -> None:
    """Print one thing: facts on a terminal; key and value a line, json or csv (one row) otherwise."""
    chosen = chosen_format(session)
    if chosen == "table":
        text = "\n".join(pairs([(name, item) for name, item in facts if _text(item)], *_look(session))) + "\n"
    elif chosen == "json":
        text = _json(session, thing)
    elif chosen == "jsonl":
        text = dumps(thing) + "\n"
    elif chosen == "csv":
        text = delimited([[plain(value) for value in thing.values()]], list(thing), csv=True)
    else:
        text = delimited([[key, plain(value)] for key, value in thing.items()], (), csv=False)
    write(session, text)


def chosen_format(session: Session) -> str:
    """The format asked for, else the one a file's name means, else by what stdout is; of a query JSON."""
    if session.query is not None:
        return "json"
    if session.format is not None:
        return session.format
    if session.to is not None:
        suffix = PurePath(session.to).suffix.lstrip(".").lower()
        if suffix in ("json", "jsonl", "csv"):
            return suffix
        if suffix in ("tsv", "txt", ""):
            return "tsv"
        raise UsageError(
            f"{session.to!r} names no format", "end it in .json, .jsonl, .csv or .tsv, or add -o FORMAT"
        )
    return "table" if session.terminal.stdout else "tsv"


def _json(session: Session, value: Any) -> str:
    """A value as JSON, or what a query finds in it: a line each text and number, when no format was asked."""
    if session.query is None:
        return dumps(value, indent=2) + "\n"
    from jmespath import exceptions, search

    try:
        found = search(session.query, _finite(value))
    except exceptions.JMESPathError as problem:
        reason = str(problem).partition("\n")[0]
        raise UsageError(f"--query: {reason}", "it is a JMESPath: --query '[].name'") from problem
    several = found if isinstance(found, list) else [found]
    if session.format is None and not any(isinstance(item, Mapping | list) for item in several):
        return "".join(plain(item) + "\n" for item in several if item is not None)
    return dumps(found, indent=2) + "\n"


def as_table(session: Session) -> bool:
    """Whether what is printed is for a person's eyes."""
    return chosen_format(session) == "table"


def write(session: Session, text: str) -> None:
    """Write data to stdout or to the file of --to."""
    if session.to is None:
        sys.stdout.write(text)
        return
    with open(session.to, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def pour(session: Session, source: Iterable[bytes]) -> None:
    """Write bytes to stdout as they come: as they are into a pipe, what is safe of them on a terminal."""
    if not session.terminal.stdout:
        out = sys.stdout.buffer
        for block in source:
            out.write(block)
            out.flush()
        return
    stream = TerminalStream()
    try:
        for block in source:
            sys.stdout.write(stream.feed(block))
            sys.stdout.flush()
    finally:
        sys.stdout.write(stream.close())
        sys.stdout.flush()


def line(session: Session, text: str) -> None:
    """Print one text, as a path: as it is into a pipe, made harmless on a terminal."""
    print(clean_name(text, LONGEST_LINE) if session.terminal.stdout else text)


def note(session: Session, text: str, role: str = "") -> None:
    """Tell a person something that is not data: on stderr, and only when that is a terminal."""
    if session.terminal.stderr:
        print(paint(clean(text), role, session.terminal.colour), file=sys.stderr)


def warn(session: Session, text: str) -> None:
    """Say that a part of what was asked for could not be done: one line on stderr, for scripts too."""
    print(paint(f"warning: {clean(text)}", "warn", session.terminal.colour), file=sys.stderr)


def dumps(value: Any, indent: int | None = None) -> str:
    """value as ASCII JSON; numbers that are not finite become the texts nan, inf and -inf."""
    separators = (",", ": ") if indent else (",", ":")
    return json.dumps(_finite(value), indent=indent, separators=separators, allow_nan=False)


def value_at(row: Row, key: str) -> Any:
    """What stands in row under a key, or a dotted one; None where nothing does."""
    if key in row:
        return row[key]
    value: Any = row
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def plain(value: Any) -> str:
    """A JSON value as one text without control characters: empty when absent, lists joined by commas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ",".join(plain(item) for item in value)
    if isinstance(value, Mapping | list):
        return dumps(value)
    return clean_name(str(value), LONGEST_LINE)


def delimited(values: Sequence[Sequence[str]], keys: Sequence[str], *, csv: bool) -> str:
    """Lines of values: csv with a header of keys, else separated by tabs without one."""
    if not csv:
        return "".join("\t".join(row) + "\n" for row in values)
    import csv as writers
    from io import StringIO

    out = StringIO()
    writer = writers.writer(out, lineterminator="\n")
    writer.writerow(keys)
    writer.writerows(values)
    return out.getvalue()


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if value != value else "inf" if value > 0 else "-inf"
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _text(item: Cell | str) -> str:
    return item.text if isinstance(item, Cell) else item


def _look(session: Session) -> Look:
    """How a table in stdout or in a file looks; a file has no colours and no width."""
    return session.terminal.look if session.to is None else Look(UNLIMITED)
