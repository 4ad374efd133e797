"""How an error is shown: one line, what belongs to it, one hint; all on stderr."""

from __future__ import annotations

import errno
import sys
import traceback
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.terminal import UNLIMITED
from workbench.errors import WorkbenchError
from workbench.text import sizes
from workbench.text.cells import cut
from workbench.text.cells import width as cells_of
from workbench.text.sanitize import clean, clean_name, plain
from workbench.text.style import paint
from workbench.text.tables import Column, render, wrap

if TYPE_CHECKING:
    from workbench.cli.session import Session

MOST_DETAILS = 20
_WEIGHTS = (("size", "size"), ("files", "count"))
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def report(problem: Exception, session: Session) -> int:
    """Print problem on stderr and return the exit code it stands for."""
    if session.debug:
        traceback.print_exception(problem)
    if (
        isinstance(problem, click.UsageError)
        and problem.ctx
        and type(problem).__name__ == "NoArgsIsHelpError"
    ):
        print(problem.ctx.get_help(), file=sys.stderr)
        return problem.exit_code
    colour = session.terminal.stderr and session.terminal.colour
    if isinstance(problem, WorkbenchError):
        message, hint, code = _message(problem), problem.hint, problem.exit_code
    elif isinstance(problem, click.UsageError):
        path = problem.ctx.command_path if problem.ctx else "wb"
        message, hint, code = _lower(problem.format_message()), f"{path} --help", 2
    elif isinstance(problem, click.ClickException):
        message, hint, code = _lower(problem.format_message()), "", problem.exit_code
    elif isinstance(problem, OSError) and problem.filename:
        name = problem.filename if isinstance(problem.filename, str) else repr(problem.filename)
        message, hint, code = f"{name}: {problem.strerror}", "", 1
    elif isinstance(problem, OSError) and problem.errno in _NO_ROOM:
        message, hint, code = f"writing failed: {problem.strerror}", "make room where it writes to", 1
    else:
        message = f"internal error: {type(problem).__name__}: {problem}"
        hint, code = "run it again with --debug for the traceback; it is worth a report", 1
    width = session.terminal.cells if session.terminal.stderr else UNLIMITED
    lines = _said("error:", "bad", clean(message, 2000), width, colour)
    if isinstance(problem, WorkbenchError):
        lines += ["  " + line for line in _pointed(problem.data, width - 2)]
        for line in details(problem.data):
            lines += hanging("  ", line, width)
    if hint:
        lines += _said("hint:", "active", clean(hint, 1000), width, colour)
    print("\n".join(lines), file=sys.stderr)
    return code


def _said(head: str, role: str, text: str, width: int, colour: bool) -> list[str]:
    first, *rest = hanging(" " * (len(head) + 1), text, width)
    return [f"{paint(head, role, colour)} {first[len(head) + 1 :]}", *rest]


def hanging(indent: str, text: str, width: int) -> list[str]:
    """text in lines of at most width cells, each below the other behind the indent."""
    if cells_of(indent + text) <= width:
        return [indent + text]  # as it is: it may have columns
    return [indent + line for line in wrap(text, max(20, width - len(indent)))]


def _message(problem: WorkbenchError) -> str:
    """What went wrong in one line; a file with several mistakes is counted, its mistakes are listed below."""
    mistakes = _list(problem.data.get("problems"))
    if len(mistakes) > 1 and problem.data.get("source"):
        return f"{problem.data['source']} has {len(mistakes)} mistakes"
    return problem.message


def details(data: dict[str, Any]) -> list[str]:
    """The clean lines that belong to an error: mistakes of a file, candidates, the heaviest of a tree."""
    mistakes = _list(data.get("problems"))
    # The message itself tells a single mistake.
    said = [_problem(item) for item in mistakes] if len(mistakes) > 1 else []
    said += [_candidate(item) for item in _list(data.get("candidates"))]
    lines = [clean_name(line, 400) for line in said]
    lines += _largest([item for item in _list(data.get("largest")) if isinstance(item, dict)], data)
    if len(lines) > MOST_DETAILS:
        lines[MOST_DETAILS:] = [f"and {len(lines) - MOST_DETAILS} more"]
    return lines


def _pointed(data: dict[str, Any], width: int) -> list[str]:
    """The part of a filter that is wrong with carets below it, as much of it as a line shows."""
    said, start, stop = data.get("filter"), data.get("start"), data.get("stop")
    if not isinstance(said, str) or not isinstance(start, int) or not isinstance(stop, int):
        return []
    from workbench.text.filter_problem import pointer  # few commands fail so

    first = max(0, min(start, stop - width + 1)) if stop > width else 0
    before, marked = plain(said[first:start]), plain(said[start:stop])
    carets = pointer(before + marked, len(before), len(before + marked))
    return [cut(plain(said[first:]), width), cut(carets, width)]


def _largest(found: list[dict[str, Any]], data: dict[str, Any]) -> list[str]:
    """What is heaviest in a tree, each as the line of an ignore file that leaves it out; no trifles."""
    if not found:
        return []
    rows = [
        [
            sizes.short(item.get("size")),
            str(item.get("files") or ""),
            clean_name(str(item.get("line") or item.get("path")), 300),
        ]
        for item in found
        if any(item.get(what, 0) * 100 >= (data.get(total) or 0) for what, total in _WEIGHTS)
    ]
    columns = [Column("SIZE", right=True), Column("FILES", right=True), Column("A LINE THAT LEAVES IT OUT")]
    return render(columns, rows, UNLIMITED)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _problem(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    where = item.get("set") or (f"line {item['line']}" if item.get("line") else "")
    parts = (where, item.get("field"), item.get("message"))
    return ": ".join(str(part) for part in parts if part)


def _candidate(item: Any) -> str:
    if isinstance(item, dict):
        return "  ".join(str(item[key]) for key in ("name", "id", "experiment", "created") if item.get(key))
    return str(item)


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:].rstrip(".") if message else "wrong usage"
