"""Taking a run on: claim it once, start its guard once, however often and by however many it is submitted."""

import os
import time
from typing import Any, Dict, Mapping, Optional

from workbench.remote.disk.filelock import lock, remove_locked
from workbench.remote.environments.places import check_build, completed
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.processes.detaching import start_guard
from workbench.remote.processes.launch import check_command
from workbench.remote.queue.cordon import refuse_new
from workbench.remote.queue.queue_files import Queue
from workbench.remote.runs import run_status
from workbench.remote.runs.retrying import RETRIED
from workbench.remote.runs.runfolder import RunFolder, remove_quietly
from workbench.remote.supervision.on_end import RESULTS_FILE, check_on_end
from workbench.remote.supervision.reconcile import (
    is_judged_here,
    lives_here,
    looked_after,
    never_started,
    observed,
    settle_if_lost,
)
from workbench.remote.supervision.withdrawing import is_withdrawn, placement_of
from workbench.remote.wire.problems import RequestError

SUBMIT_SECONDS = 90.0
LEAVING_SECONDS = 30.0  # for whoever looked after an attempt that is over to be gone


def submit(machine, run_id, spec, secrets):
    # type: (Machine, str, Dict[str, Any], Mapping[str, str]) -> Dict[str, Any]
    """Make sure a run is taken on; returns {"already": bool, "status": its status}.

    already: nothing had to be started. It may be repeated after a cut at any point: a claim nobody took up
    is taken up, a run that is looked after or finished stays as it is. A spec whose "attempt" is greater
    than that of a finished run starts it anew in the same folder: what is in there stays, the stream goes on.
    Raises ValueError for a spec that cannot be, OSError, GuardNotStarted, RequestError while it is drained.
    """
    folder = RunFolder(machine, run_id)
    check_spec(run_id, spec)
    spec = completed(machine, spec)
    path = folder.lock + ".submit"
    handle = lock(path, SUBMIT_SECONDS)
    try:
        status = take_on(machine, folder, spec)
        started = False
        if not run_status.is_terminal(status) and is_judged_here(machine, folder, status):
            if not looked_after(machine, folder, status):
                if never_started(status):
                    start_guard(machine, run_id, secrets)
                    started = True
                else:
                    settle_if_lost(machine, folder)
    finally:
        remove_locked(path, handle)
    return {"already": not started, "status": observed(machine, run_id) or status}


def take_on(machine, folder, spec):
    # type: (Machine, RunFolder, Dict[str, Any]) -> run_status.Status
    """Write what is missing of a run's folder; its status, NotStarted when there is something to start."""
    status = folder.read_status()
    if status is None or is_withdrawn(status):
        refuse_new(machine)
    folder.claim()
    if status is None or not begins_again(status, spec):
        return write_missing(machine, folder, spec, status)
    # A guard stays for a moment after its attempt's end was told; nobody may take the next one for its own.
    held = left_lock(folder)
    try:
        return write_missing(machine, folder, spec, status)
    finally:
        remove_locked(folder.lock, held)


def begins_again(status, spec):
    # type: (run_status.Status, Dict[str, Any]) -> bool
    """Whether a spec starts a run anew that is over here, or was taken back from here."""
    if is_withdrawn(status) and placement_of(spec) > placement_of(status):
        return True
    newer = int(spec.get("attempt") or 1) > int(status.get("attempt") or 1)
    return newer and run_status.is_terminal(status)


def left_lock(folder):
    # type: (RunFolder) -> int
    """The lock of a run that is over, once nobody looks after it any more. Raises RequestError."""
    try:
        return lock(folder.lock, LEAVING_SECONDS)
    except TimeoutError:
        words = "it is over, but what looked after it is still there after %g s" % LEAVING_SECONDS
        raise RequestError("busy", words, "end the process that status.json calls guard, then try again")


def write_missing(machine, folder, spec, status):
    # type: (Machine, RunFolder, Dict[str, Any], Optional[run_status.Status]) -> run_status.Status
    """The same for a run whose folder nobody else writes to."""
    here = (machine.machine_id, machine.boot_id, machine.pidns)
    attempt = int(spec.get("attempt") or 1)
    if status is None:
        folder.furnish()
        folder.write_spec(spec)
        status = run_status.new_status(folder.run_id, here[0], here[1], here[2], attempt, time.time())
        status["placement"] = placement_of(spec)
    elif is_withdrawn(status) and placement_of(spec) > placement_of(status):
        for leftover in (folder.cancel, folder.hold, folder.withdraw):
            remove_quietly(leftover)
        folder.furnish()
        folder.write_spec(spec)
        status = run_status.new_status(folder.run_id, here[0], here[1], here[2], attempt, time.time())
        status["placement"] = placement_of(spec)
    elif run_status.is_terminal(status) and attempt > int(status.get("attempt") or 1):
        refuse_new(machine)
        for leftover in (folder.cancel, folder.hold, folder.tree, folder.inside(RESULTS_FILE)):
            remove_quietly(leftover)
        folder.furnish()
        folder.write_spec(spec)
        run_status.begin_attempt(status, attempt, here[0], here[1], here[2], time.time())
        status.pop(RETRIED, None)
        status.pop(run_status.UNKNOWN, None)
    else:
        waits = never_started(status) and not run_status.is_terminal(status)
        restarted = waits and not lives_here(machine, status)
        if restarted and is_judged_here(machine, folder, status):
            status.update(boot=machine.boot_id, pidns=machine.pidns)  # claimed before, to be started now
            folder.write_status(status)
        return status
    if spec.get("gpus") or spec.get("slots"):
        status["ticket"] = Queue(machine).draw_number()
    folder.write_status(status)
    return status


def check_spec(run_id, spec):
    # type: (str, Dict[str, Any]) -> None
    """Raise ValueError, in words, for a spec no supervisor could run."""
    if not isinstance(spec, dict):
        raise ValueError("the spec is no object")
    if spec.get("run") != run_id:
        raise ValueError("the spec is that of another run")
    check_command(spec.get("command"))
    version = spec.get("v", protocol.VERSION)
    if not isinstance(version, int) or version > protocol.VERSION:
        raise ValueError("the spec is of a newer version than this payload")
    for name in ("gpus", "slots", "priority", "attempt", "stream_cap"):
        check_number(spec, name, int)
    for name in ("timeout", "grace"):
        check_number(spec, name, (int, float))
    for name in ("setup", "devices"):
        value = spec.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, (str, int)) for item in value):
            raise ValueError("%s is no list of texts" % name)
    retries = spec.get("retries") or {}
    if not isinstance(retries, dict):
        raise ValueError("retries is no mapping")
    check_number(retries, "count", int)
    check_on_end(spec.get("on_end"))
    check_build(spec.get("environment_build"))
    if not isinstance(spec.get("environment_variables") or {}, dict):
        raise ValueError("environment_variables is no mapping")


def check_number(spec, name, kind):
    # type: (Dict[str, Any], str, Any) -> None
    """Raise ValueError unless the field is absent, null, or a number; only priority may be negative."""
    value = spec.get(name)
    if value is None:
        return
    if not isinstance(value, kind) or isinstance(value, bool) or value != value:
        raise ValueError("%s is no number: %.60r" % (name, value))
    if value < 0 and name != "priority":
        raise ValueError("%s is negative: %r" % (name, value))
