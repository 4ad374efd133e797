"""Removing a run that is over: nobody may look after it, or be starting it anew."""

import os

from workbench.remote.disk.filelock import remove_locked, try_lock
from workbench.remote.files.disk_use import Usage
from workbench.remote.machine import Machine
from workbench.remote.runs.run_status import is_terminal
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.snapshots.leftovers import doomed_path, remove_tree
from workbench.remote.wire.problems import RequestError


def remove_run(machine, run_id):
    # type: (Machine, str) -> int
    """Remove a run's folder; the bytes that were freed, 0 for one that is not there.

    Raises RequestError while it is not over, or somebody is at it.
    """
    folder = RunFolder(machine, run_id)
    if not os.path.isdir(folder.path):
        return 0
    path = folder.lock + ".submit"
    handle = try_lock(path)
    if handle is None:
        raise RequestError("conflict", "run %s is being submitted" % run_id, "try again in a moment")
    try:
        check_over(folder)
        # Out of sight at once, so that nobody meets half of it.
        doomed = doomed_path(machine, run_id)
        os.rename(folder.path, doomed)
    finally:
        remove_locked(path, handle)
    size = Usage().tree(os.fsencode(doomed))
    remove_tree(doomed)
    return size


def check_over(folder):
    # type: (RunFolder) -> None
    """Raise RequestError for a run that is not over."""
    status = folder.read_status()
    if status is None or not is_terminal(status):
        raise RequestError("conflict", "run %s is not over" % folder.run_id, "cancel it first")
