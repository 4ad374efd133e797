"""The queue of this machine as anybody may see it: who runs, who waits, why and how long still."""

import os
import pwd
import time
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from workbench.remote.machine import Machine
from workbench.remote.queue import leases
from workbench.remote.queue.cordon import as_wire, read_cordon, why_closed
from workbench.remote.queue.expected_wait import Length, Wait, expected_waits, left, positions
from workbench.remote.queue.queue_files import Queue, checked_number, read_lease, read_ticket
from workbench.remote.queue.shared_files import owned

MOST = 5000  # entries that are told
ASKED = "asked"  # stands for a run that is not there yet; no run id looks like it
Entry = Dict[str, Any]


class QueueView(object):
    """One look at the queue. busy: devices nobody gets now, each with why (`leases.decide`)."""

    def __init__(self, machine, busy=leases.NONE_BUSY):
        # type: (Machine, Mapping[str, str]) -> None
        self._machine = machine
        self._queue = Queue(machine)
        self._busy = dict(busy)
        self._now = time.monotonic()
        self._held = self._queue.lease_entries()
        running = set(entry["run"] for entry in self._held)
        self._waiting = [entry for entry in self._queue.tickets() if entry["run"] not in running]
        self.cordon = read_cordon(machine)

    def listing(self):
        # type: () -> Dict[str, Any]
        """{"entries", "cordon"}: leases by their age first, then tickets in the queue's order."""
        tickets = self._line()
        by_run = {entry["run"]: entry for entry in self._waiting}
        reasons = self._queue.decided(self._waiting, self._held, self._busy).waits
        places = positions(tickets)
        waits = {} if self.cordon.on else self._expected(tickets)
        found = [self._lease(entry) for entry in sorted(self._held, key=_age)]
        for ticket in tickets:
            told = self._ticket(ticket, by_run[ticket.run])
            told["reason"] = reasons.get(ticket.run, "it starts now")[:1000]
            if ticket.run in places:
                told["position"] = places[ticket.run]
            told.update(_wait("expected_wait", waits.get(ticket.run)))
            found.append(told)
        return {"entries": found[:MOST], "cordon": as_wire(self.cordon)}

    def ask(self, gpus, devices, slots, priority, length):
        # type: (int, Sequence[str], int, int, Length) -> Dict[str, Any]
        """How a run would fare that came now.

        {"starts", "free", "usable", "ahead", "running", "reason", "expected_wait"?, "at_most"?}
        """
        last = 1 + max([ticket.order for ticket in self._line()] or [0])
        asked = leases.Ticket(ASKED, last, priority, gpus, tuple(devices), slots, False, 0.0)
        tickets = leases.in_order(self._line() + [asked])
        held = [read_lease(entry) for entry in self._held]
        closed = why_closed(self.cordon)
        decision = leases.decide(tickets, held, self._busy, self._names(), closed)
        taken = set(device for lease in held for device in lease.devices).union(self._busy)
        told = {
            "starts": ASKED in decision.starts,
            "free": len([device for device in devices if device not in taken]),
            "usable": len(devices),
            "ahead": tickets.index(asked),
            "running": len(held),
            "reason": decision.waits.get(ASKED, "")[:1000],
        }  # type: Dict[str, Any]
        if not closed:
            told.update(_wait("expected_wait", self._expected(tickets, {ASKED: length}).get(ASKED)))
        return told

    def devices_wanted(self):
        # type: () -> List[str]
        """The devices that waiting runs could use: of these it matters who else is on them."""
        return sorted(set(device for ticket in self._line() for device in ticket.devices))

    def look_past(self, busy):
        # type: (Mapping[str, str]) -> None
        """Take these devices for such as nobody gets, each with why."""
        self._busy = dict(busy)

    def _line(self):
        # type: () -> List[leases.Ticket]
        return leases.in_order(read_ticket(entry) for entry in self._waiting)

    def _names(self):
        # type: () -> Dict[str, str]
        return {entry["run"]: _text(entry, "name") for entry in self._waiting}

    def _expected(self, tickets, more=None):
        # type: (Sequence[leases.Ticket], Optional[Mapping[str, Length]]) -> Dict[str, Wait]
        lengths = {entry["run"]: length_of(entry) for entry in self._held + self._waiting}
        lengths.update(more or {})
        ran = {entry["run"]: self._ran(entry) for entry in self._held}
        held = [read_lease(entry) for entry in self._held]
        return expected_waits(tickets, held, lengths, ran, self._busy)

    def _ran(self, entry):
        # type: (Entry) -> float
        return max(0.0, self._now - checked_number(entry.get("granted"), self._now))

    def _common(self, entry, path):
        # type: (Entry, str) -> Dict[str, Any]
        return {
            "run": entry["run"],
            "kind": "shell" if entry.get("kind") == "shell" else "run",
            "name": _text(entry, "name"),
            "experiment": _text(entry, "experiment"),
            "by": _text(entry, "by"),
            "user": owner_of(path),
            "mine": owned(path),
            "gpus": int(checked_number(entry.get("gpus"), 0)),
            "priority": int(checked_number(entry.get("priority"), 0)),
        }

    def _lease(self, entry):
        # type: (Entry) -> Dict[str, Any]
        path = os.path.join(self._machine.leases, entry["run"] + ".json")
        told = dict(self._common(entry, path), state="running", devices=list(read_lease(entry).devices))
        if "granted" in entry:
            told.update(_wait("expected_left", left(length_of(entry), self._ran(entry))))
        return dict(told, **_since(entry, "started"))

    def _ticket(self, ticket, entry):
        # type: (leases.Ticket, Entry) -> Dict[str, Any]
        told = self._common(entry, self._queue.ticket_path(ticket.run))
        told.update(state="held" if ticket.hold else "waiting", waited=round(ticket.waited, 1))
        return dict(told, **_since(entry, "entered"))


def length_of(entry):
    # type: (Entry) -> Length
    """What a ticket or lease says of how long its run takes."""
    earlier = entry.get("earlier")
    known = [checked_number(item, -1) for item in earlier] if isinstance(earlier, list) else []
    limit = checked_number(entry.get("timeout"), -1)
    return Length([item for item in known[:100] if item >= 0], limit if limit >= 0 else None)


def owner_of(path):
    # type: (str) -> str
    """The login name of a file's owner; the number where it has no entry, empty when the file is gone."""
    try:
        uid = os.lstat(path).st_uid
    except OSError:
        return ""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _age(entry):
    # type: (Entry) -> Tuple[float, str]
    return (checked_number(entry.get("granted"), 0), entry["run"])


def _text(entry, name):
    # type: (Entry, str) -> str
    return str(entry.get(name) or "")[:100]


def _since(entry, name):
    # type: (Entry, str) -> Dict[str, float]
    moment = checked_number(entry.get(name), 0)
    return {"since": moment} if moment > 0 else {}


def _wait(name, wait):
    # type: (str, Optional[Wait]) -> Dict[str, Any]
    if wait is None:
        return {}
    return {name: round(wait.seconds, 1), "at_most": wait.at_most}
