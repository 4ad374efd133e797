"""The processes on a machine's GPUs and those of its runs: whose they are and what they use.

Who is who is found out by the census; a sample reads one small file a process, which never blocks.
"""

import os
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Set, Tuple

from workbench.remote.probe.process_census import TICKS, Census, Member, boot_time
from workbench.remote.processes.process_clues import Figures, processes_hidden, read_figures

MOST = 200  # processes told of, the biggest
PATIENCE = 0.02  # seconds a sample waits for the census
CPU_WINDOW = 0.5  # seconds a CPU share is taken over at least: the kernel counts hundredths
LINGERING = 2.0  # seconds a pid the driver names may be unknown before it is shown without a name
HOST_NAMESPACE = 0xEFFFFFFC  # the inode of the pid namespace the driver counts in, the same on every Linux
PAGE = os.sysconf("SC_PAGE_SIZE")

ELSEWHERE = (
    "the driver names processes by the host's process ids, which mean nothing in this container; "
    "start it with --pid=host to see whose they are"
)
HIDDEN = "this machine hides other users' processes (hidepid): theirs are shown without a name"

# CPU ticks of a process at a time of time.monotonic, and the share told since; start: which process it is.
_Base = NamedTuple("_Base", [("start", int), ("at", float), ("ticks", int), ("share", Optional[float])])


def counts_elsewhere(pidns):
    # type: (int) -> bool
    """Whether the GPU driver counts processes in another pid namespace than ours.

    A scripted library (tests only) counts in ours, wherever they run.
    """
    return pidns not in (0, HOST_NAMESPACE) and "WORKBENCH_NVML" not in os.environ


class ProcessSampler(object):
    """Samples processes. note: what limits the view, in words; None when nothing does.

    pidns: our pid namespace, as Machine has it. elsewhere: whether the driver's pids are another one's; None
    to tell by pidns.
    """

    def __init__(self, pidns, elsewhere=None, census=None):
        # type: (int, Optional[bool], Optional[Census]) -> None
        self.note = None  # type: Optional[str]
        self._elsewhere = counts_elsewhere(pidns) if elsewhere is None else elsewhere
        self._hidden = processes_hidden()
        self._census = census or Census()
        self._bases = {}  # type: Dict[int, _Base]
        self._missing = {}  # type: Dict[int, float]

    def sample(self, gpu_uses):
        # type: (Mapping[int, List[Dict[str, Any]]]) -> List[Dict[str, Any]]
        """Now, the biggest first, with the fields of entities' ProcessSample; what is unknown is left out.

        gpu_uses: pid as the driver counts -> what it has of each GPU, with the fields of GpuUse.
        """
        known = {} if self._elsewhere else gpu_uses
        self._census.refresh(known, PATIENCE)
        members = self._census.members
        now, uptime = time.monotonic(), boot_time()
        found, bases = [], {}  # type: List[Dict[str, Any]], Dict[int, _Base]
        for pid in set(known).union(pid for pid, member in members.items() if member.claim is not None):
            row = self._row(pid, members.get(pid), now, uptime, bases)
            uses = list(known.get(pid, ()))
            if row is not None:
                row["gpus"] = uses
                found.append(row)
        self._bases = bases
        named = set(row["pid"] for row in found)
        found += self._nameless(gpu_uses, named, now)
        found.sort(key=size, reverse=True)
        self._explain(bool(gpu_uses), any("user" not in row for row in found), len(found))
        return found[:MOST]

    def _row(self, pid, member, now, uptime, bases):
        # type: (int, Optional[Member], float, float, Dict[int, _Base]) -> Optional[Dict[str, Any]]
        """A process as it is now; None for one that is gone, or unseen, or no run's business."""
        if member is not None and member.keeper:
            return None
        figures = read_figures(pid)
        if figures is None or figures.state in "ZX":
            return None
        if member is not None and member.start != figures.start:
            member = None  # another one by now
        row = {
            "pid": pid,
            "start": figures.start,
            "memory": figures.pages * PAGE,
            "age": max(0.0, uptime - figures.start / float(TICKS)),
        }  # type: Dict[str, Any]
        bases[pid] = base = self._base(pid, figures, now)
        if base.share is not None:
            row["cpu"] = base.share
        if member is not None:
            row.update(described(member))
        return row

    def _base(self, pid, figures, now):
        # type: (int, Figures, float) -> _Base
        before = self._bases.get(pid)
        if before is None or before.start != figures.start:
            return _Base(figures.start, now, figures.ticks, None)
        seconds = now - before.at
        if seconds < CPU_WINDOW:
            return before
        share = 100.0 * (figures.ticks - before.ticks) / TICKS / seconds
        return _Base(figures.start, now, figures.ticks, max(0.0, share))

    def _nameless(self, gpu_uses, named, now):
        # type: (Mapping[int, List[Dict[str, Any]]], Set[int], float) -> List[Dict[str, Any]]
        """Those the driver names and we cannot see: another namespace's, hidden or dead ones.

        One that just ended is not spoken of: the driver's list is a moment old.
        """
        missing = {pid: self._missing.get(pid, now) for pid in gpu_uses if pid not in named}
        self._missing = missing
        wait = 0.0 if self._elsewhere or self._hidden else LINGERING
        late = [pid for pid, since in missing.items() if now - since >= wait]
        return [{"pid": pid, "gpus": list(gpu_uses[pid])} for pid in late]

    def _explain(self, used, nameless, count):
        # type: (bool, bool, int) -> None
        notes = []
        if self._elsewhere and used:
            notes.append(ELSEWHERE)
        elif self._hidden and nameless:
            notes.append(HIDDEN)
        if count > MOST:
            notes.append("%d smaller processes are left out" % (count - MOST))
        self.note = "; ".join(notes) or None


def described(member):
    # type: (Member) -> Dict[str, Any]
    """What the census knows of a process."""
    found = {"user": member.user, "mine": member.uid == os.getuid()}  # type: Dict[str, Any]
    if member.command is not None:
        found["command"] = member.command
    if member.claim is not None:
        found["run"], found["found_by"] = member.claim
    if member.container is not None:
        found["container"] = member.container
    return found


def size(row):
    # type: (Dict[str, Any]) -> Tuple[int, int]
    """By what processes are ordered: GPU memory, then their own."""
    return (sum(use.get("memory") or 0 for use in row["gpus"]), row.get("memory") or 0)
