"""How long a waiting run will probably wait still, guessed from how long others took. Pure.

The queue is played forward: runs end when runs like them did, or at their maximum duration, and whoever may
start then starts. What nobody can tell stays open: a run behind one of unknown length has no guess.
"""

from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from workbench.remote.queue.leases import NONE_BUSY, Lease, Ticket, decide, in_order

STEPS = 500  # ends of runs that are played forward
LINE = 150  # of those that wait: it is played by the square of them, and further back nobody can tell anyway

# earlier: seconds that runs like it took. limit: its maximum duration in seconds.
Length = NamedTuple("Length", [("earlier", Sequence[float]), ("limit", Optional[float])])

# seconds: how long still. at_most: it rests on maximum durations, so it is a bound rather than a guess.
Wait = NamedTuple("Wait", [("seconds", float), ("at_most", bool)])

UNKNOWN = Length((), None)


def left(length, ran=0.0):
    # type: (Length, float) -> Optional[Wait]
    """How much longer a run goes on that has run so many seconds; None when nothing tells.

    The median of those earlier ones that took longer than it has taken already.
    """
    longer = sorted(seconds for seconds in length.earlier if seconds >= ran)
    limit = None if length.limit is None else max(0.0, length.limit - ran)
    if not longer:
        return None if limit is None else Wait(limit, True)
    guess = longer[(len(longer) - 1) // 2] - ran
    return Wait(guess if limit is None else min(guess, limit), False)


def expected_waits(tickets, leases, lengths, ran, busy=NONE_BUSY):
    # type: (Iterable[Ticket], Sequence[Lease], Mapping[str, Length], Mapping[str, float], Mapping[str, str]) -> Dict[str, Wait]
    """When each waiting run will probably start, for those of which it can be told.

    lengths: what is known of runs by id. ran: seconds that those with a lease have run. busy: as for
    `decide`; they are taken to stay so.
    """
    line = [ticket for ticket in in_order(tickets) if not ticket.hold][:LINE]
    waiting = {ticket.run: ticket for ticket in line}
    held = list(leases)
    ends = {}  # type: Dict[str, Wait]
    for lease in leases:
        _note_end(
            ends, lease.run, left(lengths.get(lease.run, UNKNOWN), ran.get(lease.run, 0.0)), Wait(0, False)
        )
    found = {}  # type: Dict[str, Wait]
    now = Wait(0.0, False)
    for _ in range(STEPS):
        aged = [ticket._replace(waited=ticket.waited + now.seconds) for ticket in waiting.values()]
        for run, devices in decide(aged, held, busy, told=()).starts.items():
            found[run] = now
            del waiting[run]
            held.append(Lease(run, devices, "", ""))
            _note_end(ends, run, left(lengths.get(run, UNKNOWN)), now)
        if not waiting or not ends:
            break
        run = min(ends, key=lambda one: (ends[one].seconds, one))
        end = ends.pop(run)
        now = Wait(max(now.seconds, end.seconds), now.at_most or end.at_most)
        held = [lease for lease in held if lease.run != run]
    return found


def _note_end(ends, run, length, now):
    # type: (Dict[str, Wait], str, Optional[Wait], Wait) -> None
    """Write down when a run ends that starts, or goes on, now; nothing when that is not known."""
    if length is not None:
        ends[run] = Wait(now.seconds + length.seconds, now.at_most or length.at_most)


def positions(line):
    # type: (Iterable[Ticket]) -> Dict[str, int]
    """The place of each run in a line that is in order, from 1; one on hold has none."""
    found = {}  # type: Dict[str, int]
    waiting = [ticket for ticket in line if not ticket.hold]  # type: List[Ticket]
    for place, ticket in enumerate(waiting, 1):
        found[ticket.run] = place
    return found
