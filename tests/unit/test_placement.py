"""Which machine a run goes to, and what is said of the others. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import Refused, Unreachable
from workbench.runs.placement import Offer, better, choose, read_offer, refusal, verdicts


def offer(target: str, **changes: Any) -> Offer:
    """A machine of two cards, one of them wanted, that is busy."""
    return Offer(target, 1, 2, reason="1 GPU wanted, 0 free")._replace(**changes)


FREE = {"starts": True, "reason": ""}


def test_a_machine_where_it_starts_now_comes_first_then_the_shortest_wait() -> None:
    assert choose([offer("a", expected_wait=60.0), offer("b", **FREE)]) == "b"
    assert choose([offer("a", expected_wait=600.0), offer("b", expected_wait=60.0)]) == "b"
    assert choose([offer("a"), offer("b", expected_wait=1e9)]) == "b", (
        "a wait that is known is better than none"
    )
    assert choose([offer("a", ahead=3), offer("b", ahead=1)]) == "b"
    assert choose([offer("a"), offer("b")]) == "a"


def test_of_several_that_are_free_the_least_used_then_the_first() -> None:
    assert choose([offer("a", running=2, **FREE), offer("b", running=1, **FREE)]) == "b"
    assert choose([offer("a", **FREE), offer("b", **FREE)]) == "a"


def test_who_is_closed_or_too_small_is_left_out_with_the_reason() -> None:
    offers = [
        offer("a", wanted=4),
        offer("b", closed="the machine is cordoned by ann: a new fan"),
        offer("c", closed="cannot be reached: no route", usable=None),
        offer("d", expected_wait=720.0),
        offer("e", expected_wait=720.0, at_most=True),
        offer("f", **FREE),
    ]
    assert verdicts(offers) == {
        "a": "has 2 GPUs to use, 4 wanted",
        "b": "the machine is cordoned by ann: a new fan",
        "c": "cannot be reached: no route",
        "d": "1 GPU wanted, 0 free; in about 12m",
        "e": "1 GPU wanted, 0 free; within 12m",
        "f": "could start at once",
    }
    assert choose(offers[:3]) is None


def test_more_than_any_machine_has_is_refused_and_what_may_come_back_is_not() -> None:
    """AZ-36: at submit, not later."""
    small = [offer("a", wanted=4), offer("b", wanted=4, usable=3)]
    problem = refusal("lab", small)
    assert isinstance(problem, Refused)
    assert problem.message.startswith("4 GPUs wanted, but no machine of lab has more than 3 (a: has 2 GPUs")
    assert problem.hint == "ask for 3 at most"
    away = offer("c", wanted=4, usable=8, closed="cannot be reached: no route")
    assert isinstance(refusal("lab", [*small, away]), Unreachable)
    assert isinstance(
        refusal("lab", [offer("c", usable=None, closed="needs a sign-in: who are you")]), Unreachable
    )
    assert isinstance(refusal("lab", []), Refused)


def test_a_run_that_waits_moves_only_to_where_it_starts_or_away_from_what_is_closed() -> None:
    here = offer("a", expected_wait=9000.0)
    assert better(here, [offer("b", expected_wait=1.0)]) is None
    assert better(here, [offer("b", expected_wait=1.0), offer("c", **FREE)]) == "c"
    closed = here._replace(closed="the machine is cordoned")
    assert better(closed, [offer("b", expected_wait=1.0)]) == "b"
    assert better(closed, [offer("b", closed="cannot be reached: no route")]) is None
    assert better(here._replace(**FREE), [offer("c", **FREE)]) is None


@pytest.mark.parametrize(
    "answer", [None, [], {}, {"ask": []}, {"ask": {}, "cordon": []}, {"ask": {"free": -1, "usable": "9"}}]
)
def test_a_machine_that_says_nonsense_offers_nothing(answer: object) -> None:
    found = read_offer("a", 1, answer)
    assert not found.starts
    assert found.expected_wait is None
    assert choose([found]) is None


def test_what_a_machine_says() -> None:
    ask = {
        "starts": True,
        "free": 2,
        "usable": 2,
        "ahead": 0,
        "running": 1,
        "reason": "",
        "expected_wait": 0.0,
    }
    assert read_offer("a", 1, {"ask": ask}) == Offer("a", 1, 2, 2, True, 0.0, running=1)
    cordoned = {
        "ask": {**ask, "starts": False, "reason": "the machine is cordoned"},
        "cordon": {"drain": False},
    }
    assert read_offer("a", 1, cordoned).closed == "the machine is cordoned"
    assert read_offer("a", 0, {"ask": {**ask, "usable": 0}}).fits, "who wants none fits everywhere"


offers = st.builds(
    Offer,
    target=st.sampled_from("abcd"),
    wanted=st.integers(0, 3),
    usable=st.none() | st.integers(0, 3),
    starts=st.booleans(),
    expected_wait=st.none() | st.floats(0, 1e6),
    closed=st.sampled_from(["", "cannot be reached"]),
)


@given(st.lists(offers, max_size=5))
def test_a_choice_is_one_that_could_be(found: list[Offer]) -> None:
    chosen = choose(found)
    possible = [one for one in found if one.fits and not one.closed]
    assert (chosen is None) == (not possible)
    assert chosen is None or chosen in {one.target for one in possible}
    if any(one.starts for one in possible):
        assert any(one.starts for one in possible if one.target == chosen)
