"""Ending a process of one's own: this very process, of this very user, by a signal one may choose."""

import os
import signal
import time
from typing import Any, Dict, Optional

from workbench.remote.machine import Machine
from workbench.remote.processes.process_trees import alive, process_stat
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange, Handler
from workbench.remote.wire.problems import RequestError

SIGNALS = {"TERM": signal.SIGTERM, "INT": signal.SIGINT, "HUP": signal.SIGHUP, "KILL": signal.SIGKILL}
WATCHED = 2.0  # seconds in which it is seen whether the process ends


def table(machine):
    # type: (Machine) -> Dict[str, Handler]
    """Method name -> handler, for one link."""
    return {"end_process": _end_process}


def _end_process(exchange):
    # type: (Exchange) -> Any
    params = exchange.params
    pid, start = parameters.offset(params, "pid"), parameters.offset(params, "start")
    name = parameters.text(params, "signal", "TERM")
    if name not in SIGNALS:
        raise RequestError("usage", "signal must be one of %s" % ", ".join(sorted(SIGNALS)))
    end_process(pid, start, SIGNALS[name])
    until = time.monotonic() + WATCHED
    while alive(pid, start) and time.monotonic() < until:
        exchange.check()
        time.sleep(0.02)
    return {"ended": not alive(pid, start)}


def end_process(pid, start, number):
    # type: (int, int, int) -> None
    """Send a signal to the process that (pid, start) means, if it is one of our own user.

    Raises RequestError: not_found when it is gone, refused when it is another's, or what serves this link.
    """
    handle = _open(pid)
    try:
        found = process_stat(pid)
        if pid <= 1 or found is None or found.start != start or found.state in "ZX":
            raise RequestError(
                "not_found", "process %d is gone" % pid, "what has its number now was left alone"
            )
        if _user(pid) != os.getuid():
            raise RequestError(
                "refused", "process %d is another user's" % pid, "ask them, or the machine's admin"
            )
        if pid in _own_line():
            raise RequestError(
                "refused", "process %d serves this connection" % pid, "wb compute detach ends it"
            )
        if handle is None:
            os.kill(pid, number)
        else:
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        raise RequestError("not_found", "process %d is gone" % pid)
    finally:
        if handle is not None:
            os.close(handle)


def _open(pid):
    # type: (int) -> Optional[int]
    """A handle that means this process whatever becomes of its number; None where there are none."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError, OverflowError):  # an older Python or kernel; gone, which is found next
        return None


def _user(pid):
    # type: (int) -> Optional[int]
    """The real user id of a process."""
    try:
        with open("/proc/%d/status" % pid, "rb") as file:
            for line in file:
                if line.startswith(b"Uid:"):
                    return int(line.split()[1])
    except (OSError, ValueError, IndexError):  # it ended in between
        pass
    return None


def _own_line():
    # type: () -> Dict[int, None]
    """This process and those above it, up to the first: without them there is no link."""
    line = {}  # type: Dict[int, None]
    pid = os.getpid()
    while pid > 1 and pid not in line:
        line[pid] = None
        found = process_stat(pid)
        pid = found.parent if found is not None else 0
    return line
