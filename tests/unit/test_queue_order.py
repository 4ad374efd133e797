"""Moving runs in a queue: one user's runs exchange their places, nobody else's is passed. Pure."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.remote.queue.leases import Ticket, in_order
from workbench.remote.queue.queue_changes import reordered


def line(*runs: tuple[str, int, int]) -> list[Ticket]:
    """Tickets of (run, order, priority), as the queue goes."""
    return in_order(Ticket(run, order, priority, 1, ("0",), 0, False, 0.0) for run, order, priority in runs)


def moved(tickets: list[Ticket], runs: list[str], place: str, other: str | None = None) -> str:
    """The line after a move, as one text."""
    numbers, _ = reordered(tickets, runs, place, other)
    return "".join(
        one.run for one in in_order(t._replace(order=numbers.get(t.run, t.order)) for t in tickets)
    )


MINE = line(("a", 1, 0), ("b", 5, 0), ("c", 6, 0), ("d", 9, 0))


def test_first_last_before_after() -> None:
    assert moved(MINE, ["c"], "first") == "cabd"
    assert moved(MINE, ["a"], "last") == "bcda"
    assert moved(MINE, ["d"], "before", "b") == "adbc"
    assert moved(MINE, ["a"], "after", "c") == "bcad"


def test_several_keep_the_order_they_are_named_in() -> None:
    assert moved(MINE, ["d", "a"], "first") == "dabc"
    assert moved(MINE, ["c", "a"], "after", "d") == "bdca"
    assert moved(MINE, ["a", "b", "c"], "before", "b") == "acbd", "beside itself nobody moves"


def test_priority_goes_first() -> None:
    tickets = line(("a", 1, 5), ("b", 2, 0), ("c", 3, 0))
    assert moved(tickets, ["c"], "first") == "acb"
    _, refused = reordered(tickets, ["c"], "before", "a")
    assert refused == {"c": "its priority is 0, that of the other 5: priority goes first"}
    assert moved(tickets, ["c"], "before", "a") == "abc"


@given(st.permutations(list("abcdefgh")), st.integers(0, 8), st.sampled_from(["first", "last"]), st.data())
def test_others_are_never_passed(names: list[str], mine: int, place: str, data: st.DataObject) -> None:
    """Whatever one user moves, before each run of another stand as many of the first user's as before."""
    everybody = line(*((name, 10 + n, 0) for n, name in enumerate(names)))
    own = [ticket for ticket in everybody if ticket.run in sorted(names)[:mine]]
    runs = data.draw(st.lists(st.sampled_from([t.run for t in own]), unique=True)) if own else []
    numbers, refused = reordered(own, runs, place)
    assert not refused
    assert sorted(numbers.values()) == sorted(ticket.order for ticket in own)
    after = in_order(t._replace(order=numbers.get(t.run, t.order)) for t in everybody)
    strangers = [n for n, t in enumerate(everybody) if t not in own]
    assert [after[n] for n in strangers] == [everybody[n] for n in strangers]
