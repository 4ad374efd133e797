"""How long runs like one took on this machine, from what they left in their folders."""

import os
import time
from typing import Any, Dict, List, Optional

from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.runs.run_status import Status
from workbench.remote.runs.runfolder import read_object

LOOKED_AT = 100  # newest runs of the machine
KEPT = 10  # lengths that a guess rests on
PATIENCE = 0.25  # seconds: a run's start does not wait longer for a guess
MAX_READ = 1 << 18  # bytes of a spec or status worth reading for this


def earlier_lengths(machine, run_id, spec):
    # type: (Machine, str, Dict[str, Any]) -> List[float]
    """Seconds that completed runs of its experiment took, newest first; of its name alone if it has any."""
    until = time.monotonic() + PATIENCE
    named, others = [], []  # type: List[float], List[float]
    names = [name for name in os.listdir(machine.runs) if protocol.valid_run_id(name) and name != run_id]
    for name in sorted(names, reverse=True)[:LOOKED_AT]:
        if time.monotonic() > until or len(named) >= KEPT:
            break
        folder = os.path.join(machine.runs, name)
        try:
            other = read_object(os.path.join(folder, "spec.json"), MAX_READ)
            if other is None or other.get("experiment") != spec.get("experiment"):
                continue
            length = length_of(read_object(os.path.join(folder, "status.json"), MAX_READ) or {})
        except (OSError, ValueError):
            continue
        if length is not None:
            (named if other.get("name") == spec.get("name") else others).append(length)
    return (named or others)[:KEPT]


def length_of(status):
    # type: (Status) -> Optional[float]
    """Seconds the newest attempt of a completed run ran; None for every other."""
    transitions = status.get("transitions")
    steps = [step for step in transitions if isinstance(step, dict)] if isinstance(transitions, list) else []
    if not steps or steps[-1].get("state") != protocol.COMPLETED:
        return None
    attempt = steps[-1].get("attempt", 1)
    started = None  # type: Optional[float]
    for step in steps:
        moment = step.get("time")
        if step.get("attempt", 1) != attempt or not isinstance(moment, (int, float)):
            continue
        if step.get("state") == protocol.RUNNING:
            started = float(moment)
        elif started is not None:
            length = float(moment) - started
            return length if 0 <= length < 1e9 else None
    return None
