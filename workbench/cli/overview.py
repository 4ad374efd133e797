"""What `wb` alone shows: machines, active runs, recent runs, and the few commands to go on with."""

from __future__ import annotations

import sys
from typing import Any

from workbench.cli.session import Session
from workbench.text.cells import cut
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.text.style import paint
from workbench.text.tables import Cell, Column, render
from workbench.views import runs as run_view
from workbench.views.machines import name_of, problem, state, with_summary

RECENT = 8
ACTIVE = 12
"""Active runs that are shown: those that run, then those whose turn comes next."""
LOOKED_AT = 1000


def overview(session: Session) -> int:
    """Print how things stand; the same without a terminal, without colours."""
    targets = [with_summary(target) for target in session.call("compute", "list")]
    active = sorted(session.call("runs", "list", active=True, limit=LOOKED_AT), key=_turn)
    recent = [
        run
        for run in session.call("runs", "list", limit=RECENT)
        if run["id"] not in {a["id"] for a in active}
    ]
    more = len(active) - ACTIVE
    experiments = session.call("experiments", "list") if active or recent else []
    primary = run_view.judges(experiments)
    lines = [cut(_headline(targets, active), session.terminal.cells), ""]
    lines += _section(session, "Machines", _machines(session, targets))
    lines += _runs(session, active[:ACTIVE], recent, primary)
    if more > 0:
        lines += [paint(f"{more} more are active: wb ps --active", "quiet", session.terminal.colour), ""]
    lines += _next(session, targets, bool(active or recent))
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _turn(run: dict[str, Any]) -> tuple[bool, str]:
    """What runs first, then in the order of submission; times in UTC sort as texts."""
    return run.get("status") in ("Queued", "NotStarted", "Preparing"), str(run.get("created"))


def _headline(targets: list[dict[str, Any]], active: list[dict[str, Any]]) -> str:
    running = sum(run.get("status") in ("Running", "Finalizing") for run in active)
    waiting = len(active) - running
    connected = sum(target.get("state") == "connected" for target in targets)
    parts = [f"{counted(len(targets), 'machine')}, {connected} connected"]
    parts.append(f"{running} running")
    return "   ".join([*parts, f"{waiting} waiting"])


def _section(session: Session, title: str, lines: list[str]) -> list[str]:
    return [paint(title, "bold", session.terminal.colour), *("  " + line for line in lines), ""]


def _machines(session: Session, targets: list[dict[str, Any]]) -> list[str]:
    width, colour, plain = session.terminal.look
    rows: list[list[Cell | str]] = []
    for target in targets:
        known = counted(target["gpus"], "GPU") if target.get("gpus") else ""
        where = clean_name(str(target.get("address", "this machine")))
        rows.append([state(target, plain), name_of(target, plain), where, known, problem(target)])
    columns = [
        Column("", keep=90, least=8),
        Column("", keep=100, least=10),
        Column("", keep=60, least=12, middle=True),
        Column("", right=True, keep=80),
        Column("", keep=70, least=16),
    ]
    return render(columns, rows, max(20, width - 2), colour, plain)


def _runs(
    session: Session,
    active: list[dict[str, Any]],
    recent: list[dict[str, Any]],
    primary: dict[str, run_view.Judge],
) -> list[str]:
    """Active and recent runs under one header, so that their columns stand under each other."""
    found = [*active, *recent]
    if not found:
        return []
    width, colour, plain = session.terminal.look
    fields = run_view.fields(found, primary, session.clock(), plain)
    rows = [[field.show(run) for field in fields] for run in found]
    header, *lines = render([field.column for field in fields], rows, max(20, width - 2), colour, plain)
    split = len(active)
    sections = [("Active", lines[:split]), ("Recent", lines[split:])]
    shown = [(title, part) for title, part in sections if part]
    out: list[str] = []
    for number, (title, part) in enumerate(shown):
        out += _section(session, title, part if number else [header, *part])
    return out


def _next(session: Session, targets: list[dict[str, Any]], any_runs: bool) -> list[str]:
    """The few commands to go on with, by what is there already."""
    steps = []
    if not any(target.get("kind") == "ssh" for target in targets):
        steps.append(("wb compute attach gpu1 you@host", "attach a machine"))
    steps.append(("wb submit --follow -- python train.py", "run this directory's code"))
    if any_runs:
        steps += [("wb logs -f @1", "follow the newest run"), ("wb run show @1", "look at it")]
    else:
        steps.append(("wb demo", "the whole loop on two made-up machines"))
    steps.append(("wb --help", "all commands"))
    rows = [[Cell(words, "active"), Cell(text, "quiet")] for words, text in steps]
    return render([Column("", keep=100), Column("", least=8)], rows, *session.terminal.look)
