"""Columns of the dashboard's tables: what is shown where, for any width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.tui.table.cell import Cell
from workbench.tui.table.columns import Column, chosen
from workbench.tui.table.layout import arrange, last_aside


@st.composite
def some_columns(draw: st.DrawFn) -> list[Column]:
    count = draw(st.integers(1, 14))
    rest = draw(st.integers(0, count))
    found = []
    for number in range(count):
        least = draw(st.integers(1, 14))
        ideal = least + draw(st.integers(0, 14))
        most = draw(st.sampled_from([0, ideal, ideal + 9]))
        keep = draw(st.integers(0, 100))
        found.append(
            Column(f"c{number}", "t", least=least, ideal=ideal, most=most, keep=keep, rest=number == rest)
        )
    return found


@given(some_columns(), st.integers(1, 320), st.integers(0, 2), st.integers(0, 20))
def test_columns_never_overlap_nor_leave_the_width(
    columns: list[Column], width: int, frozen: int, aside: int
) -> None:
    order = list(range(len(columns)))
    layout = arrange(columns, order, width, frozen=frozen, aside=aside)
    x = 0
    for placed in layout.placed:
        assert placed.x > x - 1
        assert placed.width >= 0
        x = placed.x + placed.width
        assert x <= max(width, placed.x)
    assert layout.before + layout.after + len(layout.placed) == len(columns)
    assert layout.placed, "one column is always there"


@given(some_columns(), st.integers(40, 320), st.integers(0, 2))
def test_every_column_can_be_reached_sideways(columns: list[Column], width: int, frozen: int) -> None:
    order = list(range(len(columns)))
    seen: set[int] = set()
    for aside in range(last_aside(columns, order, width, frozen=frozen) + 1):
        layout = arrange(columns, order, width, frozen=frozen, aside=aside)
        seen |= {placed.column for placed in layout.placed}
        if aside and width > 60:
            assert [placed.column for placed in layout.placed][:frozen] == order[:frozen]
    assert seen == set(order)


@given(some_columns(), st.integers(40, 320))
def test_what_is_dropped_is_less_important_than_what_stays(columns: list[Column], width: int) -> None:
    layout = arrange(columns, list(range(len(columns))), width, frozen=1)
    shown = {placed.column for placed in layout.placed}
    dropped = set(range(len(columns))) - shown
    others = shown - {0}
    if dropped and others:
        assert max(columns[index].keep for index in dropped) <= min(columns[index].keep for index in others)
    for placed in layout.placed:
        column = columns[placed.column]
        if len(layout.placed) > 1:
            assert placed.width >= column.least
        assert column.rest or placed.width <= max(column.ideal, column.most)


def test_the_rest_goes_to_the_column_that_takes_it_and_ideals_come_first() -> None:
    columns = [
        Column("a", "a", least=4, ideal=10, keep=90),
        Column("b", "b", least=4, ideal=6, keep=50, rest=True),
        Column("c", "c", least=4, ideal=8, keep=10),
    ]
    order = [0, 1, 2]
    assert [placed.width for placed in arrange(columns, order, 80).placed] == [10, 56, 8]
    assert [placed.width for placed in arrange(columns, order, 20).placed] == [9, 4, 4]
    assert [placed.column for placed in arrange(columns, order, 12).placed] == [0, 1]
    assert [placed[1:] for placed in arrange(columns, order, 80).placed] == [(2, 10), (14, 56), (72, 8)]


def test_a_choice_is_in_the_users_order_and_forgets_what_is_not_there() -> None:
    columns = [Column("a", "a"), Column("b", "b"), Column("c", "c", shown=False)]
    assert chosen(columns, None) == [0, 1]
    assert chosen(columns, ["c", "gone", "a", "c"]) == [2, 0]
    assert chosen(columns, ["gone"]) == [0, 1]


def test_only_what_became_other_of_a_row_is_drawn_anew() -> None:
    columns = [
        Column("a", "A", least=6, ideal=6),
        Column("b", "B", least=4, ideal=4),
        Column("c", "C", least=5, ideal=5, keep=1),
    ]
    layout = arrange(columns, [0, 1, 2], 60)
    before = [Cell("one"), Cell("two"), Cell("three")]
    assert layout.difference(before, before) == (0, 0)
    assert layout.difference(before, [Cell("one"), Cell("2"), Cell("three")]) == (10, 4)
    assert layout.difference(before, [Cell("1"), Cell("two"), Cell("three", "bad")]) == (2, 19)
    assert layout.difference(before, [Cell("one"), Cell("a sentence", over=True), Cell("three")]) == (0, 60)
    assert layout.difference(before, before[:2]) == (0, 60)
    narrow = arrange(columns, [0, 1, 2], 14)
    assert narrow.difference(before, [*before[:2], Cell("3")]) == (0, 0), "what is out of sight costs nothing"
