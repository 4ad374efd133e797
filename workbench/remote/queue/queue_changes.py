"""Changing the queue of this machine: holding, releasing, moving runs, and their priority.

A user changes the places of the own runs only: those of others stay where they are, whatever is moved.
"""

import os
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.queue import leases
from workbench.remote.queue.queue_files import Queue, read_ticket
from workbench.remote.queue.shared_files import owned
from workbench.remote.runs import run_status
from workbench.remote.runs.runfolder import RunFolder, remove_quietly, write_whole
from workbench.remote.wire.problems import RequestError

FIRST, LAST, BEFORE, AFTER = "first", "last", "before", "after"
PLACES = (FIRST, LAST, BEFORE, AFTER)

# changed: ids. refused: id -> why not, as a sentence.
Outcome = NamedTuple("Outcome", [("changed", List[str]), ("refused", Dict[str, str])])
Ticket = Dict[str, Any]


def hold(machine, runs):
    # type: (Machine, Sequence[str]) -> Outcome
    """Keep runs from starting until they are released; one that runs already is refused."""

    def change(folder, ticket):
        # type: (RunFolder, Optional[Ticket]) -> Optional[Ticket]
        write_whole(folder.hold, b"")
        return None if ticket is None else dict(ticket, hold=True)

    return _each(machine, runs, change)


def release(machine, runs):
    # type: (Machine, Sequence[str]) -> Outcome
    """Let runs start again that were on hold."""

    def change(folder, ticket):
        # type: (RunFolder, Optional[Ticket]) -> Optional[Ticket]
        remove_quietly(folder.hold)
        return None if ticket is None else dict(ticket, hold=False)

    return _each(machine, runs, change)


def set_priority(machine, runs, priority):
    # type: (Machine, Sequence[str], int) -> Outcome
    """Have runs go by another priority; higher goes first. It stays theirs in later attempts."""

    def change(folder, ticket):
        # type: (RunFolder, Optional[Ticket]) -> Optional[Ticket]
        folder.write_priority(priority)
        return None if ticket is None else dict(ticket, priority=priority)

    return _each(machine, runs, change)


def move(machine, runs, place, other=None):
    # type: (Machine, Sequence[str], str, Optional[str]) -> Outcome
    """Put waiting runs first, last, or before or after another waiting run of this user.

    Raises RequestError when the other is not one of them.
    """
    queue = Queue(machine)
    handle = queue.locked()
    try:
        entries = {entry["run"]: entry for entry in queue.tickets() if owned(queue.ticket_path(entry["run"]))}
        line = leases.in_order(read_ticket(entry) for entry in entries.values())
        refused = {run: _why_unmovable(machine, run) for run in runs if run not in entries}
        if place in (BEFORE, AFTER) and other not in entries:
            why = "%s is no run of yours that waits here" % other
            raise RequestError("refused", why, "wb queue shows who waits")
        moved, others = reordered(line, [run for run in runs if run in entries], place, other)
        refused.update(others)
        for run, order in moved.items():
            if entries[run].get("order") != order:
                queue.write_ticket(dict(entries[run], order=order))
        return Outcome([run for run in runs if run not in refused], refused)
    finally:
        os.close(handle)


def reordered(line, runs, place, other=None):
    # type: (Sequence[leases.Ticket], Sequence[str], str, Optional[str]) -> Tuple[Dict[str, int], Dict[str, str]]
    """The new numbers of one user's tickets, and why some could not be moved. Pure.

    line: the user's tickets in the queue's order. They exchange their numbers among each other, so that
    nobody else's run is passed that was not passed before. runs keep the order they are named in.
    """
    priority = {ticket.run: ticket.priority for ticket in line}
    refused = {}  # type: Dict[str, str]
    numbers = {}  # type: Dict[str, int]
    for level in sorted(set(priority.values())):
        level_line = [ticket for ticket in line if ticket.priority == level]
        chosen = [run for run in runs if priority[run] == level and run != other]
        if place in (BEFORE, AFTER) and other is not None and priority[other] != level:
            words = "its priority is %d, that of the other %d: priority goes first" % (level, priority[other])
            refused.update((run, words) for run in chosen)
            continue
        rest = [ticket.run for ticket in level_line if ticket.run not in chosen]
        at = {FIRST: 0, LAST: len(rest)}.get(place, -1)
        if at < 0 and other is not None:
            at = rest.index(other) + (1 if place == AFTER else 0)
        line_after = rest[:at] + chosen + rest[at:]
        numbers.update(zip(line_after, [ticket.order for ticket in level_line]))
    return numbers, refused


def _each(machine, runs, change):
    # type: (Machine, Sequence[str], Callable[[RunFolder, Optional[Ticket]], Optional[Ticket]]) -> Outcome
    """Change each run that has not started; under the queue's lock, so that none starts meanwhile."""
    queue = Queue(machine)
    outcome = Outcome([], {})
    handle = queue.locked()
    try:
        tickets = {entry["run"]: entry for entry in queue.tickets()}
        holders = set(entry["run"] for entry in queue.lease_entries())
        for run in runs:
            folder = RunFolder(machine, run)
            why = _why_settled(folder, run in holders)
            if why:
                outcome.refused[run] = why
                continue
            ticket = change(folder, tickets.get(run))
            if ticket is not None:
                queue.write_ticket(ticket)
            outcome.changed.append(run)
    finally:
        os.close(handle)
    return outcome


def _why_settled(folder, holds):
    # type: (RunFolder, bool) -> str
    """Why a run's place in the queue is no question any more; empty while it waits or is on its way to it."""
    try:
        status = folder.read_status()
    except ValueError:
        status = None
    if status is None:
        return "it is not on this machine"
    state = run_status.state_of(status)
    if state in protocol.TERMINAL:
        return "it is over"
    if holds or state not in (protocol.NOT_STARTED, protocol.PREPARING, protocol.QUEUED):
        return "it runs already"
    return ""


def _why_unmovable(machine, run):
    # type: (Machine, str) -> str
    """Why a run cannot be moved."""
    why = _why_settled(RunFolder(machine, run), os.path.exists(os.path.join(machine.leases, run + ".json")))
    return why or "it does not wait yet: it is still being prepared"
