"""wb activity ls."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import output
from workbench.cli.command import Listing, command
from workbench.cli.parsing import at_least
from workbench.cli.session import Session
from workbench.text import states, times
from workbench.text.sanitize import clean_name
from workbench.text.style import Look, paint
from workbench.text.tables import Cell, Column, render, wrap

NAMES_LOOKED_AT = 1000
KEYS = ("id", "kind", "subject", "state", "text", "done", "total", "started", "ended", "error", "hint")


@command("ls", cls=Listing)
@click.option("--active", is_flag=True, help="Only what goes on now.")
@click.option(
    "-n",
    "--limit",
    metavar="N",
    type=at_least(1),
    default=50,
    show_default=True,
    help="At most so many.",
)
@click.pass_obj
def ls(session: Session, active: bool, limit: int) -> None:
    """List what takes long, newest first: how far it is, how it ended, what to do about it."""
    found = session.call("activities", "list", active=active or None, limit=limit)
    if output.as_table(session) and found:
        output.write(session, "\n".join(_lines(session, found)) + "\n")
    else:
        output.rows(session, found, [], KEYS, "nothing went on lately")


def _lines(session: Session, found: list[dict[str, Any]]) -> list[str]:
    """A table, and below each row that went wrong what went wrong and what to do about it, in full."""
    now, look = session.clock(), session.terminal.look
    names = _run_names(session, found)
    columns = [
        Column("STATE", keep=90, least=8),
        Column("WHAT", keep=100),
        Column("OF", keep=95, least=14, middle=True),
        Column("AGE", right=True, keep=60),
        Column("TOOK", right=True, keep=50),
        Column("NOTE", keep=40, least=16),
    ]
    rows: list[list[Cell | str]] = [
        [
            _state(item, look.ascii_only),
            clean_name(item["kind"]),
            subject(item, names),
            times.ago(times.parse(item.get("started")), now),
            times.took(times.parse(item.get("started")), times.parse(item.get("ended")), now),
            Cell(_note(item), "quiet"),
        ]
        for item in found
    ]
    if not any(_note(item) for item in found):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    header, *lines = render(columns, rows, *look)
    out = [header]
    for item, line in zip(found, lines, strict=True):
        out += [line, *_trouble(item, look)]
    return out


def _trouble(item: dict[str, Any], look: Look) -> list[str]:
    room = max(20, min(look.width, 120) - 4)
    error = wrap(clean_name(str(item.get("error") or ""), 400), room)
    hint = wrap(clean_name(str(item.get("hint") or ""), 400), room - 2)
    arrow = "> " if look.ascii_only else "→ "
    lines = ["  " + paint(part, "bad", look.colour) for part in error if part]
    lines += [
        "  " + paint(("  " if number else arrow) + part, "active", look.colour)
        for number, part in enumerate(hint)
        if part
    ]
    return lines


def _run_names(session: Session, found: list[dict[str, Any]]) -> dict[str, str]:
    """Names of the runs that subjects name by id; nothing is asked when there are none, or no others."""
    wanted = {str(item["subject"]).rpartition("/")[2] for item in found if "/runs/" in str(item["subject"])}
    names: dict[str, str] = {}
    for archived in (None, True):
        if wanted - names.keys():
            runs = session.call("runs", "list", limit=NAMES_LOOKED_AT, archived=archived)
            names |= {run["id"]: run["name"] for run in runs}
    return names


def subject(item: dict[str, Any], names: dict[str, str]) -> str:
    """What an activity is about, as a person calls it: a run's or a machine's name."""
    _, _, last = str(item["subject"]).rpartition("/")
    return clean_name(names.get(last, last))


def _state(item: dict[str, Any], plain: bool) -> Cell:
    look = states.look(states.ACTIVITY, clean_name(str(item.get("state", ""))))
    return Cell(look.text(plain), look.role)


def _note(item: dict[str, Any]) -> str:
    """How far it is, while it goes on."""
    if item.get("state") != "running":
        return ""
    done, total = item.get("done"), item.get("total")
    share = f"  {100 * done // total}%" if done is not None and total else ""
    return clean_name(str(item.get("text") or ""), 400) + share
