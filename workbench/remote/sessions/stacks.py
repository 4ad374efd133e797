"""What the processes of a run are doing, also when they hang: where each thread of a Python is.

A Python that started in the run says it itself (shims.py), py-spy says it of any where it is installed and
may look, and /proc says of every process what it waits for.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from typing import Any, Callable, Dict, List, Optional, Sequence

from workbench.remote.environments.shims import STACKS
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.processes import process_looks, process_trees
from workbench.remote.processes.process_trees import ENV_BESIDE, Identity
from workbench.remote.runs import run_status
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.wire.problems import RequestError

ASKED_BY = signal.SIGURG
MOST = 256  # processes told of
LONGEST = 1 << 16  # characters of one process' stacks
ANSWER = 2.0  # seconds a Python has to begin
SETTLED = 0.05  # seconds without another byte after which it has said all
STEP = 0.005
SPY = 15.0  # seconds for py-spy, once
PATIENCE = 30.0  # seconds for the one who asked before

Spy = Callable[[int], Dict[str, str]]


def run_stacks(machine, run_id, check):
    # type: (Machine, str, Callable[[], None]) -> Dict[str, Any]
    """{processes: [look with python? (text), by?, problem?], more} of a run.

    check: raises when it is given up. Raises RequestError when the run has none: it is over, or waits.
    """
    folder = RunFolder(machine, run_id)
    status = folder.read_status()
    if status is None:
        raise RequestError("not_found", "run %s is not on this machine" % run_id)
    found = processes_of(folder, status)
    if not found:
        state = run_status.state_of(status)
        raise RequestError("conflict", "the run has no processes here: it is %s" % state)
    spec = folder.read_spec() or {}
    spy = find_spy(str(spec.get("python") or ""))
    answers = []  # type: List[Dict[str, Any]]
    with open(folder.inside(STACKS), "ab") as file:
        _lock(file.fileno(), check)
        for process in found[:MOST]:
            check()
            told = process_looks.look(process[0])
            if told is not None:
                told.update(ask(process, os.path.realpath(file.name), spy))
                answers.append(told)
        os.ftruncate(file.fileno(), 0)
    return {"processes": answers, "more": max(0, len(found) - MOST)}


def processes_of(folder, status):
    # type: (RunFolder, Dict[str, Any]) -> List[Identity]
    """What belongs to a run and is not its guard or supervisor, parents before children."""
    child = run_status.identity_of(status, "child")
    keepers = {run_status.identity_of(status, who) for who in ("guard", "supervisor")}
    found = []  # type: List[Identity]
    if child is not None and process_trees.alive(*child):
        found.append(child)
        spared = lambda pid: process_trees.belongs_to_another_run(pid, folder.run_id)  # noqa: E731
        found += process_trees.descendants(child[0], spared)
    found += process_trees.tagged(protocol.ENV_RUN_ID, folder.run_id)
    unique = [process for n, process in enumerate(found) if process not in found[:n]]
    theirs = [process for process in unique if process not in keepers and process_trees.alive(*process)]
    return [one for one in theirs if process_trees.environment_value(one[0], ENV_BESIDE) is None]


def ask(process, path, spy):
    # type: (Identity, str, Optional[Spy]) -> Dict[str, str]
    """Where the threads of a Python are, in its own words or py-spy's; nothing of what is no Python."""
    said = {}  # type: Dict[str, str]
    if spy is not None and looks_like_python(process[0]):
        said = spy(process[0])
    if "python" not in said and answers_to_us(process[0], path):
        text = own_words(process, path)
        if text:
            return {"python": text[:LONGEST], "by": "faulthandler"}
        said.setdefault("problem", "it did not answer; it may be stopped, or stuck in the kernel")
    return said


def answers_to_us(pid, path):
    # type: (int, str) -> bool
    """Whether a process handles the signal, and has the file open that it would write to."""
    caught = process_looks.signals_caught(pid) >> (ASKED_BY - 1) & 1
    return bool(caught) and process_looks.holds_open(pid, path)


def own_words(process, path):
    # type: (Identity, str) -> str
    """What a Python writes when it is asked; nothing when it does not."""
    os.truncate(path, 0)
    if not process_trees.send(process, ASKED_BY):
        return ""
    began = quiet = time.monotonic()
    size = 0
    while time.monotonic() - began < ANSWER:
        time.sleep(STEP)
        now = os.stat(path).st_size
        if now != size:
            size, quiet = now, time.monotonic()
        elif size and time.monotonic() - quiet >= SETTLED:
            break
    with open(path, "rb") as file:
        return file.read(LONGEST).decode("utf-8", "replace")


def looks_like_python(pid):
    # type: (int) -> bool
    """Whether its program is an interpreter by its name, or has one's library."""
    try:
        name = os.path.basename(os.readlink("/proc/%d/exe" % pid))
    except OSError:
        return False
    if name.startswith(("python", "pypy")):
        return True
    return "libpython" in (process_looks.read("/proc/%d/maps" % pid, 1 << 20) or "")


def find_spy(python):
    # type: (str) -> Optional[Spy]
    """py-spy, beside the run's interpreter or on PATH; None where there is none."""
    beside = os.path.dirname(python)
    place = shutil.which("py-spy", path=os.pathsep.join(filter(None, [beside, os.environ.get("PATH", "")])))
    if place is None:
        return None
    return lambda pid: _spied([str(place), "dump", "--pid", str(pid)])


def _spied(words):
    # type: (Sequence[str]) -> Dict[str, str]
    try:
        done = subprocess.run(
            list(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=SPY,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"problem": "py-spy: %s" % error}
    if done.returncode == 0:
        return {"python": done.stdout.decode("utf-8", "replace")[:LONGEST], "by": "py-spy"}
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it failed"]
    return {"problem": "py-spy: %s" % lines[-1][:300]}


def _lock(handle, check):
    # type: (int, Callable[[], None]) -> None
    """One who asks at a time: they would read each other's answers."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            check()
            if time.monotonic() > until:
                raise RequestError("busy", "somebody else asks the run's processes already", "try again")
            time.sleep(0.05)
