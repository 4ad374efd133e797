"""Cancelling a run: asking whoever looks after it, and doing it directly when nobody does any more."""

import os
import time
from typing import Any, Dict, Optional

from workbench.remote.disk.filelock import lock, remove_locked
from workbench.remote.machine import Machine
from workbench.remote.runs import run_status
from workbench.remote.runs.endings import canceled
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.supervision.reconcile import is_judged_here, looked_after, observed, settle
from workbench.remote.supervision.submission import left_lock
from workbench.remote.supervision.withdrawing import LOCK_SECONDS, take_place


def cancel(machine, run_id, grace=None, attempt=1):
    # type: (Machine, str, Optional[float], int) -> Dict[str, Any]
    """Ask for a run to be cancelled; its status now. Repeating it, also by many at once, is fine.

    The run is ended by its supervisor within a moment, whatever it is doing. When guard and supervisor are
    both gone this ends its processes itself and settles it. A finished run stays as it is.
    grace: seconds between TERM and KILL, None for the run's own.
    The id of a run that is not here is claimed, as a cancelled one: a submit of that attempt that is still on
    its way starts nothing then. Its status is `run_status.is_unknown`. Where an attempt before is here, and
    over, the one that is on its way is taken for begun and cancelled. Raises ValueError for no run id.
    """
    folder = RunFolder(machine, run_id)
    if not os.path.isdir(folder.path):
        claimed = _claim(machine, folder, attempt)
        if claimed is not None:
            return claimed
    status = folder.read_status()
    if status is not None and _is_before(status, attempt):
        status = _take_attempt(machine, folder, attempt)
    if status is None:  # claimed, and its submitter was cut off before it could say more
        status = run_status.new_status(
            run_id, machine.machine_id, machine.boot_id, machine.pidns, 1, time.time()
        )
        folder.write_status(status)
    if run_status.is_terminal(status):
        return status
    folder.mark_cancel(grace)
    if is_judged_here(machine, folder, status) and not looked_after(machine, folder, status):
        settle(machine, folder)
    return observed(machine, run_id) or status


def _claim(machine, folder, attempt):
    # type: (Machine, RunFolder, int) -> Optional[Dict[str, Any]]
    """The status of a run that has not arrived, now cancelled; None when it arrived meanwhile."""
    path = folder.lock + ".submit"
    handle = lock(path, LOCK_SECONDS)
    try:
        if os.path.isdir(folder.path):
            return None
        status = take_place(machine, folder, attempt, canceled())
        status[run_status.UNKNOWN] = True
        folder.write_status(status)
        return status
    finally:
        remove_locked(path, handle)


def _is_before(status, attempt):
    # type: (run_status.Status, int) -> bool
    """Whether what is here is over, and the attempt a later one."""
    return run_status.is_terminal(status) and attempt > int(status.get("attempt") or 1)


def _take_attempt(machine, folder, attempt):
    # type: (Machine, RunFolder, int) -> Optional[run_status.Status]
    """The status with a cancelled attempt that has not arrived; as it is when that came meanwhile."""
    path = folder.lock + ".submit"
    handle = lock(path, LOCK_SECONDS)
    try:
        status = folder.read_status()
        if status is None or not _is_before(status, attempt):
            return status
        held = left_lock(folder)  # a guard stays for a moment after the end of its attempt was told
        try:
            run_status.begin_attempt(
                status, attempt, machine.machine_id, machine.boot_id, machine.pidns, time.time()
            )
            ending = canceled()
            run_status.add_transition(status, ending.state, time.time(), ending.cause, ending.message)
            folder.write_status(status)
        finally:
            remove_locked(folder.lock, held)
        return status
    finally:
        remove_locked(path, handle)
