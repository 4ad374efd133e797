"""Which processes of a machine are runs' and who the others on its GPUs are, found out beside the sampling.

A look is a listing of /proc; only processes that are new since the last one are read. It is taken by a thread
of its own: the command line and environment of a process are its memory, and one that hangs in a driver may
hold it for ever. Whoever is stuck so is left out from then on, and another thread goes on with the rest.
"""

import os
import threading
import time
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from workbench.remote.processes import process_clues, process_runs
from workbench.remote.processes.process_clues import KERNEL_THREAD, Figures

TICKS = os.sysconf("SC_CLK_TCK")
PAUSE = 1.0  # seconds between two looks at least
SHARE = 300.0  # ... and so many times what the last one took: a third of a percent of a core
YOUNG = 3.0  # seconds of age below which a process may still become another program, and is read again
STUCK = 3.0  # seconds on one process after which its reader is given up
MOST_STUCK = 8  # readers given up in all; after that what is known stays as it is

# A process that is shown. command: None for another user's. keeper: a guard or supervisor.
Member = NamedTuple(
    "Member",
    [
        ("pid", int),
        ("start", int),
        ("uid", int),
        ("user", str),
        ("command", Optional[str]),
        ("claim", Optional[process_runs.Claim]),
        ("container", Optional[str]),
        ("keeper", bool),
    ],
)


class Census(object):
    """The processes that are shown, kept up by `refresh`.

    members: pid -> Member, for those of runs and those asked for; replaced whole, never changed.
    """

    def __init__(self, read=process_clues.read_clues):
        # type: (Callable[[int, Figures, int], process_runs.Clues]) -> None
        self.members = {}  # type: Dict[int, Member]
        self._read = read
        self._known = process_runs.Known(os.getuid())
        self._seen = {}  # type: Dict[int, int]
        self._young = set()  # type: Set[int]
        self._avoided = set()  # type: Set[Tuple[int, int]]
        self._users = {}  # type: Dict[int, str]
        self._wanted = frozenset()  # type: Iterable[int]
        self._asked = threading.Event()
        self._done = threading.Event()
        self._turn = 0
        self._reading = None  # type: Optional[Tuple[int, int, float]]
        self._next = 0.0
        self._start_reader()

    def refresh(self, wanted, patience):
        # type: (Iterable[int], float) -> None
        """Look when it is time, or a wanted pid is unknown; wait for it `patience` seconds at most."""
        now = time.monotonic()
        if self._replace_stuck(now):
            return
        fresh = set(wanted).difference(self._wanted)
        if self._asked.is_set() or (now < self._next and not fresh):
            return
        self._wanted = frozenset(wanted)
        self._done.clear()
        self._asked.set()
        self._done.wait(patience)

    def _start_reader(self):
        # type: () -> None
        self._turn += 1
        threading.Thread(target=self._work, args=(self._turn,), daemon=True).start()

    def _replace_stuck(self, now):
        # type: (float) -> bool
        """Whether the reader is stuck; a new one takes its place when it has been for long."""
        reading = self._reading
        if reading is None or now - reading[2] < STUCK:
            return False
        self._avoided.add(reading[:2])
        if self._turn <= MOST_STUCK:
            self._reading = None
            self._start_reader()
        return True

    def _work(self, turn):
        # type: (int) -> None
        while turn == self._turn:
            self._asked.wait()
            began = time.perf_counter()
            self._look(turn)
            if turn == self._turn:
                took = time.perf_counter() - began
                self._next = time.monotonic() + max(PAUSE, took * SHARE)
                self._asked.clear()
                self._done.set()

    def _look(self, turn):
        # type: (int) -> None
        """One look, published at its end; given up in the middle when another reader took our place."""
        present = list_processes()
        gone = set(pid for pid, number in self._seen.items() if present.get(pid) != number)
        self._known.forget(gone)
        members = {pid: member for pid, member in self.members.items() if pid not in gone}
        asked = set(self._wanted).difference(members)
        due = [
            pid
            for pid, number in present.items()
            if self._seen.get(pid) != number or pid in self._young or pid in asked
        ]
        found = []  # type: List[process_runs.Clues]
        young = set()  # type: Set[int]
        uptime = boot_time()
        for pid in due:
            if self._begin(pid, present) and self._read_one(pid, found) > uptime - YOUNG:
                young.add(pid)
            if turn != self._turn:
                return
        for clues in found:
            self._known.note(clues)
        for clues in sorted(found, key=lambda clues: clues.start):  # so that parents come first
            if self._begin(clues.pid, present):
                self._enter(clues, members)
            if turn != self._turn:
                return
        self._reading = None
        self._seen, self._young, self.members = present, young, members

    def _begin(self, pid, present):
        # type: (int, Dict[int, int]) -> bool
        """Say what is read now, for who judges whether it takes too long; False for what once did."""
        key = (pid, present[pid])
        self._reading = key + (time.monotonic(),)
        return key not in self._avoided

    def _read_one(self, pid, found):
        # type: (int, List[process_runs.Clues]) -> float
        """Read a process into `found`, unless it is the kernel's or over; returns when it started."""
        figures = process_clues.read_figures(pid)
        if figures is None or figures.flags & KERNEL_THREAD or figures.state in "ZX":
            return 0.0
        uid = process_clues.read_uid(pid)
        if uid is not None:
            found.append(self._read(pid, figures, uid))
        return figures.start / float(TICKS)

    def _enter(self, clues, members):
        # type: (process_runs.Clues, Dict[int, Member]) -> None
        """Settle whose a process is, and make it a member when it is a run's or asked for."""
        keeper = self._known.note(clues)
        claim = process_runs.run_of(clues, self._known)
        if claim is not None:
            self._known.claims[clues.pid] = claim
        if claim is not None or clues.pid in self._wanted:
            members[clues.pid] = self._member(clues, claim, keeper)
        else:
            members.pop(clues.pid, None)

    def _member(self, clues, claim, keeper):
        # type: (process_runs.Clues, Optional[process_runs.Claim], bool) -> Member
        uid = clues.uid
        if uid not in self._users:
            self._users[uid] = process_clues.user_of(uid)
        return Member(
            pid=clues.pid,
            start=clues.start,
            uid=uid,
            user=self._users[uid],
            command=process_clues.read_command(clues.pid) if uid == os.getuid() else None,
            claim=claim,
            container=process_runs.container_of(clues.cgroup),
            keeper=keeper,
        )


def boot_time():
    # type: () -> float
    """Seconds since the machine started, as processes' start times count them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", 7))  # a name since 3.7, a clock before


def list_processes():
    # type: () -> Dict[int, int]
    """pid -> inode number of its folder: another process with the same pid has another one."""
    try:
        with os.scandir("/proc") as entries:
            return {int(entry.name): entry.inode() for entry in entries if entry.name.isdigit()}
    except OSError:
        return {}
