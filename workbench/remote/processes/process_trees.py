"""Processes: who is who, who descends from whom, and ending a whole tree without touching a stranger.

A process is (pid, start time): a pid alone is reused within seconds on a busy machine.
"""

import os
import signal
import time
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from workbench.remote.forms.record_form import ENV_RUN_ID

Identity = Tuple[int, int]  # pid, start time in clock ticks since boot

# Set for a guard, so that a run which submits another run never counts that one's processes as its own.
ENV_GUARD = "WORKBENCH_GUARD"

# Set for a process of ours that has a run's environment and is no part of what the run does.
ENV_BESIDE = "WORKBENCH_BESIDE"

ProcessStat = NamedTuple("ProcessStat", [("state", str), ("parent", int), ("start", int)])


def parse_stat(text):
    # type: (bytes) -> Optional[ProcessStat]
    """What /proc/PID/stat says; the command's name may hold anything, so count from the last ")"."""
    fields = text[text.rfind(b")") + 1 :].split()
    if len(fields) < 20:
        return None
    return ProcessStat(fields[0].decode("ascii", "replace"), int(fields[1]), int(fields[19]))


def process_stat(pid):
    # type: (int) -> Optional[ProcessStat]
    """State letter, parent and start time of a process; None when there is none."""
    try:
        file = os.open("/proc/%d/stat" % pid, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return parse_stat(os.read(file, 4096))
    except OSError:  # it ended in between
        return None
    finally:
        os.close(file)


def identity(pid):
    # type: (int) -> Optional[Identity]
    """(pid, start) of a process that exists, zombies included; None when there is none."""
    found = process_stat(pid)
    return (pid, found.start) if found else None


def alive(pid, start):
    # type: (int, int) -> bool
    """Whether this very process still runs; a zombie does not.

    A process of another user that /proc hides (hidepid) counts as running: better wait than collide.
    """
    found = process_stat(pid)
    if found is not None:
        return found.start == start and found.state not in "ZX"
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return process_stat(pid) is not None


def snapshot():
    # type: () -> Dict[int, ProcessStat]
    """Every process this user can see: pid -> stat."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = process_stat(int(name))
            if stat is not None:
                found[int(name)] = stat
    return found


def descend(roots, processes, spared=None):
    # type: (Iterable[int], Dict[int, ProcessStat], Optional[Callable[[int], bool]]) -> List[Identity]
    """Every descendant of the roots (the roots excluded) among `processes`, parents before children.

    spared: a process it says yes to is left out with all that descends from it.
    """
    children = {}  # type: Dict[int, List[int]]
    for pid, stat in processes.items():
        children.setdefault(stat.parent, []).append(pid)
    found = []  # type: List[Identity]
    waiting = list(roots)
    seen = set(waiting)
    while waiting:
        for child in sorted(children.get(waiting.pop(0), [])):
            if child not in seen and not (spared and spared(child)):
                seen.add(child)
                waiting.append(child)
                found.append((child, processes[child].start))
    return found


def children_listed():
    # type: () -> bool
    """Whether this kernel lists a task's children, so that walking a tree need not read all of /proc."""
    return os.path.exists("/proc/self/task/%d/children" % os.getpid())


def children_of(pid):
    # type: (int) -> List[int]
    """Direct children of a process, from /proc/PID/task/*/children."""
    found = []  # type: List[int]
    try:
        threads = os.listdir("/proc/%d/task" % pid)
    except OSError:
        return found
    for thread in threads:
        try:
            with open("/proc/%d/task/%s/children" % (pid, thread), "rb") as file:
                found.extend(int(word) for word in file.read().split())
        except OSError:  # the thread ended in between
            continue
    return found


def descendants(pid, spared=None):
    # type: (int, Optional[Callable[[int], bool]]) -> List[Identity]
    """All descendants of a process now, zombies included; it costs by the size of the tree where it can.

    spared: as for `descend`.
    """
    if not children_listed():
        return descend([pid], snapshot(), spared)
    found = []  # type: List[Identity]
    waiting = [pid]
    seen = {pid}
    while waiting:
        for child in children_of(waiting.pop(0)):
            known = identity(child)
            if known is not None and child not in seen and not (spared and spared(child)):
                seen.add(child)
                waiting.append(child)
                found.append(known)
    return found


def environment_value(pid, name):
    # type: (int, str) -> Optional[str]
    """A variable of the environment a process was started with; None when unset or not ours to read."""
    try:
        with open("/proc/%d/environ" % pid, "rb") as file:
            entries = file.read(4 << 20).split(b"\0")
    except OSError:
        return None
    prefix = name.encode("ascii") + b"="
    for entry in entries:
        if entry.startswith(prefix):
            return entry[len(prefix) :].decode("utf-8", "replace")
    return None


def tagged(name, value):
    # type: (str, str) -> List[Identity]
    """Processes of this user whose environment has name=value."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            owner = os.stat("/proc/" + entry).st_uid
        except OSError:
            continue
        if owner == os.getuid() and environment_value(int(entry), name) == value:
            known = identity(int(entry))
            if known is not None:
                found.append(known)
    return found


def ancestors(pid):
    # type: (int) -> Set[int]
    """The pids above a process, itself included."""
    found = set()  # type: Set[int]
    while pid > 0 and pid not in found:
        found.add(pid)
        stat = process_stat(pid)
        pid = stat.parent if stat else 0
    return found


def send(process, number):
    # type: (Identity, int) -> bool
    """Signal this very process; False when it is gone. Where the kernel has pidfds a reused pid is safe."""
    pid, start = process
    opener = getattr(os, "pidfd_open", None)
    sender = getattr(signal, "pidfd_send_signal", None)
    try:
        if opener is None or sender is None:
            if not alive(pid, start):
                return False
            os.kill(pid, number)
            return True
        handle = opener(pid)
        try:
            if not alive(pid, start):
                return False
            sender(handle, number)
            return True
        finally:
            os.close(handle)
    except (ProcessLookupError, PermissionError):
        return False
    except OSError:  # no pidfds in this kernel, whatever this python knows
        if not alive(pid, start):
            return False
        os.kill(pid, number)
        return True


class TreeEnd(object):
    """Ending a tree step by step: TERM once to each, after the grace KILL until none is left.

    find: returns the processes that are to end, called anew at each step since forks race with us.
    It never blocks, so a supervisor can end a tree and still drain its output: call `step` every 50 ms
    or so until it returns True.
    """

    def __init__(self, find, grace):
        # type: (Callable[[], List[Identity]], float) -> None
        self._find = find
        self._kill_at = time.monotonic() + max(0.0, grace)
        self._told = set()  # type: Set[Identity]

    def step(self):
        # type: () -> bool
        """Signal what is still there; True when nothing is left."""
        left = [process for process in self._find() if alive(*process)]
        killing = time.monotonic() >= self._kill_at
        for process in left:
            if killing:
                send(process, signal.SIGKILL)
            elif process not in self._told:
                self._told.add(process)
                send(process, signal.SIGTERM)
                send(process, signal.SIGCONT)  # a stopped one would never see the TERM
        return not left


def end_tree(find, grace, patience=30.0, reap=None):
    # type: (Callable[[], List[Identity]], float, float, Optional[Callable[[], None]]) -> List[Identity]
    """TERM, grace, KILL, looking anew until nothing is left; returns what would not die.

    find: as for TreeEnd. patience: seconds after the KILL before giving up, for what is stuck in the
    kernel. reap: called at each round, to wait for children.
    """
    ending = TreeEnd(find, grace)
    deadline = time.monotonic() + grace + patience
    pause = 0.005
    while not ending.step():
        if time.monotonic() > deadline:
            return [process for process in find() if alive(*process)]
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
        if reap is not None:
            reap()
    return []


def belongs_to_another_run(pid, run_id):
    # type: (int, str) -> bool
    """Whether a process is the guard of another run, started from inside this one."""
    owner = environment_value(pid, ENV_GUARD)
    return owner is not None and owner != run_id


def tree_of(pid, run_id, own=lambda: 0):
    # type: (int, str, Callable[[], int]) -> Callable[[], List[Identity]]
    """A finder for TreeEnd: all that descends from a process, except other runs' guards and theirs.

    own: the pid of what helps that process and is no part of the run, 0 for none; left out with its own.
    """

    def spared(child):
        # type: (int) -> bool
        return child == own() or belongs_to_another_run(child, run_id)

    return lambda: descendants(pid, spared)


def remains_of(run_id, recorded):
    # type: (str, Iterable[Identity]) -> Callable[[], List[Identity]]
    """A finder for TreeEnd when guard and supervisor are gone: recorded processes that still live, what
    descends from them, and whatever carries the run's tag; never ourselves or who started us."""
    known = set(recorded)

    def find():
        # type: () -> List[Identity]
        processes = snapshot()
        mine = ancestors(os.getpid())
        roots = [pid for pid, start in known if pid in processes and processes[pid].start == start]
        roots += [pid for pid, _ in tagged(ENV_RUN_ID, run_id) + tagged(ENV_GUARD, run_id)]
        top = [(pid, processes[pid].start) for pid in set(roots) if pid in processes]
        below = descend(set(roots), processes, lambda pid: belongs_to_another_run(pid, run_id))
        # What descends from a lost process is remembered: once its parent dies nothing else leads to it.
        known.update(below)
        found = [(p, s) for p, s in top + below if p not in mine and not belongs_to_another_run(p, run_id)]
        return sorted(set(found))

    return find
