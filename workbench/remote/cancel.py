"""Cancelling a run: asking whoever looks after it, and doing it directly when nobody does any more."""

import errno
import os
import time
from typing import Any, Dict, Optional

from workbench.remote import run_status
from workbench.remote.machine import Machine
from workbench.remote.reconcile import is_judged_here, looked_after, observed, settle
from workbench.remote.runfolder import RunFolder


def cancel(machine, run_id, grace=None):
    # type: (Machine, str, Optional[float]) -> Dict[str, Any]
    """Ask for a run to be cancelled; its status now. Repeating it, also by many at once, is fine.

    The run is ended by its supervisor within a moment, whatever it is doing. When guard and supervisor are
    both gone this ends its processes itself and settles it. A finished run stays as it is.
    grace: seconds between TERM and KILL, None for the run's own.
    Raises FileNotFoundError when there is no such run here, ValueError for what is no run id.
    """
    folder = RunFolder(machine, run_id)
    if not os.path.isdir(folder.path):
        raise FileNotFoundError(errno.ENOENT, "no such run", folder.path)
    status = folder.read_status()
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
