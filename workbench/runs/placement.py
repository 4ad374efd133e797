"""Which machine of several a run goes to, and why not to the others. Pure: values in, values out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from workbench.errors import Refused, Unreachable, WorkbenchError
from workbench.text import durations
from workbench.text.numbers import amount, counted
from workbench.text.sanitize import clean


class Offer(NamedTuple):
    """What a machine can do for a run that wants so many GPUs of it."""

    target: str
    wanted: int
    usable: int | None = None
    """GPUs it could ever have there; None where nothing is known of the machine."""
    free: int = 0
    starts: bool = False
    """Whether it would start at once."""
    expected_wait: float | None = None
    at_most: bool = False
    ahead: int = 0
    """How many would stand before it."""
    running: int = 0
    reason: str = ""
    """Why it would not start at once."""
    closed: str = ""
    """Why it cannot be sent there now: not reachable, signed out, cordoned."""

    @property
    def fits(self) -> bool:
        """Whether the machine could ever run it, as far as is known."""
        return self.usable is None or self.wanted <= self.usable


def read_offer(target: str, wanted: int, answer: Any) -> Offer:
    """A machine's answer to `queue` with `ask`. A machine that says nothing usable offers nothing."""
    fields = answer if isinstance(answer, dict) else {}
    asked, cordon = fields.get("ask"), fields.get("cordon")
    if not isinstance(asked, dict):
        return Offer(target, wanted, closed="it did not say how it stands")
    closed = ""
    if isinstance(cordon, dict) and cordon:
        closed = clean(str(asked.get("reason") or "it is cordoned"), 500)
    return Offer(
        target,
        wanted,
        usable=_count(asked.get("usable")) if wanted else wanted,
        free=_count(asked.get("free")),
        starts=asked.get("starts") is True and not closed,
        expected_wait=amount(asked.get("expected_wait")),
        at_most=asked.get("at_most") is True,
        ahead=_count(asked.get("ahead")),
        running=_count(asked.get("running")),
        reason=clean(str(asked.get("reason") or ""), 500),
        closed=closed,
    )


def choose(offers: Sequence[Offer]) -> str | None:
    """The machine to go to: one where it starts now, else where it waits shortest. None when there is none.

    Of several that are free the one with the least running, then the first.
    """
    open_ones = [(number, offer) for number, offer in enumerate(offers) if offer.fits and not offer.closed]
    if not open_ones:
        return None
    return min(open_ones, key=lambda pair: _rank(*pair))[1].target


def _rank(number: int, offer: Offer) -> tuple[Any, ...]:
    if offer.starts:
        return (0, 0.0, offer.running, number)
    wait = math.inf if offer.expected_wait is None else offer.expected_wait
    return (1, wait, offer.ahead, number)


def better(current: Offer, others: Sequence[Offer]) -> str | None:
    """Where a run goes that waits on a machine: where it starts now, or anywhere from one that is closed.

    Guesses of waiting times never move a run: they change with every look.
    """
    if current.starts:
        return None
    if current.closed:
        return choose(others)
    return choose([offer for offer in others if offer.starts])


def verdicts(offers: Iterable[Offer]) -> dict[str, str]:
    """What is to be said of each machine, in words."""
    return {offer.target: verdict(offer) for offer in offers}


def verdict(offer: Offer) -> str:
    """What is to be said of one machine."""
    if not offer.fits:
        return f"has {counted(offer.usable or 0, 'GPU')} to use, {offer.wanted} wanted"
    if offer.closed:
        return offer.closed
    if offer.starts:
        return "could start at once"
    said = offer.reason or "is busy"
    if offer.expected_wait is None:
        return said
    way = "within" if offer.at_most else "in about"
    return f"{said}; {way} {durations.short(offer.expected_wait)}"


def refusal(pool: str, offers: Sequence[Offer]) -> WorkbenchError:
    """Why a run can go nowhere: it asks for more than any machine has (AZ-36), or none can take it now."""
    if not offers:
        return Refused(f"there is no machine in {pool}", "attach one: wb compute attach gpu1 you@host")
    said = "; ".join(f"{name}: {words}" for name, words in verdicts(offers).items())
    if all(not offer.fits for offer in offers):
        most = max(offer.usable or 0 for offer in offers)
        wanted = counted(max(offer.wanted for offer in offers), "GPU")
        hint = f"ask for {most} at most" if most else "leave --gpus out, or choose another machine"
        return Refused(f"{wanted} wanted, but no machine of {pool} has more than {most} ({said})", hint)
    return Unreachable(f"no machine of {pool} can take it now ({said})", "wb compute ls shows how they stand")


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31 else 0
