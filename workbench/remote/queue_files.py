"""The queue of one machine as files: a ticket for each run that waits, a lease for each that runs.

Every file names the processes it stands for, so those of the dead are found and removed by whoever looks.
There is no master: each waiting supervisor takes the one lock, makes the same decision and starts itself.
"""

import os
import time
from typing import Any, Dict, List, Optional, Sequence, Tuple

from workbench.remote import leases, protocol
from workbench.remote.filelock import lock, share_with_group, try_lock
from workbench.remote.machine import Machine
from workbench.remote.processes import Identity, alive
from workbench.remote.runfolder import RunFolder, pairs, read_object, read_tree, remove_quietly, write_whole

MAX_ENTRY = 1 << 20
MAX_NUMBER = 1 << 53
MAX_ENTRIES = 10000


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

    def draw_number(self):
        # type: () -> int
        """The next place in the queue: larger than every number drawn before. Raises TimeoutError."""
        handle = lock(self._lock)
        try:
            last = (read_entry(self._counter) or {}).get("last", 0)
            number = last + 1 if isinstance(last, int) else 1
            self._write(self._counter, {"last": number})
            return number
        finally:
            os.close(handle)

    def enter(self, ticket, keeper):
        # type: (leases.Ticket, Dict[str, Any]) -> None
        """Leave a run's ticket. keeper: what `keeper_entry` gives."""
        since = time.monotonic() - ticket.waited
        self._write(self._ticket(ticket.run), dict(ticket._asdict(), since=since, **keeper))

    def attempt(self, run, busy=()):
        # type: (str, Sequence[str]) -> Optional[Tuple[Optional[Tuple[str, ...]], str]]
        """Try to start a waiting run: (its devices, "") when it may, (None, why it waits) when not yet.

        With devices its ticket has become its lease. None: another is deciding just now, try again soon.
        """
        handle = try_lock(self._lock)
        if handle is None:
            return None
        try:
            tickets = self.tickets()
            entries = self.lease_entries()
            held = [lease for lease in (read_lease(entry) for entry in entries) if lease.run != run]
            names = {entry["run"]: str(entry.get("name") or "")[:100] for entry in tickets}
            decision = leases.decide([read_ticket(entry) for entry in tickets], held, busy, names)
            if run not in decision.starts:
                return (None, decision.waits.get(run, "its ticket is gone"))
            devices = decision.starts[run]
            mine = [entry for entry in tickets if entry["run"] == run][0]
            self._write(self._lease(run), dict(mine, devices=list(devices)))
            remove_quietly(self._ticket(run))
            return (devices, "")
        finally:
            os.close(handle)

    def may_start(self, run):
        # type: (str) -> bool
        """Whether it would start if nobody outside the queue used its devices; nothing is taken."""
        tickets = [read_ticket(entry) for entry in self.tickets()]
        held = [read_lease(entry) for entry in self.lease_entries()]
        return run in leases.decide(tickets, held).starts

    def release(self, run):
        # type: (str) -> None
        """Give up a run's ticket and lease; repeated is fine."""
        remove_quietly(self._ticket(run))
        remove_quietly(self._lease(run))

    def touch(self, run):
        # type: (str) -> None
        """Make a run's ticket and lease as young as new ones."""
        for path in (self._ticket(run), self._lease(run)):
            try:
                os.utime(path)
            except OSError:  # it has the other one; or somebody removed it, and then there is nothing to keep
                continue

    def fingerprint(self):
        # type: () -> Tuple[int, int]
        """Changes whenever a ticket or lease comes or goes: what a waiting run looks at often."""
        folders = (self._machine.queue, self._machine.leases)
        return (os.stat(folders[0]).st_mtime_ns, os.stat(folders[1]).st_mtime_ns)

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
        for name in sorted(os.listdir(folder))[:MAX_ENTRIES]:
            run, suffix = os.path.splitext(name)
            if suffix != ".json" or not protocol.valid_run_id(run):
                continue
            path = os.path.join(folder, name)
            entry = read_entry(path)
            if entry is None or entry.get("run") != run:
                continue
            if keeper_lives(self._machine, entry):
                found.append(entry)
            elif folder == self._machine.leases and tree_lives(self._machine, entry):
                self.orphans = True  # nobody looks after it, but its processes still sit on the devices
                found.append(entry)
            else:
                remove_quietly(path)
        return found

    def _ticket(self, run):
        # type: (str) -> str
        return os.path.join(self._machine.queue, run + ".json")

    def _lease(self, run):
        # type: (str) -> str
        return os.path.join(self._machine.leases, run + ".json")

    def _write(self, path, entry):
        # type: (str, Dict[str, Any]) -> None
        write_whole(path, protocol.dumps(entry))
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            share_with_group(path, handle)
        finally:
            os.close(handle)


def keeper_entry(machine, spec, folder, guard, supervisor):
    # type: (Machine, Dict[str, Any], RunFolder, Identity, Identity) -> Dict[str, Any]
    """What a ticket or lease says of who stands behind it."""
    return {
        "name": str(spec.get("name") or ""),
        "by": str(spec.get("submitted_by") or ""),
        "boot": machine.boot_id,
        "pidns": machine.pidns,
        "keepers": [list(guard), list(supervisor)],
        "folder": folder.path,
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


def tree_lives(machine, entry):
    # type: (Machine, Dict[str, Any]) -> bool
    """Whether processes of a run that lost guard and supervisor still run."""
    if entry.get("boot") != machine.boot_id or entry.get("pidns") != machine.pidns:
        return False
    return any(alive(*process) for process in read_tree(str(entry.get("folder"))))


def read_ticket(entry):
    # type: (Dict[str, Any]) -> leases.Ticket
    """A ticket as a value; what is missing or odd in the file counts as nothing wanted."""
    waited = time.monotonic() - _number(entry.get("since"), time.monotonic())
    return leases.Ticket(
        run=entry["run"],
        order=int(_number(entry.get("order"), 0)),
        priority=int(_number(entry.get("priority"), 0)),
        gpus=int(_number(entry.get("gpus"), 0)),
        devices=_texts(entry.get("devices")),
        slots=int(_number(entry.get("slots"), 0)),
        hold=os.path.exists(os.path.join(str(entry.get("folder")), "hold")),
        waited=max(0.0, waited),
    )


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


def _number(value, default):
    # type: (Any, float) -> float
    # Written by others where the folder is shared: a nan would break every run that waits here.
    good = isinstance(value, (int, float)) and -MAX_NUMBER <= value <= MAX_NUMBER
    return value if good else default


def _texts(value):
    # type: (Any) -> Tuple[str, ...]
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
