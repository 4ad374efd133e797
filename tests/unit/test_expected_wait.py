"""How long a run will wait: the queue played forward. Pure."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workbench.remote.queue.expected_wait import Length, Wait, expected_waits, left, positions
from workbench.remote.queue.leases import Lease, Ticket

DEVICES = ("0", "1")


def ticket(run: str, order: int, gpus: int = 1, **changes: Any) -> Ticket:
    return Ticket(run, order, 0, gpus, DEVICES, 0, False, 0.0)._replace(**changes)


def took(*seconds: float, limit: float | None = None) -> Length:
    return Length(seconds, limit)


def test_how_long_still() -> None:
    assert left(took(10, 30, 20), 5) == Wait(15, False)
    assert left(took(10, 30, 20), 25) == Wait(5, False), "of those that took longer than it has already"
    assert left(took(10, limit=8), 5) == Wait(3, False), "it is ended before it takes as long as the others"
    assert left(took(limit=60), 5) == Wait(55, True), "only its maximum duration is known: a bound"
    assert left(took(limit=60), 70) == Wait(0, True)
    assert left(took(10), 11) is None, "it takes longer than any before: nobody knows"
    assert left(took()) is None


def test_one_after_the_other() -> None:
    leases = [Lease("x", ("0",), "x", ""), Lease("y", ("1",), "y", "")]
    lengths = {"x": took(100), "y": took(300), "a": took(50), "b": took(50), "c": took(50)}
    waits = expected_waits(
        [ticket("a", 1), ticket("b", 2), ticket("c", 3, 2)], leases, lengths, {"x": 40, "y": 40}
    )
    assert waits == {"a": Wait(60, False), "b": Wait(110, False), "c": Wait(260, False)}


def test_what_nobody_knows_stays_open() -> None:
    leases = [Lease("x", ("0",), "x", ""), Lease("y", ("1",), "y", "")]
    waits = expected_waits([ticket("a", 1), ticket("wide", 2, 2)], leases, {"x": took(100)}, {})
    assert waits == {"a": Wait(100, False)}, "the wide one needs the device of one of unknown length"
    waits = expected_waits([ticket("a", 1), ticket("b", 2)], leases, {"x": took(100)}, {})
    assert waits == {"a": Wait(100, False)}, "b comes after a, whose length is unknown"


def test_a_bound_makes_bounds_of_what_follows() -> None:
    leases = [Lease("x", DEVICES, "x", "")]
    lengths = {"x": took(limit=100), "a": took(10), "b": took(10)}
    waits = expected_waits([ticket("a", 1, 2), ticket("b", 2, 2)], leases, lengths, {})
    assert waits == {"a": Wait(100, True), "b": Wait(110, True)}


def test_on_hold_and_used_by_others_is_no_guess() -> None:
    waits = expected_waits([ticket("a", 1, hold=True), ticket("b", 2, 2)], [], {}, {}, busy={"0": "used"})
    assert waits == {}


def test_a_wide_run_that_waits_long_meanwhile_is_not_passed_for_ever() -> None:
    leases = [Lease("x", ("0",), "x", ""), Lease("y", ("1",), "y", "")]
    small = [ticket(f"s{n}", 2 + n) for n in range(8)]
    lengths = {"x": took(200), "y": took(350), **{one.run: took(200) for one in small}}
    waits = expected_waits([ticket("wide", 1, 2), *small], leases, lengths, {})
    assert waits["wide"].seconds == 400


def test_places_are_those_of_the_ones_that_wait() -> None:
    line = [ticket("a", 1), ticket("b", 2, hold=True), ticket("c", 3)]
    assert positions(line) == {"a": 1, "c": 2}


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.floats(0, 1e6)), max_size=8),
    st.lists(st.floats(0, 1e6), max_size=2),
)
def test_guesses_are_never_negative_and_only_of_those_that_wait(
    waiting: list[tuple[int, int, float]], running: list[float]
) -> None:
    tickets = [ticket(f"t{n}", n, gpus, slots=slots) for n, (gpus, slots, _) in enumerate(waiting)]
    leases = [Lease(f"l{n}", (DEVICES[n],), "", "") for n in range(len(running))]
    lengths = {f"t{n}": took(length) for n, (_, _, length) in enumerate(waiting)}
    lengths |= {f"l{n}": took(length) for n, length in enumerate(running)}
    waits = expected_waits(tickets, leases, lengths, {})
    assert set(waits) <= {one.run for one in tickets}
    assert all(wait.seconds >= 0 and not wait.at_most for wait in waits.values())
    possible = {one.run for one in tickets if one.gpus <= len(DEVICES)}
    assert set(waits) == possible, "all lengths are known, so who can start at all has a guess"
