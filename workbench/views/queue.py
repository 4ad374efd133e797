"""How the queues of machines look. Pure: JSON of queue entries in, cells out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.text import durations, states, times
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field

KEYS = (
    "target",
    "position",
    "state",
    "run",
    "name",
    "experiment",
    "by",
    "user",
    "kind",
    "gpus",
    "devices",
    "priority",
    "pool",
    "since",
    "expected_wait",
    "expected_left",
    "reason",
)
"""What a line of csv or tab-separated text holds of an entry."""

MOST_OTHERS = 4
"""Machines a run might go to that are named with the reason why it does not."""
Entry = Mapping[str, Any]


def fields(entries: Sequence[Entry], now: datetime, plain: bool) -> list[Field]:
    """The columns of a list of entries."""
    found = [
        Field(Column("STATE", keep=90, least=8), lambda entry: state(entry, plain)),
        Field(Column("NAME", keep=100, least=14, middle=True), name),
        Field(Column("BY", keep=60, least=6), who),
        Field(Column("TARGET", keep=80, least=7), lambda entry: clean_name(str(entry.get("target") or ""))),
        Field(Column("GPU", right=True, keep=75), gpus),
    ]
    if any(entry.get("priority") for entry in entries):
        found.append(
            Field(Column("PRIO", right=True, keep=50), lambda entry: str(entry.get("priority") or 0))
        )
    found += [
        Field(Column("FOR", right=True, keep=55), lambda entry: times.ago(_moment(entry, "since"), now)),
        Field(Column("STILL", right=True, keep=65), lambda entry: still(entry, plain)),
    ]
    if any(entry.get("reason") for entry in entries):
        found.append(Field(Column("WHY", keep=70, least=24), why))
    return found


def state(entry: Entry, plain: bool) -> Cell:
    """How it stands, as glyph, word and colour; with its place where it waits."""
    look = states.look(states.QUEUE, clean_name(str(entry.get("state", ""))))
    place = f" {entry['position']}" if entry.get("position") else ""
    return Cell(look.text(plain) + place, look.role)


def name(entry: Entry) -> Cell:
    """What it is called; a shell says that it is one."""
    said = clean_name(str(entry.get("name") or entry.get("run") or ""), 100)
    return Cell(f"shell: {said}" if entry.get("kind") == "shell" else said)


def who(entry: Entry) -> Cell:
    """Whose it is: those of others are quieter, since they cannot be changed here."""
    said = clean_name(str(entry.get("by") or entry.get("user") or ""), 100)
    return Cell(said, "" if entry.get("mine", True) else "quiet")


def gpus(entry: Entry) -> str:
    """How many GPUs it has, or wants."""
    count = len(entry.get("devices") or []) or entry.get("gpus") or 0
    return str(count) if count else "-"


def still(entry: Entry, plain: bool) -> str:
    """In few characters how long still: until it starts, or until it ends. "-" where nothing tells."""
    seconds = entry.get("expected_wait" if entry.get("state") == "waiting" else "expected_left")
    if seconds is None:
        return "-"
    sign = ("<" if plain else "≤") if entry.get("at_most") else "~"
    return sign + durations.short(_round(float(seconds)))


def wait_words(entry: Entry) -> str:
    """The same of one that waits as a part of a sentence; empty where nothing tells."""
    seconds = entry.get("expected_wait")
    if seconds is None or entry.get("state") != "waiting":
        return ""
    if seconds < 1:
        return "starts now"
    shown = durations.short(_round(float(seconds)))
    return f"starts within {shown}" if entry.get("at_most") else f"starts in about {shown}"


def why(entry: Entry) -> Cell:
    """Why it waits; and, of one that may go to another machine, why it is on none of those."""
    said = clean_name(str(entry.get("reason") or ""), 400)
    others = elsewhere(entry)
    return Cell(f"{said}; {others}" if others else said, "quiet" if entry.get("state") == "held" else "")


def elsewhere(entry: Entry) -> str:
    """What was found of the other machines it may go to: "gpu2: 1 GPU wanted, 0 free; gpu3: cordoned"."""
    found = entry.get("elsewhere")
    if not isinstance(found, Mapping):
        return ""
    said = [f"{clean_name(str(name), 80)}: {clean_name(str(words), 200)}" for name, words in found.items()]
    more = [f"{len(said) - MOST_OTHERS} more machines"] if len(said) > MOST_OTHERS else []
    return "; ".join(said[:MOST_OTHERS] + more)


def machine_note(machine: Mapping[str, Any]) -> Cell | None:
    """What is to be said of a machine before its queue: a cordon, or why it could not be asked."""
    target = clean_name(str(machine.get("target") or ""))
    if machine.get("problem"):
        return Cell(f"{target}: {clean_name(str(machine['problem']), 400)}", "bad")
    cordon = machine.get("cordon")
    if not isinstance(cordon, Mapping):
        return None
    return Cell(f"{target} {cordon_words(cordon, machine.get('running'))}", "warn")


def cordon_words(cordon: Mapping[str, Any], running: Any = None) -> str:
    """A cordon as a part of a sentence: "is being drained by ann: a new fan; 2 still run"."""
    drained = "is drained" if running == 0 else "is being drained"
    by, reason = (clean_name(str(cordon.get(key) or ""), 400) for key in ("by", "reason"))
    said = drained if cordon.get("drain") else "is cordoned"
    said += f" by {by}" if by else ""
    said += f": {reason}" if reason else ""
    if cordon.get("drain") and isinstance(running, int) and running:
        said += f"; {running} still {'runs' if running == 1 else 'run'}"
    return said


def _round(seconds: float) -> float:
    """A guess with no more figures than it deserves: to 5 s below two minutes, else to half a minute."""
    step = 5.0 if seconds < 120 else 30.0
    return max(step, round(seconds / step) * step) if seconds > 0 else 0.0


def _moment(entry: Entry, key: str) -> datetime | None:
    return times.parse(entry.get(key))
