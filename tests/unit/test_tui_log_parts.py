"""The log view's parts that know no screen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from workbench.text.log_rows import Row
from workbench.tui.logs.bar import marks, offset_at, thumb
from workbench.tui.logs.numbers import Numbers
from workbench.tui.logs.search_state import SearchState
from workbench.tui.logs.source import Found
from workbench.tui.logs.status import Status, fitted, left_parts, right_parts
from workbench.tui.logs.wrapping import cuts


@given(st.integers(0, 10**13), st.integers(0, 10**13), st.integers(1, 10**13), st.integers(1, 60))
def test_the_thumb_is_in_the_bar_and_touches_an_end_only_there(
    one: int, other: int, size: int, height: int
) -> None:
    top, bottom = sorted((one % (size + 1), other % (size + 1)))
    first, last = thumb(top, bottom, size, height)
    assert 0 <= first < last <= height
    if height > 2:
        assert (first == 0) <= (top == 0)
        assert (last == height) <= (bottom == size)


def test_places_on_the_bar() -> None:
    assert marks([0, 50, 99, 100], 100, 10) == {0, 5, 9}
    assert marks([1], 0, 10) == set()
    assert offset_at(0, 1000, 10) == 0
    assert offset_at(9, 1000, 10) == 1000
    assert 0 < offset_at(5, 1000, 10) < 1000


@given(st.text(st.sampled_from("ab漢字\u0301é")), st.integers(2, 9))
def test_wrapped_parts_are_the_whole_and_fit(text: str, width: int) -> None:
    begins = cuts(text, width)
    parts = [text[a:b] for a, b in zip(begins, [*begins[1:], len(text)], strict=True)]
    assert "".join(parts) == text
    assert all(cell_len(part) <= width for part in parts)
    assert begins[0] == 0


def test_numbers_follow_from_one_that_is_known() -> None:
    rows = [Row(0, 5), Row(5, 100, True), Row(100, 104), Row(104, 110), Row(110, 120)]
    numbers = Numbers()
    assert numbers.of(rows) == [None] * 5
    for row in rows:
        numbers.note(row, row.start != 104)
    numbers.learn(104, 7)
    assert numbers.of(rows) == [5, 6, 6, 7, 7]
    assert numbers.of(rows[:2]) == [5, 6]


def found(*offsets: int, at: int = 0, total: int | None = None) -> Found:
    return Found([(offset, f"t{offset}") for offset in offsets], at, len(offsets) if total is None else total)


def test_matches_come_in_and_are_counted() -> None:
    state = SearchState("loss")
    state.add(found(10, 20, at=50, total=2))
    assert state.words(100) == "2 so far, 50% searched"
    assert state.after(10) == 20
    assert state.after(20) is None
    assert state.after(20, backwards=True) == 10
    assert state.covers(15)
    assert not state.covers(30)
    state.add(found(60, at=100, total=3))
    state.done = True
    state.current = 20
    assert state.words(100) == "2/3"
    assert state.whole
    state.add(found(at=100, total=1_000_000))
    assert state.words(100) == "2/1,000,000+"
    assert not state.whole
    state.add(found(at=100, total=3))
    state.turned = "top"
    assert state.words(100) == "2/3, from the top"
    assert SearchState("x").words(0) == "0 so far, 0% searched"


def test_a_regular_expression_is_not_evaluated_by_the_view() -> None:
    state = SearchState("/(a+)+$/")
    state.add(Found([(3, "aaa")], 100, 1))
    assert state.spans(0, 50, "x aaa y aaa") == [(2, 5), (8, 11)]
    assert state.spans(50, 90, "aaa") == []


def test_the_status_gives_up_what_is_worth_least() -> None:
    status = Status(
        ended=True, at_end=False, size=10_000, below=5_000, first=0, last=9, lines=500, counted=True, gaps=77, search="loss",
        found="3/128", as_of="12s",
    )  # fmt: skip
    left, right = left_parts(status), right_parts(status)
    whole = fitted(left, right, 200)
    assert [part.text for side in whole for part in side] == [
        "■ ended", "loss", "3/128", "4.88 KiB below", "77 B not kept", "as of 12s ago", "lines 1-10 of 500", "50%",
    ]  # fmt: skip
    assert "lines 1-10 of 500+" in [part.text for part in right_parts(status._replace(counted=False))]
    kept = [part.text for side in fitted(left, right, 30) for part in side]
    assert kept == ["■ ended", "loss", "3/128", "50%"]
    assert fitted(left, right, 3) == (left[:1], [])


def test_the_status_line_has_no_numbers_of_what_is_not_known_yet() -> None:
    assert right_parts(Status()) == []
    assert [part.text for part in right_parts(Status(size=2048))] == ["2.00 KiB", "100%"]
