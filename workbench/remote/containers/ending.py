"""Ending containers: in their supervisor's time, or by whoever finds one whose run nobody looks after."""

import json
import time
from typing import Any, Dict, List, NamedTuple, Optional

from workbench.remote.containers.calls import call
from workbench.remote.containers.kept import Note, drop_note, notes
from workbench.remote.disk.filelock import remove_locked, try_lock
from workbench.remote.machine import Machine
from workbench.remote.runs.run_status import is_terminal
from workbench.remote.runs.runfolder import RunFolder

SECONDS = 60.0  # for one word to the engine
STEP = 0.2  # seconds between two looks whether a container has ended
FORMAT = "{{json .State}}"

# pid: of its first process as the machine sees it, 0 for none. started: whether it ever ran.
State = NamedTuple(
    "State",
    [
        ("running", bool), ("started", bool), ("exit_code", int), ("out_of_memory", bool), ("pid", int),
        ("error", str),
    ],
)  # fmt: skip


def state_of(argv, name):
    # type: (List[str], str) -> Optional[State]
    """How a container is; None when there is none of that name, or the engine does not answer."""
    answer = call(argv + ["container", "inspect", "--format", FORMAT, name], SECONDS)
    if answer.code != 0:
        return None
    try:
        return read_state(json.loads(answer.out))
    except (ValueError, RecursionError):
        return None


def read_state(value):
    # type: (Any) -> Optional[State]
    """A container's state as its engine told it."""
    if not isinstance(value, dict):
        return None
    started = str(value.get("StartedAt") or "")
    code, pid = value.get("ExitCode"), value.get("Pid")
    return State(
        bool(value.get("Running")),
        bool(started) and not started.startswith("0001-"),
        code if isinstance(code, int) else 0,
        bool(value.get("OOMKilled")),
        pid if isinstance(pid, int) and pid > 0 else 0,
        str(value.get("Error") or "")[:600],
    )


def tell(note, signal_name):
    # type: (Note, str) -> Dict[str, Any]
    """Send the container's first process a signal, which its init passes on; {"told": whether it took it}."""
    return {"told": call(note.argv + ["kill", "--signal", signal_name, note.name], SECONDS).code == 0}


def remove(machine, note):
    # type: (Machine, Note) -> Dict[str, Any]
    """Remove a container, whatever it does; {"problem": why it is still there, empty when it is gone}."""
    answer = call(note.argv + ["rm", "--force", "--volumes", note.name], SECONDS)
    gone = answer.code == 0 or is_unknown(answer.out + answer.err, note.name)
    if gone:
        drop_note(machine, note)
    return {"problem": "" if gone else answer.last_words() or "the engine did not answer"}


def is_unknown(text, name):
    # type: (str, str) -> bool
    """Whether an engine says that there is no such container; that there is no engine is another matter."""
    text = text.lower()
    if "no such container" in text or "no container with name or id" in text:
        return True
    return any("not found" in line and name.lower() in line for line in text.split("\n"))


def end_left(machine, run_id, grace):
    # type: (Machine, str, float) -> List[str]
    """End and remove the containers of a run that nobody looks after: TERM, grace, KILL; those that stay.

    For who settles the run, before its processes are ended: an engine's own process that is killed first
    would leave the container behind.
    """
    stay = []
    for note in notes(machine, run_id):
        deadline = time.monotonic() + max(0.0, grace)
        if grace > 0 and tell(note, "TERM")["told"]:
            state = state_of(note.argv, note.name)
            while state is not None and state.running and time.monotonic() < deadline:
                time.sleep(STEP)
                state = state_of(note.argv, note.name)
        if remove(machine, note)["problem"]:
            stay.append(note.name)
    return stay


def sweep_over(machine):
    # type: (Machine) -> int
    """Remove the containers of runs that are over and that nobody is at any more; how many were."""
    count = 0
    for note in notes(machine):
        folder = RunFolder(machine, note.run)
        held = try_lock(folder.lock)
        if held is None:
            continue
        try:
            status = folder.read_status()
            if (status is None or is_terminal(status)) and not remove(machine, note)["problem"]:
                count += 1
        except ValueError:
            continue  # not ours to judge
        finally:
            remove_locked(folder.lock, held)
    return count
