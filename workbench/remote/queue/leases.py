"""Who may start next on a machine, with which GPUs, and why the others wait. Pure: values in, values out.

Order: priority, then the number drawn at submit. Where the first cannot start yet, later ones that fit may
go ahead (backfill) until the first has waited BACKFILL_SECONDS; from then on what it could use is kept free.
"""

from typing import Container, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

BACKFILL_SECONDS = 300.0
USED, SILENT, LOST = "used", "silent", "lost"
"""Why nobody gets a device: others use it, it does not answer, it fell off the bus."""
NONE_BUSY = {}  # type: Mapping[str, str]

# A run that waits. order: drawn at submit, lower is earlier. gpus: how many it wants. devices: those it may
# use, preferred first. slots: runs at once on the machine as its target says, 0 = no limit. waited: seconds.
Ticket = NamedTuple(
    "Ticket",
    [
        ("run", str),
        ("order", int),
        ("priority", int),
        ("gpus", int),
        ("devices", Tuple[str, ...]),
        ("slots", int),
        ("hold", bool),
        ("waited", float),
    ],
)

# A run that holds devices (maybe none: then it counts for slots only). name, by: for sentences.
Lease = NamedTuple("Lease", [("run", str), ("devices", Tuple[str, ...]), ("name", str), ("by", str)])

# starts: run -> the devices it may start with. waits: run -> why it waits, as a sentence.
Decision = NamedTuple("Decision", [("starts", Dict[str, Tuple[str, ...]]), ("waits", Dict[str, str])])


def decide(tickets, leases, busy=NONE_BUSY, names=None, cordon="", told=None):
    # type: (Iterable[Ticket], Sequence[Lease], Mapping[str, str], Optional[Dict[str, str]], str, Optional[Container[str]]) -> Decision
    """Which waiting runs may start now, and why each other one waits.

    busy: devices that nobody gets, each with why: USED, SILENT or LOST. names: what waiting runs are called
    in sentences, by id. cordon: why nobody may start here at all; empty when nothing is in the way.
    told: of whom it is to be said why they wait, which takes longer than all the rest; None: of all.
    """
    starts = {}  # type: Dict[str, Tuple[str, ...]]
    waits = {}  # type: Dict[str, str]
    taken = set(device for lease in leases for device in lease.devices)
    foreign = {device: why for device, why in busy.items() if device not in taken}
    kept = set()  # type: Set[str]
    in_line = []  # type: List[str]
    for ticket in in_order(tickets):
        if ticket.hold or cordon:
            waits[ticket.run] = "on hold" if ticket.hold else cordon
            continue
        says = told is None or ticket.run in told
        running = len(leases) + len(starts)
        free = [d for d in ticket.devices if d not in taken and d not in foreign and d not in kept]
        if in_line and ticket.slots:
            waits[ticket.run] = _behind(in_line) if says else ""
            in_line.append((names or {}).get(ticket.run) or ticket.run)
        elif ticket.slots and running >= ticket.slots:
            waits[ticket.run] = _no_slot(ticket, leases, running) if says else ""
            in_line.append((names or {}).get(ticket.run) or ticket.run)
        elif len(free) >= ticket.gpus:
            starts[ticket.run] = tuple(free[: ticket.gpus])
            taken.update(starts[ticket.run])
        else:
            waits[ticket.run] = _no_devices(ticket, leases, taken, foreign, kept) if says else ""
            if ticket.waited >= BACKFILL_SECONDS and len(ticket.devices) >= ticket.gpus:
                kept.update(ticket.devices)
    return Decision(starts, waits)


def in_order(tickets):
    # type: (Iterable[Ticket]) -> List[Ticket]
    """Tickets as the queue goes: priority, then the number drawn at submit."""
    return sorted(tickets, key=lambda ticket: (-ticket.priority, ticket.order, ticket.run))


def _behind(in_line):
    # type: (Sequence[str]) -> str
    """Who stays in front: the run right before this one, and how many before that."""
    more = len(in_line) - 1
    return "behind " + in_line[-1] + (" and %d more" % more if more else "")


def _no_slot(ticket, leases, running):
    # type: (Ticket, Sequence[Lease], int) -> str
    return "%s at once here, now %s" % (_count(ticket.slots, "run"), _names(leases) or running)


def _no_devices(ticket, leases, taken, foreign, kept):
    # type: (Ticket, Sequence[Lease], Iterable[str], Mapping[str, str], Iterable[str]) -> str
    wanted = _count(ticket.gpus, "GPU") + " wanted"
    if len(ticket.devices) < ticket.gpus:
        there = len(ticket.devices)
        return "%s, but %s can be used here" % (wanted, "only %d" % there if there else "none")
    mine = set(ticket.devices)
    free = mine - set(taken) - set(foreign) - set(kept)
    text = "%s, %d free" % (wanted, len(free))
    text += _holders([lease for lease in leases if mine.intersection(lease.devices)])
    text += unusable([foreign[device] for device in mine.intersection(foreign)])
    reserved = len(mine.intersection(kept) - set(taken) - set(foreign))
    if reserved:
        text += ", %d kept for a run that waits longer" % reserved
    return text


def unusable(reasons):
    # type: (Sequence[str]) -> str
    """Why devices are not to be had, as the end of a sentence; empty for none. reasons: USED ..."""
    used, silent, lost = [reasons.count(why) for why in (USED, SILENT, LOST)]
    text = ", %s in use outside the queue" % _count(used, "GPU") if used else ""
    if silent:
        text += ", %s %s not answer" % (_count(silent, "GPU"), "does" if silent == 1 else "do")
    return text + (", %s fell off the bus" % _count(lost, "GPU") if lost else "")


def _holders(leases):
    # type: (Sequence[Lease]) -> str
    names = _names(leases)
    return ", held by " + names if names else ""


def _names(leases):
    # type: (Sequence[Lease]) -> str
    """The runs that hold something, the first three by name; empty for none."""
    names = ["%s (%s)" % (lease.name or lease.run, lease.by) if lease.by else lease.name for lease in leases]
    more = len(names) - 3
    return ", ".join(names[:3]) + (" and %d more" % more if more > 0 else "")


def _count(number, noun):
    # type: (int, str) -> str
    return "%d %s%s" % (number, noun, "" if number == 1 else "s")


def resolve_devices(wanted, found):
    # type: (Sequence[object], Sequence[str]) -> Tuple[str, ...]
    """The devices a run may use, preferred first.

    wanted: the target's choice by UUID, its beginning, or index; empty = all found; MIG instances by their
    whole UUID. found: UUIDs the
    machine's driver lists, in bus order; empty = no driver, and then the choice stands as it is written.
    """
    if not wanted:
        return tuple(found)
    chosen = []  # type: List[str]
    for item in wanted:
        text = str(item)
        if not text or len(text) > 200 or not text.isprintable() or "," in text:
            continue
        if text.startswith("MIG-"):
            matches = [text]  # an instance of a card; the driver's own files list whole cards only
        elif found and text.isdecimal():
            matches = [found[int(text)]] if int(text) < len(found) else []
        elif found:
            matches = [device for device in found if device.startswith(text)]
        else:
            matches = [text]
        chosen.extend(device for device in matches if device not in chosen)
    return tuple(chosen)
