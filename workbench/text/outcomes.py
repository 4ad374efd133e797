"""What became of a run, in words. Pure: JSON of runs in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.remote.forms import protocol
from workbench.text import states
from workbench.text.sanitize import clean_name


def reason(run: Mapping[str, Any]) -> str:
    """Why a run is in its state, in words; empty where that says no more than the state itself."""
    said = clean_name(str(run.get("message") or run.get("cause") or ""))
    word = states.look(states.RUN, str(run.get("status", ""))).word
    return "" if said.lower() in (word, str(run.get("status", "")).lower()) else said


def outcome(run: Mapping[str, Any]) -> str:
    """Which run it was and what became of it: "calm-otter-42 failed: out of memory (exit 137)"."""
    status = str(run.get("status", ""))
    name = clean_name(str(run.get("name", run.get("id", "the run"))))
    why = reason(run)
    code = run.get("exit_code")
    if code is not None and status == "Failed" and f"{code}" not in why:
        why = f"{why} (exit {code})" if why else f"exit {code}"
    word = states.look(states.RUN, clean_name(status)).word
    return f"{name} {word}" + (f": {why}" if why else "")


def advice(run: Mapping[str, Any]) -> str:
    """What to do about a run that did not complete: mostly to read what it wrote."""
    name, target = (clean_name(str(run.get(key, key.upper()))) for key in ("name", "target"))
    if run.get("cause") == protocol.CAUSE_DISK_FULL:
        room = f"wb compute prune {target} --dry-run shows what may go there"
        return f"{room}; or another disk: wb compute set {target} root=FOLDER"
    if run.get("cause") == "not_delivered":
        return f"nothing of it ran; wb compute doctor {target} says more, then: wb run rerun {name}"
    if run.get("cause") == protocol.CAUSE_ENVIRONMENT:
        return f"wb logs {name} --log environment.log"
    return f"wb logs {name}"
