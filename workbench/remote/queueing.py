"""A run's wait for its GPUs and its slot."""

import os
import time
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from workbench.remote.devices import busy_devices
from workbench.remote.leases import Ticket
from workbench.remote.machine import Machine
from workbench.remote.queue_files import GONE, Queue, keeper_entry
from workbench.remote.reconcile import reconcile
from workbench.remote.run_status import Status, identity_of
from workbench.remote.runfolder import RunFolder

LOOK = 0.2  # seconds between two looks at the queue's folders
AGAIN = 2.0  # seconds after which it is decided anew though nothing seems to have changed
CONTENDED = 0.02  # seconds to wait while another decides
SETTLE_AGAIN = 10.0  # seconds between two tries to settle runs that nobody looks after
FRESH = 3600.0  # seconds between two touches of our files: cleaners of /var/tmp take what is weeks old
BUSY_FRESH = 5.0  # seconds for which it is believed who uses the GPUs outside the queue


class Waiting(object):
    """One run in the queue: its ticket, and after that its lease.

    reason: why it waits, as a sentence. pause: seconds to the next look.
    """

    def __init__(self, machine, folder, spec, devices, earlier=()):
        # type: (Machine, RunFolder, Dict[str, Any], Sequence[str], Sequence[float]) -> None
        self.reason = ""
        self.pause = LOOK
        self._fresh_until = 0.0
        self._machine = machine
        self._folder = folder
        self._spec = spec
        self._devices = tuple(devices)
        self._earlier = list(earlier)  # seconds that runs like it took
        self._queue = Queue(machine)
        self._status = {}  # type: Status
        self._seen = ()  # type: Tuple[int, ...]
        self._again = 0.0
        self._busy = ()  # type: Tuple[str, ...]
        self._busy_until = 0.0
        self._settle_at = 0.0

    def enter(self, status):
        # type: (Status) -> None
        """Take the place in the queue that was drawn at submit."""
        spec = self._spec
        self._status = status
        guard, supervisor = identity_of(status, "guard"), identity_of(status, "supervisor")
        number = status.get("ticket")
        ticket = Ticket(
            run=self._folder.run_id,
            order=number if isinstance(number, int) else self._queue.draw_number(),
            priority=self._folder.priority(spec),
            gpus=int(spec.get("gpus") or 0),
            devices=self._devices,
            slots=int(spec.get("slots") or 0),
            hold=self._held(),
            waited=0.0,
        )
        assert guard is not None, "the supervisor writes who both are before it does anything"
        assert supervisor is not None, "likewise"
        keeper = keeper_entry(self._machine, spec, self._folder.path, (guard, supervisor))
        self._queue.enter(ticket, dict(keeper, earlier=self._earlier))

    def _held(self):
        # type: () -> bool
        """Whether the marker in the run's folder says that it stays queued."""
        return os.path.exists(self._folder.hold)

    def attempt(self, aside):
        # type: (Callable[[Callable[[], Dict[str, Any]]], Dict[str, Any]]) -> Optional[List[str]]
        """The devices when it may start now, else None. aside: runs a slow function in a child."""
        run = self._folder.run_id
        self._seen = self._queue.fingerprint()
        self._again = time.monotonic() + AGAIN
        if self._devices and time.monotonic() >= self._busy_until and self._queue.may_start(run):
            found = aside(lambda: {"busy": list(busy_devices(self._devices))}).get("busy")
            self._busy = tuple(found or ())
            self._busy_until = time.monotonic() + BUSY_FRESH
        if self._queue.orphans and time.monotonic() >= self._settle_at:
            self._settle_at = time.monotonic() + SETTLE_AGAIN
            self._queue.orphans = False
            aside(lambda: {"settled": reconcile(self._machine)})
        outcome = self._queue.attempt(run, self._busy, self._held())
        if outcome is None:
            self._again, self.pause = time.monotonic() + CONTENDED, CONTENDED
            return None
        devices, self.reason = outcome
        self.pause = LOOK
        if devices is None and self.reason == GONE:
            self.enter(self._status)
        return None if devices is None else list(devices)

    def should_look(self):
        # type: () -> bool
        """Whether the queue may have changed since the last attempt."""
        return time.monotonic() >= self._again or self._queue.fingerprint() != self._seen

    def keep_fresh(self):
        # type: () -> None
        """Keep our ticket or lease from looking like litter; cheap, so it may be called all the time."""
        if time.monotonic() >= self._fresh_until:
            self._fresh_until = time.monotonic() + FRESH
            self._queue.touch(self._folder.run_id)

    def release(self):
        # type: () -> None
        """Leave the queue, or give the lease back."""
        self._queue.release(self._folder.run_id)
