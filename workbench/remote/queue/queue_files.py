"""The queue of one machine as files: a ticket for each run that waits, a lease for each that runs.

Every file names the processes it stands for, so those of the dead are found and removed by whoever looks.
There is no master: each waiting supervisor takes the one lock, makes the same decision and starts itself.
The folder may be several users': each writes only files of its own, and reads those of all.
"""

import os
import stat
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from workbench.remote.disk.filelock import lock, try_lock
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.processes.process_trees import Identity, alive
from workbench.remote.queue import leases
from workbench.remote.queue.cordon import read_cordon, why_closed
from workbench.remote.queue.shared_files import remove_if_allowed, write_shared
from workbench.remote.runs.runfolder import pairs, read_object, read_tree, remove_quietly, write_all

GONE = "its ticket is gone"  # somebody cleaned up: whoever waits takes its place anew
MAX_ENTRY = 1 << 20
MAX_NUMBER = 1 << 53
MAX_ENTRIES = 10000

Entries = Sequence[Dict[str, Any]]

# A ticket or lease as it was read: of fifty that wait, each decides anew whenever one comes or goes.
Known = NamedTuple("Known", [("mark", Tuple[int, ...]), ("owner", int), ("entry", Dict[str, Any])])


class Queue(object):
    """Tickets and leases of a machine, for one run that waits or holds one.

    orphans: whether a lease was seen whose run has lost guard and supervisor but not its processes.
    """

    def __init__(self, machine):
        # type: (Machine) -> None
        self.orphans = False
        self._machine = machine
        self._lock = os.path.join(machine.lease_dir, "queue.lock")
        self._counter = os.path.join(machine.lease_dir, "queue.next")
        self._read = {}  # type: Dict[str, Dict[str, Known]]

    def draw_number(self):
        # type: () -> int
        """The next place in the queue: larger than every number drawn before. Raises TimeoutError."""
        handle = self.locked()
        try:
            last = (read_entry(self._counter) or {}).get("last", 0)
            number = last + 1 if isinstance(last, int) else 1
            self._count(number)
            return number
        finally:
            os.close(handle)

    def locked(self):
        # type: () -> int
        """The lock under which tickets and leases change; close it. Raises TimeoutError."""
        return lock(self._lock)

    def _count(self, number):
        # type: (int) -> None
        """Keep the last number drawn, also where the folder lets nobody replace another's file."""
        try:
            write_shared(self._counter, {"last": number})
        except PermissionError:
            # Another user of the folder may have laid a link or a pipe there.
            handle = os.open(self._counter, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                # Numbers only grow, so no shorter text is ever left with an end of a longer one.
                write_all(handle, protocol.dumps({"last": number}))
            finally:
                os.close(handle)

    def enter(self, ticket, keeper):
        # type: (leases.Ticket, Dict[str, Any]) -> None
        """Leave a run's ticket. keeper: what `keeper_entry` gives."""
        entry = dict(ticket._asdict(), since=time.monotonic() - ticket.waited, entered=time.time())
        self.write_ticket(dict(entry, **keeper))

    def attempt(self, run, busy=leases.NONE_BUSY, held=False):
        # type: (str, Mapping[str, str], bool) -> Optional[Tuple[Optional[Tuple[str, ...]], str]]
        """Try to start a waiting run: (its devices, "") when it may, (None, why it waits) when not yet.

        With devices its ticket has become its lease. None: another is deciding just now, try again soon.
        held: whether it is on hold, which its ticket then says to all.
        """
        handle = try_lock(self._lock)
        if handle is None:
            return None
        try:
            tickets = self.tickets()
            for mine in (entry for entry in tickets if entry["run"] == run):
                if (mine.get("hold") is True) != held:
                    mine["hold"] = held
                    self.write_ticket(mine)
            others = [entry for entry in self.lease_entries() if entry["run"] != run]
            decision = self.decided(tickets, others, busy, (run,))
            if run not in decision.starts:
                return (None, decision.waits.get(run, GONE))
            devices = decision.starts[run]
            mine = [entry for entry in tickets if entry["run"] == run][0]
            granted = {"devices": list(devices), "granted": time.monotonic(), "started": time.time()}
            write_shared(self._lease(run), dict(mine, **granted))
            remove_quietly(self._ticket(run))
            return (devices, "")
        finally:
            os.close(handle)

    def decided(self, tickets, entries, busy=leases.NONE_BUSY, told=None):
        # type: (Entries, Entries, Mapping[str, str], Optional[Sequence[str]]) -> leases.Decision
        """What the queue's rules say of these tickets and leases now. told: as for `decide`."""
        names = {entry["run"]: str(entry.get("name") or "")[:100] for entry in tickets}
        waiting = [read_ticket(entry) for entry in tickets]
        closed = why_closed(read_cordon(self._machine))
        return leases.decide(waiting, [read_lease(entry) for entry in entries], busy, names, closed, told)

    def may_start(self, run):
        # type: (str) -> bool
        """Whether it would start if it were alone in line and all devices could be had; nothing is taken.

        Those ahead of it do not count: what keeps them from a device may leave another one to it.
        """
        mine = [entry for entry in self.tickets() if entry["run"] == run]
        return run in self.decided(mine, self.lease_entries(), told=()).starts

    def release(self, run):
        # type: (str) -> None
        """Give up a run's ticket and lease; repeated is fine."""
        remove_quietly(self._ticket(run))
        remove_quietly(self._lease(run))
        remove_quietly(self.tree(run))

    def tree(self, run):
        # type: (str) -> str
        """Where a shared folder keeps which processes are a run's: its own folder only its user can read."""
        return os.path.join(self._machine.leases, run + ".tree")

    def write_ticket(self, entry):
        # type: (Dict[str, Any]) -> None
        """Keep a ticket as it is now; only its run's user may. Raises OSError."""
        write_shared(self._ticket(entry["run"]), entry)

    def ticket_path(self, run):
        # type: (str) -> str
        """The file of a run's ticket."""
        return self._ticket(run)

    def touch(self, run):
        # type: (str) -> None
        """Make a run's ticket and lease as young as new ones."""
        for path in (self._ticket(run), self._lease(run)):
            try:
                os.utime(path)
            except OSError:  # it has the other one; or somebody removed it, and then there is nothing to keep
                continue

    def fingerprint(self):
        # type: () -> Tuple[int, ...]
        """Changes whenever a ticket, a lease or a cordon comes or goes: what a waiting run looks at often."""
        folders = (self._machine.queue, self._machine.leases, self._machine.lease_dir)
        return tuple(os.stat(folder).st_mtime_ns for folder in folders)

    def tickets(self):
        # type: () -> List[Dict[str, Any]]
        """The tickets of runs that still wait; those of the dead are removed."""
        return self._living(self._machine.queue)

    def lease_entries(self):
        # type: () -> List[Dict[str, Any]]
        """The leases of runs that still use them; those of the dead are removed."""
        return self._living(self._machine.leases)

    def _living(self, folder):
        # type: (str) -> List[Dict[str, Any]]
        found = []
        before, now = self._read.get(folder, {}), {}  # type: Dict[str, Known], Dict[str, Known]
        self._read[folder] = now
        for name in sorted(os.listdir(folder))[:MAX_ENTRIES]:
            run, suffix = os.path.splitext(name)
            if suffix != ".json" or not protocol.valid_run_id(run):
                continue
            path = os.path.join(folder, name)
            known = read_again(path, before.get(path))
            if known is None or known.entry.get("run") != run:
                continue
            now[path], entry = known, dict(known.entry)
            if known.owner != os.geteuid():
                # A path that another names may lie on a file system that never answers, and who waits here
                # holds the queue's lock. What has to be known of their run stands in the lease folder.
                entry["folder"] = ""
            if keeper_lives(self._machine, entry):
                found.append(entry)
            elif folder == self._machine.leases and tree_lives(self._machine, entry, self.tree(run)):
                self.orphans = True  # nobody looks after it, but its processes still sit on the devices
                found.append(entry)
            elif remove_if_allowed(path):
                remove_if_allowed(self.tree(run))
        return found

    def _ticket(self, run):
        # type: (str) -> str
        return os.path.join(self._machine.queue, run + ".json")

    def _lease(self, run):
        # type: (str) -> str
        return os.path.join(self._machine.leases, run + ".json")


def read_again(path, known):
    # type: (str, Optional[Known]) -> Optional[Known]
    """A ticket or lease: what is known where that still is the file of this name; None for no such."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    mark = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    if known is not None and known.mark == mark and stat.S_ISREG(found.st_mode):
        return known
    entry = read_entry(path)
    return None if entry is None else Known(mark, found.st_uid, entry)


def keeper_entry(machine, spec, folder, keepers):
    # type: (Machine, Dict[str, Any], str, Sequence[Identity]) -> Dict[str, Any]
    """What a ticket or lease says of what it is for and of who stands behind it. folder: "" for no run."""
    return {
        "name": str(spec.get("name") or ""),
        "experiment": str(spec.get("experiment") or ""),
        "by": str(spec.get("submitted_by") or ""),
        "timeout": spec.get("timeout"),
        "boot": machine.boot_id,
        "pidns": machine.pidns,
        "keepers": [list(keeper) for keeper in keepers],
        "folder": folder,
    }


def keeper_lives(machine, entry):
    # type: (Machine, Dict[str, Any]) -> bool
    """Whether guard or supervisor of a ticket or lease still runs."""
    if entry.get("boot") != machine.boot_id:
        return False
    if entry.get("pidns") != machine.pidns:  # pids mean nothing here, but locks reach over
        handle = try_lock(os.path.join(machine.locks, entry["run"]), shared=True)
        if handle is None:
            return True
        os.close(handle)
        return False
    return any(alive(*process) for process in pairs(entry.get("keepers")))


def tree_lives(machine, entry, shared):
    # type: (Machine, Dict[str, Any], str) -> bool
    """Whether processes of a run that lost guard and supervisor still run. shared: `Queue.tree` of it."""
    if entry.get("boot") != machine.boot_id or entry.get("pidns") != machine.pidns:
        return False
    folder = folder_of(entry)
    known = pairs((read_entry(shared) or {}).get("tree")) + (read_tree(folder) if folder else [])
    return any(alive(*process) for process in known)


def read_ticket(entry):
    # type: (Dict[str, Any]) -> leases.Ticket
    """A ticket as a value; what is missing or odd in the file counts as nothing wanted."""
    waited = time.monotonic() - checked_number(entry.get("since"), time.monotonic())
    folder = folder_of(entry)
    return leases.Ticket(
        run=entry["run"],
        order=int(checked_number(entry.get("order"), 0)),
        priority=int(checked_number(entry.get("priority"), 0)),
        gpus=int(checked_number(entry.get("gpus"), 0)),
        devices=_texts(entry.get("devices")),
        slots=int(checked_number(entry.get("slots"), 0)),
        hold=entry.get("hold") is True or (bool(folder) and os.path.exists(os.path.join(folder, "hold"))),
        waited=max(0.0, waited),
    )


def folder_of(entry):
    # type: (Dict[str, Any]) -> str
    """The folder of the run that a ticket or lease is of; empty where it is none's, as a shell's."""
    folder = entry.get("folder")
    if not isinstance(folder, str) or not os.path.isabs(folder) or "\0" in folder:
        return ""
    return folder


def read_lease(entry):
    # type: (Dict[str, Any]) -> leases.Lease
    """A lease as a value."""
    names = (str(entry.get("name") or "")[:100], str(entry.get("by") or "")[:100])
    return leases.Lease(entry["run"], _texts(entry.get("devices")), *names)


def read_entry(path):
    # type: (str) -> Optional[Dict[str, Any]]
    """A small file's object; None when it is gone or no object."""
    try:
        return read_object(path, MAX_ENTRY)
    except (OSError, ValueError):
        return None


def checked_number(value, default):
    # type: (Any, float) -> float
    """A number from a file that others may have written: a nan would break every run that waits here."""
    good = isinstance(value, (int, float)) and -MAX_NUMBER <= value <= MAX_NUMBER
    return value if good else default


def _texts(value):
    # type: (Any) -> Tuple[str, ...]
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
