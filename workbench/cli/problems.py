"""How an error is shown: one line, what belongs to it, one hint; all on stderr."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any

import click

from workbench.errors import WorkbenchError
from workbench.text import sizes
from workbench.text.sanitize import clean, clean_name
from workbench.text.style import paint

if TYPE_CHECKING:
    from workbench.cli.session import Session

MOST_DETAILS = 20


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
        message, hint, code = problem.message, problem.hint, problem.exit_code
    elif isinstance(problem, click.UsageError):
        path = problem.ctx.command_path if problem.ctx else "wb"
        message, hint, code = _lower(problem.format_message()), f"{path} --help", 2
    elif isinstance(problem, click.ClickException):
        message, hint, code = _lower(problem.format_message()), "", problem.exit_code
    elif isinstance(problem, OSError) and problem.filename:
        name = problem.filename if isinstance(problem.filename, str) else repr(problem.filename)
        message, hint, code = f"{name}: {problem.strerror}", "", 1
    else:
        message = f"internal error: {type(problem).__name__}: {problem}"
        hint, code = "run it again with --debug for the traceback; it is worth a report", 1
    lines = [f"{paint('error:', 'bad', colour)} {clean(message, 2000)}"]
    if isinstance(problem, WorkbenchError):
        lines += ["  " + clean_name(line, 400) for line in details(problem.data)]
    if hint:
        lines.append(f"{paint('hint:', 'active', colour)} {clean(hint, 1000)}")
    print("\n".join(lines), file=sys.stderr)
    return code


def details(data: dict[str, Any]) -> list[str]:
    """The lines that belong to an error: a file's mistakes, candidates, the largest files of a tree."""
    mistakes = _list(data.get("problems"))
    # The message itself tells a single mistake.
    lines = [_problem(item) for item in mistakes] if len(mistakes) > 1 else []
    lines += [_candidate(item) for item in _list(data.get("candidates"))]
    for item in _list(data.get("largest")):
        if isinstance(item, dict):
            drop = f"   drop it with: {item['line']}" if item.get("line") else ""
            lines.append(f"{sizes.short(item.get('size')):>9}  {item.get('path')}{drop}")
    if len(lines) > MOST_DETAILS:
        lines[MOST_DETAILS:] = [f"and {len(lines) - MOST_DETAILS} more"]
    return lines


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
