"""Taking a run back before it starts, so that it can go to another machine, and never runs on both.

Its supervisor decides: once it has what it waited for, a run is not given back any more, and neither is one
that ran before: its next attempt belongs to its folder. What remains is a folder that says so; a submit that
was still on its way finds it and starts nothing.
"""

import os
import time
from typing import Any, Dict

from workbench.remote.disk.filelock import lock, remove_locked
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.runs import run_status
from workbench.remote.runs.endings import Ending, withdrawn
from workbench.remote.runs.run_status import Status
from workbench.remote.runs.runfolder import RunFolder, remove_quietly, write_whole
from workbench.remote.snapshots.leftovers import remove_tree
from workbench.remote.supervision.reconcile import is_judged_here, looked_after, settle

PATIENCE = 30.0  # seconds; a supervisor looks four times a second, and then ends what its setup started
LOCK_SECONDS = 60.0
LOOK = 0.02
KEPT = ("spec.json", "status.json")


def withdraw(machine, run_id, placement, attempt=1, patience=PATIENCE):
    # type: (Machine, str, int, int, float) -> Dict[str, Any]
    """Take a run back: {"withdrawn": bool, "status"}. Repeated is fine, also after an answer that got lost.

    placement: the number of the one that is given up; only a submit with a greater one may start the run
    here again. Raises OSError, TimeoutError, ValueError.
    """
    folder = RunFolder(machine, run_id)
    path = folder.lock + ".submit"
    handle = lock(path, LOCK_SECONDS)
    try:
        status = folder.read_status()
        if status is None:
            status = take_place(machine, folder, attempt, withdrawn())
        elif not is_settled(status):
            write_whole(folder.withdraw, b"")
    finally:
        remove_locked(path, handle)
    deadline = time.monotonic() + patience
    while not is_settled(status) and time.monotonic() < deadline:
        time.sleep(LOOK)
        if is_judged_here(machine, folder, status) and not looked_after(machine, folder, status):
            settle(machine, folder)
        status = folder.read_status() or status
    remove_quietly(folder.withdraw)
    if not is_withdrawn(status):
        return {"withdrawn": False, "status": status}
    if placement_of(status) < placement:
        status["placement"] = placement
        folder.write_status(status)
    _strip(folder)
    return {"withdrawn": True, "status": status}


def is_withdrawn(status):
    # type: (Status) -> bool
    """Whether the run was taken back from this machine."""
    steps = status.get("transitions")
    last = steps[-1] if isinstance(steps, list) and steps else None
    return isinstance(last, dict) and last.get("cause") == protocol.CAUSE_WITHDRAWN


def is_settled(status):
    # type: (Status) -> bool
    """Whether it is known for good that it was taken back, or that it cannot be any more."""
    started = (protocol.RUNNING, protocol.FINALIZING, protocol.CANCEL_REQUESTED)
    again = int(status.get("attempt") or 1) > 1
    return again or run_status.is_terminal(status) or run_status.state_of(status) in started


def placement_of(holder):
    # type: (Dict[str, Any]) -> int
    """Which placement a spec or a status is of."""
    number = holder.get("placement")
    return number if isinstance(number, int) and not isinstance(number, bool) else 0


def take_place(machine, folder, attempt, ending):
    # type: (Machine, RunFolder, int, Ending) -> Status
    """Claim the id of a run that has not arrived, as one that ended so. Held by the lock of its submits."""
    folder.claim()
    here = (machine.machine_id, machine.boot_id, machine.pidns)
    status = run_status.new_status(folder.run_id, here[0], here[1], here[2], attempt, time.time())
    run_status.add_transition(status, ending.state, time.time(), ending.cause, ending.message)
    folder.write_status(status)
    return status


def _strip(folder):
    # type: (RunFolder) -> None
    """Leave nothing but what says that it was here."""
    for name in os.listdir(folder.path):
        path = folder.inside(name)
        if name in KEPT:
            continue
        if os.path.isdir(path) and not os.path.islink(path):
            remove_tree(path)
        else:
            remove_quietly(path)
