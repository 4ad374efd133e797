"""One run's folder on the machine: its paths, its claim, and writing small files so that a crash or a full
disk leaves the old or the new content, never half of it."""

import binascii
import json
import os
import stat
import time
from typing import Any, Dict, List, Optional

from workbench.remote.disk.mounts import file_system
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.processes.process_trees import Identity
from workbench.remote.runs.run_status import is_terminal
from workbench.remote.wire.problems import DISK_FULL

NEARLY_FULL = 65536  # bytes
MAX_TREE = 1 << 20
MAX_PID = 1 << 31
# File systems that write every change elsewhere: even an unlink needs room, more so under a quota of theirs.
COPYING = ("btrfs", "zfs", "bcachefs")
COPYING_RESERVE = 1 << 20  # bytes


class RunFolder(object):
    """runs/<id> of a machine. Raises ValueError for what is no run id: only those become part of a path."""

    def __init__(self, machine, run_id):
        # type: (Machine, str) -> None
        if not protocol.valid_run_id(run_id):
            raise ValueError("not a run id: %.60r" % (run_id,))
        self.run_id = run_id
        self.path = os.path.join(machine.runs, run_id)
        self.spec = self.inside("spec.json")
        self.status = self.inside("status.json")
        self.cancel = self.inside("cancel")
        self.hold = self.inside("hold")  # a marker: it stays queued while this exists
        self.withdraw = self.inside("withdraw")  # a marker: taken back, unless it has started
        self.place = self.inside("place.json")  # what was changed of its place in the queue: {"priority": n}
        self.tree = self.inside("tree.json")  # [[pid, start], ...] of the run's processes, for reconcile
        self.reserve = self.inside("reserve")
        self.code = self.inside("code")
        self.outputs = self.inside("outputs")
        self.logs = self.inside("logs")
        self.records = self.inside("records")
        self.lock = os.path.join(machine.locks, run_id)

    def inside(self, name):
        # type: (str) -> str
        """The path of a name of ours in this folder."""
        return os.path.join(self.path, name)

    def claim(self):
        # type: () -> bool
        """Make the folder; False when it was there: of many who submit one id exactly one gets True."""
        try:
            os.mkdir(self.path, 0o700)
        except FileExistsError:
            return False
        return True

    def furnish(self):
        # type: () -> None
        """Make what every run has inside; what is there is kept, so it may be repeated."""
        for folder in (self.outputs, self.logs, self.records):
            os.makedirs(folder, 0o755, exist_ok=True)
        self.make_reserve()

    def make_reserve(self):
        # type: () -> None
        """Set bytes aside for the last status of a run that filled its disk."""
        if not os.path.exists(self.reserve):
            size = COPYING_RESERVE if file_system(self.path) in COPYING else protocol.RESERVE_BYTES
            # Random: no disk compresses it away. Not synced: it has its room, and a reboot ends the run.
            write_whole(self.reserve, os.urandom(size), sync=False)

    def drop_reserve(self):
        # type: () -> None
        """Give the reserve back: the last status is written. Raises OSError."""
        remove_quietly(self.reserve)

    def read_spec(self):
        # type: () -> Optional[Dict[str, Any]]
        """The spec, None when it was never written; raises ValueError when it cannot be read."""
        return read_object(self.spec, protocol.MAX_SPEC)

    def write_spec(self, spec):
        # type: (Dict[str, Any]) -> None
        """Raises ValueError when it is larger than MAX_SPEC."""
        body = protocol.dumps(spec)
        if len(body) > protocol.MAX_SPEC:
            raise ValueError("the spec is larger than %d bytes" % protocol.MAX_SPEC)
        write_whole(self.spec, body)

    def read_status(self):
        # type: () -> Optional[Dict[str, Any]]
        """The status, None when it was never written; raises ValueError when it cannot be read."""
        return read_object(self.status, protocol.MAX_STATUS)

    def write_status(self, status):
        # type: (Dict[str, Any]) -> None
        """Replace the status; on a full disk by way of the reserve, which can be done again and again.

        Where that is no way to save room the reserve is given up, for the last status alone: until then the
        run would take what becomes free. Raises OSError when that is not enough, or the folder is gone.
        """
        body = protocol.dumps(status) + b"\n"
        try:
            write_whole(self.status, body)
        except OSError as error:
            if error.errno not in DISK_FULL or not os.path.exists(self.reserve):
                raise
            try:
                swapped = self._swap_in(body)
            except OSError as again:
                if again.errno not in DISK_FULL:
                    raise
                swapped = False
            if not swapped:
                if not is_terminal(status):
                    raise
                remove_quietly(self.reserve)
                write_whole(self.status, body)

    def _swap_in(self, body):
        # type: (bytes) -> bool
        """Write into the reserve's own blocks and make it the status; the old status is the reserve then.

        Nothing is allocated, so a run that fills its disk as fast as it can takes nothing away in between.
        False for a reserve that is there to be given up.
        """
        handle = os.open(self.reserve, os.O_WRONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(handle).st_size
            if size > protocol.RESERVE_BYTES:
                return False
            write_all(handle, body.ljust(size))
            os.fsync(handle)
        finally:
            os.close(handle)
        spare = self.reserve + ".spare"
        remove_quietly(spare)
        try:
            os.link(self.status, spare)
        except OSError:  # no hard links here: this time the reserve is used up
            os.rename(self.reserve, self.status)
            return True
        os.rename(self.reserve, self.status)
        os.rename(spare, self.reserve)
        return True

    def no_room(self):
        # type: () -> int
        """ENOSPC or EDQUOT when not even NEARLY_FULL bytes more fit in here, else 0.

        It is tried: what a user's quota leaves, no file system tells.
        """
        trial = self.inside("trial")
        try:
            write_whole(trial, os.urandom(NEARLY_FULL))
            remove_quietly(trial)
        except OSError as error:
            return error.errno if error.errno in DISK_FULL else 0
        return 0

    def heartbeat(self):
        # type: () -> None
        """Say "alive" by the status file's time, in this machine's own clock even on a network disk."""
        now = time.time()
        os.utime(self.status, (now, now))

    def heartbeat_age(self):
        # type: () -> float
        """Seconds since the last heartbeat by this machine's clock; raises OSError without a status."""
        return time.time() - os.stat(self.status).st_mtime

    def mark_cancel(self, grace):
        # type: (Optional[float]) -> None
        """Leave the marker that asks for cancelling; the first one's grace counts."""
        if not os.path.exists(self.cancel):
            try:
                write_whole(self.cancel, protocol.dumps({"grace": grace, "time": time.time()}))
            except OSError as error:
                if error.errno not in DISK_FULL:
                    raise
                open(self.cancel, "ab").close()  # an empty marker asks as well, and fits any disk

    def cancel_grace(self):
        # type: () -> Optional[float]
        """The grace a marker asks for; None when it names none."""
        try:
            grace = (read_object(self.cancel, 4096) or {}).get("grace")
        except ValueError:
            return None
        return float(grace) if isinstance(grace, (int, float)) else None

    def grace(self, spec):
        # type: (Optional[Dict[str, Any]]) -> float
        """Seconds between TERM and KILL: what the cancelling asks for, else the spec, else ours."""
        chosen = self.cancel_grace()
        if chosen is None:
            chosen = (spec or {}).get("grace")
        return protocol.DEFAULT_GRACE if not isinstance(chosen, (int, float)) else max(0.0, float(chosen))

    def priority(self, spec):
        # type: (Dict[str, Any]) -> int
        """Its priority in the queue: what it was changed to, else what was asked for."""
        try:
            changed = (read_object(self.place, 4096) or {}).get("priority")
        except (OSError, ValueError):
            changed = None
        return changed if isinstance(changed, int) else int(spec.get("priority") or 0)

    def write_priority(self, priority):
        # type: (int) -> None
        """Have it go by another priority from now on. Raises OSError."""
        write_whole(self.place, protocol.dumps({"priority": priority}))

    def write_tree(self, processes):
        # type: (List[Identity]) -> None
        """Keep which processes are the run's, for who finds them when guard and supervisor are gone."""
        body = json.dumps([list(process) for process in processes]).encode("ascii")
        write_whole(self.tree, body, sync=False)  # of use only while this boot lasts

    def read_tree(self):
        # type: () -> List[Identity]
        """The processes last kept; empty when there are none to be read."""
        return read_tree(self.path)


def read_tree(folder):
    # type: (str) -> List[Identity]
    """The processes that a run's folder says are the run's; empty when there are none to be read."""
    try:
        body = read_ordinary(os.path.join(folder, "tree.json"), MAX_TREE)
        return pairs(json.loads(body.decode("ascii")))
    except (OSError, ValueError, RecursionError):
        return []


def pairs(value):
    # type: (Any) -> List[Identity]
    """The well-formed (pid, start) pairs of a list from a file, which may be another user's."""
    items = value if isinstance(value, list) else []
    return [
        (item[0], item[1])
        for item in items
        if isinstance(item, list) and len(item) == 2 and all(isinstance(number, int) for number in item)
        if 1 < item[0] < MAX_PID
    ]


def write_whole(path, body, sync=True, mode=0o600):
    # type: (str, bytes, bool, int) -> None
    """Replace a file's content: written beside it, synced, renamed. After an OSError the old one is there.

    mode: its permissions, which it has before it has its name.
    """
    partial = "%s.%s.partial" % (path, binascii.hexlify(os.urandom(6)).decode("ascii"))
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            if mode != 0o600:
                os.fchmod(handle, mode)
            write_all(handle, body)
            if sync:
                os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(partial, path)
    except BaseException:
        remove_quietly(partial)
        raise


def write_all(handle, body):
    # type: (int, bytes) -> None
    """Write all of it to a descriptor."""
    view = memoryview(body)
    while view:
        view = view[os.write(handle, view) :]


def read_object(path, limit):
    # type: (str, int) -> Optional[Dict[str, Any]]
    """A JSON object from a file of at most `limit` bytes; None when there is no file, else ValueError."""
    try:
        return protocol.loads(read_ordinary(path, limit))
    except FileNotFoundError:
        return None


def read_ordinary(path, limit):
    # type: (str, int) -> bytes
    """A file of at most `limit` bytes. Raises OSError, ValueError when it is larger or no ordinary file."""
    # Without O_NONBLOCK a pipe somebody laid there would hold us up for ever.
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("%s is no ordinary file" % path)
        body = file.read(limit + 1)
    if len(body) > limit:
        raise ValueError("%s is larger than %d bytes" % (path, limit))
    return body


def remove_quietly(path):
    # type: (str) -> bool
    """Remove a file; False when it was not there to be removed."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
