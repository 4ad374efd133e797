"""Runs whose guard and supervisor are both gone: found by any visitor, ended, and settled with the reason."""

import os
import time
from typing import Any, Dict, List, Optional

from workbench.remote.containers.kept import end_containers
from workbench.remote.disk.filelock import remove_locked, try_lock
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.processes.process_trees import alive, end_tree, remains_of
from workbench.remote.queue.queue_files import Queue
from workbench.remote.runs import run_status
from workbench.remote.runs.endings import Ending, canceled, failed, withdrawn
from workbench.remote.runs.retrying import after, waits_for_start
from workbench.remote.runs.run_status import Status, add_transition, has_been, identity_of, is_terminal
from workbench.remote.runs.runfolder import RunFolder


def reconcile(machine):
    # type: (Machine) -> List[str]
    """Settle what nobody looks after on this machine; returns the ids of the runs settled.

    Only runs this machine may judge: a folder may be shared by many machines. A run whose
    guard never came is left alone: who submitted it will submit it again. Raises OSError.
    """
    settled = []
    for run_id in sorted(os.listdir(machine.runs)):
        if protocol.valid_run_id(run_id) and settle_if_lost(machine, RunFolder(machine, run_id)) is not None:
            settled.append(run_id)
    return settled


def settle_if_lost(machine, folder):
    # type: (Machine, RunFolder) -> Optional[Status]
    """Settle a run if it is lost; its status then, else None."""
    try:
        status = folder.read_status()
    except ValueError:
        return None  # not ours to repair; whoever asks for this run is told
    if status is None or is_terminal(status) or (never_started(status) and not waits_for_start(status)):
        return None
    if not is_judged_here(machine, folder, status) or looked_after(machine, folder, status):
        return None
    if not never_started(status):
        status = settle(machine, folder)
    if status is not None and not is_terminal(status):
        start_again(machine, folder)
    return status


def start_again(machine, folder):
    # type: (Machine, RunFolder) -> None
    """Start the next attempt that was written of a run; when it cannot be, the next visitor tries it.

    Many may do so at once: of all guards one gets the run's lock.
    """
    lock = try_lock(folder.lock)
    if lock is None:
        return
    try:
        status = folder.read_status()
        if status is None or not waits_for_start(status):
            return
        if not lives_here(machine, status):
            status.update(boot=machine.boot_id, pidns=machine.pidns)  # written before another restart
            folder.write_status(status)
    finally:
        remove_locked(folder.lock, lock)
    from workbench.remote.processes.detaching import GuardNotStarted, start_guard  # supervisors stay small

    try:
        start_guard(machine, folder.run_id, {})
    except GuardNotStarted:
        return


def settle(machine, folder):
    # type: (Machine, RunFolder) -> Optional[Status]
    """End what is left of a run that nobody looks after and write how it ended; None when somebody does.

    Where it is to be tried again the status is that of the next attempt, which is yet to be started.
    """
    lock = try_lock(folder.lock)
    if lock is None:
        return None
    try:
        status = folder.read_status()  # again: it may have been settled while we had no lock
        if status is None or is_terminal(status) or looked_after_by_pid(machine, status):
            return None
        left = 0
        end_containers(machine, folder, grace_of(folder) if lives_here(machine, status) else 0.0)
        if lives_here(machine, status):
            left = len(end_tree(remains_of(folder.run_id, recorded(folder, status)), grace_of(folder)))
        ending = ending_of(machine, folder, status)
        if left:
            ending = ending._replace(message="%s; %d of its processes would not end" % (ending.message, left))
        if ending.cause == protocol.CAUSE_CANCELED:
            add_transition(status, protocol.CANCEL_REQUESTED, time.time())
        Queue(machine).release(folder.run_id)
        again, ending = after(machine, folder, read_spec(folder), status, ending)
        if again is None:
            add_transition(status, ending.state, time.time(), ending.cause, ending.message)
        folder.write_status(again or status)
        return again or status
    finally:
        remove_locked(folder.lock, lock)


def ending_of(machine, folder, status):
    # type: (Machine, RunFolder, Status) -> Ending
    """What became of a run that nobody looks after any more."""
    if os.path.exists(folder.cancel):
        return canceled()
    if os.path.exists(folder.withdraw) and not has_been(status, protocol.RUNNING):
        return withdrawn()
    if not lives_here(machine, status):
        return failed(protocol.CAUSE_REBOOT, "the machine was restarted while the run was on it")
    return failed(protocol.CAUSE_LOST, "its guard and its supervisor were both gone; what was left was ended")


def is_ours(machine, status):
    # type: (Machine, Status) -> bool
    """Whether a run's processes would be visible here: same machine, same pid namespace."""
    return status.get("machine") == machine.machine_id and status.get("pidns") == machine.pidns


def lives_here(machine, status):
    # type: (Machine, Status) -> bool
    """Whether the pids of a run's status mean anything: same boot, same pid namespace."""
    return status.get("boot") == machine.boot_id and status.get("pidns") == machine.pidns


def is_of_another_boot(machine, status):
    # type: (Machine, Status) -> bool
    """Whether a run was on this very machine before it was started the last time."""
    return is_ours(machine, status) and status.get("boot") != machine.boot_id


def is_judged_here(machine, folder, status):
    # type: (Machine, RunFolder, Status) -> bool
    """Whether this machine may say what became of a run: it is ours, or was before a restart.

    A container that restarts keeps its name and gets another pid namespace. One like it that shares the
    folder would look the same, but its heart would beat: only a silent run is taken for the former self's.
    """
    if is_ours(machine, status):
        return True
    try:
        silent = folder.heartbeat_age() > protocol.STALE_SECONDS
    except FileNotFoundError:  # removed meanwhile
        return False
    return silent and status.get("machine") == machine.machine_id


def never_started(status):
    # type: (Status) -> bool
    """Whether no guard ever took the run's newest attempt up."""
    return identity_of(status, "guard") is None and identity_of(status, "supervisor") is None


def looked_after(machine, folder, status):
    # type: (Machine, RunFolder, Status) -> bool
    """Whether the run's guard or supervisor lives, by its lock and by their pids."""
    lock = try_lock(folder.lock, shared=True)
    if lock is None:
        return True
    os.close(lock)
    return looked_after_by_pid(machine, status)


def is_lost(machine, folder):
    # type: (Machine, RunFolder) -> bool
    """Whether a run goes on though guard and supervisor can be seen to be gone; False where nobody can see.

    Raises ValueError for an unreadable status, OSError.
    """
    status = folder.read_status()
    if status is None or never_started(status) or not lives_here(machine, status):
        return False
    if looked_after(machine, folder, status):
        return False
    status = folder.read_status()  # it may have ended just now
    return status is not None and not is_terminal(status) and not never_started(status)


def looked_after_by_pid(machine, status):
    # type: (Machine, Status) -> bool
    """The same by pids alone; nothing of an earlier boot or a former pid namespace lives."""
    if not lives_here(machine, status):
        return False
    keepers = (identity_of(status, "guard"), identity_of(status, "supervisor"))
    return any(keeper is not None and alive(*keeper) for keeper in keepers)


def recorded(folder, status):
    # type: (RunFolder, Status) -> List[Any]
    """The processes a run's folder knows of."""
    child = identity_of(status, "child")
    return folder.read_tree() + ([child] if child else [])


def grace_of(folder):
    # type: (RunFolder) -> float
    """Seconds between TERM and KILL; a visitor does not wait longer than the default."""
    return min(folder.grace(read_spec(folder)), protocol.DEFAULT_GRACE)


def read_spec(folder):
    # type: (RunFolder) -> Optional[Dict[str, Any]]
    """A run's spec; None where it is missing or cannot be read."""
    try:
        return folder.read_spec()
    except ValueError:
        return None


def observed(machine, run_id):
    # type: (Machine, str) -> Optional[Dict[str, Any]]
    """A run's status as this machine judges it now; None when there is no such run.

    Added for a run that is not terminal: "heartbeat_age" in seconds by this machine's clock, and
    "not_responding", true when that is over STALE_SECONDS. Raises ValueError for an unreadable status.
    """
    folder = RunFolder(machine, run_id)
    status = folder.read_status()
    if status is None or is_terminal(status):
        return status
    try:
        age = folder.heartbeat_age()
    except FileNotFoundError:
        return None
    stale = age > protocol.STALE_SECONDS and run_status.state_of(status) != protocol.NOT_STARTED
    status.update(heartbeat_age=round(age, 1), not_responding=stale)
    return status
