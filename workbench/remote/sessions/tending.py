"""What looks after a tool: starts it, and ends it when nobody has wanted it for a while.

`... tend FOLDER`, with {argv, directory, environment, port, path} as JSON on its input. It detaches, so that
a tool outlives the link and its notebooks outlive a cut. In its folder: `state.json` says who and where it
is, `wanted` is touched by whoever wants it, `stop` ends it, `out.log` has what it said.
"""

import os
import subprocess
import sys
import time
from typing import Any, Dict, List, Optional

from workbench.remote.forms import protocol
from workbench.remote.processes.background import detach
from workbench.remote.processes.process_trees import Identity, descendants, end_tree, identity
from workbench.remote.runs.runfolder import write_whole
from workbench.remote.snapshots.leftovers import remove_tree

STATE, WANTED, STOP, LOG = "state.json", "wanted", "stop", "out.log"
UNWANTED = 600.0  # seconds without a sign that somebody wants it: the laptop was closed for good
LOOK = 0.25
MAX_ASKED = 4 << 20
MAX_LOG = 4 << 20  # bytes of what it says that are kept
GRACE = 5.0  # seconds between TERM and KILL


def main(argv):
    # type: (List[str]) -> int
    """Start the tool in the background; returns once its state is written."""
    folder = argv[0]
    asked = protocol.loads(sys.stdin.buffer.read(MAX_ASKED))
    waiting, told = os.pipe()
    if os.fork():
        os.close(told)
        os.read(waiting, 1)
        return 0
    try:
        os.close(waiting)
        detach()
        tend(folder, asked, told)
    finally:
        os._exit(0)


def tend(folder, asked, told):
    # type: (str, Dict[str, Any], int) -> None
    """The whole life of the tool. told: closed once its state is written."""
    log = os.open(os.path.join(folder, LOG), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    state = {"port": asked["port"], "path": asked["path"], "tender": identity(os.getpid())}  # type: Dict[str, Any]
    child = None  # type: Optional[subprocess.Popen[bytes]]
    try:
        child = subprocess.Popen(
            asked["argv"],
            cwd=asked["directory"],
            env=asked["environment"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        state["tool"] = identity(child.pid)
    except OSError as error:
        os.write(log, ("%s: %s\n" % (error.filename, error.strerror)).encode("utf-8", "replace"))
    try:
        write_whole(os.path.join(folder, STATE), protocol.dumps(state))
        os.close(told)
        if child is not None:
            _until_over(folder, child, log)
    finally:  # whatever went wrong: a tool nobody looks after would stay for ever
        if child is not None:
            end_tree(_below, GRACE, 5.0, _collect)
    if os.path.exists(os.path.join(folder, STOP)):
        remove_tree(folder)
    else:
        write_whole(os.path.join(folder, STATE), protocol.dumps(dict(state, over=True)))


def _until_over(folder, child, log):
    # type: (str, subprocess.Popen[bytes], int) -> None
    """Until it ended by itself, is to stop, or nobody wants it any more."""
    seen, since = None, time.monotonic()  # type: Optional[float], float
    while child.poll() is None and not os.path.exists(os.path.join(folder, STOP)):
        # When the sign changes is what counts: whose clock set it, and how that is set, does not.
        sign = _time_of(os.path.join(folder, WANTED))
        if sign != seen:
            seen, since = sign, time.monotonic()
        if time.monotonic() - since > UNWANTED or not os.path.isdir(folder):
            return
        if os.fstat(log).st_size > MAX_LOG:
            os.ftruncate(log, 0)
        time.sleep(LOOK)


def _time_of(path):
    # type: (str) -> Optional[float]
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None


def _collect():
    # type: () -> None
    """Wait for whatever ended below us."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _below():
    # type: () -> List[Identity]
    return descendants(os.getpid())
