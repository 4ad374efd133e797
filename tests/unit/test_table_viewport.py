"""Cursor and view of the dashboard's tables hold on to rows while rows come, go and move."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.tui.table.lines import Group, Lines
from workbench.tui.table.marks import Marks
from workbench.tui.table.prefetch import Prefetch
from workbench.tui.table.viewport import Spot, kept, moved, paged, survivor, within

KEYS = st.lists(st.integers(0, 60).map(str), unique=True, max_size=50)


@st.composite
def views(draw: st.DrawFn) -> tuple[Lines, Lines, Spot, int]:
    old, new = Lines(draw(KEYS)), Lines(draw(KEYS))
    height = draw(st.integers(1, 20))
    if not len(old):
        return old, new, Spot(), height
    line = draw(st.integers(0, len(old) - 1))
    return old, new, Spot(line, within(draw(st.integers(0, 60)), len(old), height)), height


@given(views())
def test_the_cursor_stays_on_its_row_and_the_row_in_its_place(
    view: tuple[Lines, Lines, Spot, int],
) -> None:
    old, new, spot, height = view
    after = kept(old, new, spot, height)
    if not len(new):
        assert after == Spot()
        return
    assert 0 <= after.line < len(new)
    assert after.top == within(after.top, len(new), height)
    if spot.line < 0:
        return
    key = old[spot.line]
    if key in new.keys:
        assert new[after.line] == key
    if spot.sees(spot.line, height):
        assert after.sees(after.line, height)
        place = spot.line - spot.top
        possible = within(after.line - place, len(new), height) == after.line - place
        assert not possible or after.line - after.top == place
    else:
        left = [line for line in range(spot.top, min(spot.top + height, len(old))) if old[line] in new.keys]
        if left:
            wanted = new.find(old[left[0]], 0) - (left[0] - spot.top)  # type: ignore[operator]
            assert after.top == within(wanted, len(new), height)


@given(KEYS.filter(lambda keys: len(keys) > 1), st.data())
def test_a_cursor_whose_row_goes_is_on_a_neighbour(keys: list[str], data: st.DataObject) -> None:
    line = data.draw(st.integers(0, len(keys) - 1))
    new = Lines([key for key in keys if key != keys[line]])
    found = survivor(Lines(keys), new, line)
    assert new[found] == (keys[line + 1] if line + 1 < len(keys) else keys[line - 1])


def test_rows_above_do_not_move_what_is_seen() -> None:
    old = Lines([f"r{number}" for number in range(100)])
    new = Lines(["new1", "new2", *old.keys])
    assert kept(old, new, Spot(20, 15), 10) == Spot(22, 17)
    assert kept(old, new, Spot(90, 15), 10) == Spot(92, 17), "the cursor is out of view: the view holds"
    assert kept(old, new, Spot(0, 0), 10) == Spot(2, 2)
    assert kept(old, new, Spot(0, 0), 10, at_top=True) == Spot(2, 0), "who looks at the top sees what comes"
    many = Lines([*(f"n{number}" for number in range(10)), *old.keys])
    assert kept(old, many, Spot(0, 0), 10, at_top=True) == Spot(10, 10), "but never loses the cursor"


@given(st.integers(0, 300), st.integers(1, 40), st.data())
def test_moves_keep_the_cursor_in_view_and_the_screen_full(
    count: int, height: int, data: st.DataObject
) -> None:
    spot = Spot(data.draw(st.integers(0, max(0, count - 1))), data.draw(st.integers(0, 300)))
    for after in (
        moved(spot, data.draw(st.integers(-5, 400)), count, height),
        paged(spot, data.draw(st.integers(-50, 50)), count, height),
    ):
        if count == 0:
            assert after == Spot()
            continue
        assert after.sees(after.line, height)
        assert after.top == within(after.top, count, height)


def test_groups_fold_and_know_their_rows() -> None:
    groups = [Group("g:a", "a", 2), Group("g:b", "b", 3, count=90)]
    lines = Lines(list("vwxyz"), groups, ["g:b", "g:unknown"])
    assert lines.keys == ["g:a", "v", "w", "g:b"]
    assert lines.folded == {"g:b"}
    assert lines.header_of(2) == 0
    assert lines.header_of(3) == 3
    assert lines.rows_under(0) == ["v", "w"]
    assert lines.rows_under(3) == ()
    assert lines.first_row() == 1
    assert lines.refolded([]).keys == ["g:a", "v", "w", "g:b", "x", "y", "z"]
    with pytest.raises(ValueError, match="add up"):
        Lines(list("vwxyz"), groups[:1])


def test_marks_are_of_keys_and_say_those_that_are_shown() -> None:
    marks = Marks()
    lines = Lines(list("abcdefgh"))
    marks.toggle("c")
    marks.extend(lines, 4)
    assert marks.shown(lines) == ("c", "d", "e")
    assert marks.shown(Lines(list("edx"))) == ("e", "d")
    assert marks.shown(lines) == ("c", "d", "e"), "what was away for a while is marked still"
    marks.toggle_all("cde")
    assert marks.shown(lines) == ()


def test_one_asks_once_a_page_and_for_what_is_seen_first() -> None:
    lines = Lines([str(number) for number in range(1000)])
    prefetch = Prefetch()
    first = prefetch.wanted(lines, 100, 10)
    assert first[:10] == [str(number) for number in range(100, 110)]
    assert set(first) == {str(number) for number in range(90, 120)}
    assert prefetch.wanted(lines, 100, 10) == []
    assert prefetch.wanted(lines, 103, 10) == []
    prefetch.came({str(number) for number in range(90, 120)})
    asked = [len(prefetch.wanted(lines, top, 10)) for top in range(104, 160)]
    assert sum(bool(count) for count in asked) <= 12
    prefetch = Prefetch()
    prefetch.wanted(lines, 0, 10)
    prefetch.told({"3"})
    assert prefetch.missed("3"), "it was said to be there and is not"
