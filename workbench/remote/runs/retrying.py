"""Trying a run again by itself where it asked for that: how often, and after which ends.

The end of an attempt and the beginning of the next are one change of the status, so nobody ever sees such a
run as over. Who did not end cancelled, and has tries left, goes on in the same folder.
"""

import os
import time
from typing import Any, Dict, Mapping, Optional, Tuple

from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.runs.endings import Ending
from workbench.remote.runs.run_status import Status, add_transition, begin_attempt, state_of
from workbench.remote.runs.runfolder import RunFolder, remove_quietly

MAX_COUNT = 100
RETRIED = "retried"  # in a status: how often it was tried again by itself
LOST = (protocol.CAUSE_LOST, protocol.CAUSE_SUPERVISOR_LOST, protocol.CAUSE_GUARD_LOST)
USUAL = (protocol.CAUSE_REBOOT,) + LOST
"""After these it is tried again when it names none: nothing of the run's own went wrong."""
CAUSES = USUAL + (
    protocol.CAUSE_EXIT,
    protocol.CAUSE_SIGNAL,
    protocol.CAUSE_OUT_OF_MEMORY,
    protocol.CAUSE_TIMEOUT,
    protocol.CAUSE_SETUP,
    protocol.CAUSE_DISK_FULL,
)


def tries_left(spec, status):
    # type: (Mapping[str, Any], Status) -> int
    """How many more times it may be tried again."""
    asked = spec.get("retries")
    count = asked.get("count") if isinstance(asked, dict) else 0
    wanted = min(count, MAX_COUNT) if isinstance(count, int) else 0
    return max(0, wanted - tried(status))


def tried(status):
    # type: (Status) -> int
    """How often it was tried again so far."""
    number = status.get(RETRIED)
    return number if isinstance(number, int) and number > 0 else 0


def is_wanted(spec, status, ending):
    # type: (Mapping[str, Any], Status, Ending) -> bool
    """Whether an attempt that ends so is followed by another."""
    asked = spec.get("retries")
    named = asked.get("on") if isinstance(asked, dict) else None
    causes = named if isinstance(named, list) and named else USUAL
    return ending.state == protocol.FAILED and ending.cause in causes and tries_left(spec, status) > 0


def missing_secret(spec):
    # type: (Mapping[str, Any]) -> str
    """A secret that a visitor would need to start it again, and that is kept nowhere; empty for none."""
    asked = spec.get("configuration")
    names = asked.get("secrets") if isinstance(asked, dict) else None
    return str(names[0])[:100] if isinstance(names, list) and names else ""


def go_on(machine, folder, spec, status, ending):
    # type: (Machine, RunFolder, Dict[str, Any], Status, Ending) -> Status
    """End an attempt so and begin the next in the same folder; who wrote the status then starts it.

    It keeps its number in the queue, for when it waits again. Raises OSError before it changes the status.
    """
    number = int(status.get("attempt") or 1) + 1
    words = "tried again (%d of %d)" % (tried(status) + 1, tried(status) + tries_left(spec, status))
    folder.furnish()
    folder.write_spec(dict(spec, attempt=number))
    remove_quietly(folder.tree)  # after a reboot its pids are strangers
    now = time.time()
    ticket, again = status.get("ticket"), tried(status) + 1
    add_transition(status, ending.state, now, ending.cause, ending.message, ending.exit_code, ending.signal)
    here = (machine.machine_id, machine.boot_id, machine.pidns)
    begin_attempt(status, number, here[0], here[1], here[2], now, words)
    status[RETRIED] = again
    if ticket is not None:
        status["ticket"] = ticket
    return status


def waits_for_start(status):
    # type: (Status) -> bool
    """Whether a next attempt was written that nobody has started yet."""
    return tried(status) > 0 and state_of(status) == protocol.NOT_STARTED


def after(machine, folder, spec, status, ending, secrets=False):
    # type: (Machine, RunFolder, Optional[Dict[str, Any]], Status, Ending, bool) -> Tuple[Optional[Status], Ending]
    """What follows an ending: the status of the next attempt, not written yet, or None; and the ending.

    secrets: whether who asks hands the run's secrets on. A run that is to be cancelled ends, and so does one
    for whose next attempt there is no room.
    """
    if spec is None or os.path.exists(folder.cancel) or not is_wanted(spec, status, ending):
        return None, ending
    secret = "" if secrets else missing_secret(spec)
    if secret:
        why = "not tried again: its secret %s is kept nowhere" % secret
    else:
        try:
            return go_on(machine, folder, spec, status, ending), ending
        except (OSError, ValueError) as error:
            why = "not tried again: %s" % (error.strerror if isinstance(error, OSError) else error)
    return None, ending._replace(message="%s; %s" % (ending.message or "failed", why))
