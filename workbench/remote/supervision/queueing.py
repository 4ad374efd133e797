"""Waiting in the queue for GPUs and a slot: of a run, by its supervisor, or of a shell, by its link."""

import os
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from workbench.remote.machine import Machine
from workbench.remote.processes.process_trees import Identity
from workbench.remote.queue.foreign_use import busy_devices, limits_of
from workbench.remote.queue.leases import Ticket
from workbench.remote.queue.queue_files import GONE, Queue, keeper_entry
from workbench.remote.runs.run_status import Status, identity_of
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.supervision.reconcile import reconcile

LOOK = 0.2  # seconds between two looks at the queue's folders
AGAIN = 2.0  # seconds after which it is decided anew though nothing seems to have changed
CONTENDED = 0.02  # seconds to wait while another decides
SETTLE_AGAIN = 10.0  # seconds between two tries to settle runs that nobody looks after
FRESH = 3600.0  # seconds between two touches of our files: cleaners of /var/tmp take what is weeks old
BUSY_FRESH = 5.0  # seconds for which it is believed who uses the GPUs outside the queue
BUSY_AGAIN = 1.5  # the same while that alone is in the way: a card takes a moment to be seen as free

Aside = Callable[[Callable[[], Dict[str, Any]]], Dict[str, Any]]


class Waiting(object):
    """One who waits: its ticket, and after that its lease.

    foreign: which of the devices nobody gets, each with why. held: whether it is to stay where it is.
    reason: why it waits, as a sentence. pause: seconds to the next look.
    """

    def __init__(self, machine, run, devices, foreign, held):
        # type: (Machine, str, Sequence[str], Callable[[], Mapping[str, str]], Callable[[], bool]) -> None
        self.reason = ""
        self.pause = LOOK
        self._fresh_until = 0.0
        self._machine = machine
        self._run = run
        self._devices = tuple(devices)
        self._foreign = foreign
        self._held = held
        self._queue = Queue(machine)
        self._place = None  # type: Optional[Tuple[Ticket, Dict[str, Any]]]
        self._seen = ()  # type: Tuple[int, ...]
        self._again = 0.0
        self._busy = {}  # type: Dict[str, str]
        self._busy_until = 0.0
        self._settle_at = 0.0

    def enter(self, spec, priority, number, keeper):
        # type: (Mapping[str, Any], int, Optional[int], Dict[str, Any]) -> None
        """Take a place in the queue: the one of that number, or a new one at its end.

        keeper: what `keeper_entry` says of who stands behind it, and what else others may know of it.
        """
        ticket = Ticket(
            run=self._run,
            order=self._queue.draw_number() if number is None else number,
            priority=priority,
            gpus=int(spec.get("gpus") or 0),
            devices=self._devices,
            slots=int(spec.get("slots") or 0),
            hold=self._held(),
            waited=0.0,
        )
        self._place = (ticket, keeper)
        self._queue.enter(ticket, keeper)

    def attempt(self, aside):
        # type: (Aside) -> Optional[List[str]]
        """The devices when it may start now, else None. aside: runs a slow function elsewhere."""
        self._seen = self._queue.fingerprint()
        self._again = time.monotonic() + AGAIN
        if self._devices and time.monotonic() >= self._busy_until and self._queue.may_start(self._run):
            found = aside(lambda: {"busy": dict(self._foreign())}).get("busy")
            self._busy = dict(found or {})
            self._busy_until = time.monotonic() + (BUSY_AGAIN if self._busy else BUSY_FRESH)
        if self._queue.orphans and time.monotonic() >= self._settle_at:
            self._settle_at = time.monotonic() + SETTLE_AGAIN
            self._queue.orphans = False
            aside(lambda: {"settled": reconcile(self._machine)})
        outcome = self._queue.attempt(self._run, self._busy, self._held())
        if outcome is None:
            self._again, self.pause = time.monotonic() + CONTENDED, CONTENDED
            return None
        devices, self.reason = outcome
        self.pause = LOOK
        if devices is None and self.reason == GONE and self._place is not None:
            self._queue.enter(*self._place)  # somebody cleaned up
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
            self._queue.touch(self._run)

    def release(self):
        # type: () -> None
        """Leave the queue, or give the lease back."""
        self._queue.release(self._run)


def wait_as_run(machine, folder, spec, status, prepared):
    # type: (Machine, RunFolder, Dict[str, Any], Status, Dict[str, Any]) -> Waiting
    """A run takes the place in the queue that was drawn at its submit. prepared: as `prepare` has it."""
    guard, supervisor = identity_of(status, "guard"), identity_of(status, "supervisor")
    assert guard is not None, "the supervisor writes who both are before it does anything"
    assert supervisor is not None, "likewise"
    keepers = (guard, supervisor)  # type: Tuple[Identity, ...]
    devices, limits = prepared["devices"], limits_of(spec)
    waiting = Waiting(
        machine,
        folder.run_id,
        devices,
        lambda: busy_devices(devices, limits),
        lambda: os.path.exists(folder.hold),
    )
    number = status.get("ticket")
    keeper = dict(keeper_entry(machine, spec, folder.path, keepers), earlier=prepared["earlier"])
    waiting.enter(spec, folder.priority(spec), number if isinstance(number, int) else None, keeper)
    return waiting
