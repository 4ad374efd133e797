"""Where small charts stand, and what one of them shows."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from workbench.text.curves import point
from workbench.text.pieces import cells, plain
from workbench.text.plane import Style
from workbench.text.x_axes import STEP
from workbench.tui.chart import answers
from workbench.tui.chart.card import Card, card_lines, heading_line
from workbench.tui.chart.grid import CARD_CELLS, CARD_LINES, MOST_LINES, Grid, Heading, Item
from workbench.tui.chart.scene import Scene
from workbench.tui.chart.source import Trace, Window

NAMES = ["loss", "train/loss", "train/acc", "val/loss", "train/lr", "lr"]


def test_few_charts_share_the_page_and_many_have_their_usual_size() -> None:
    assert Grid(["a", "b"], columns=80, lines=14).card_lines == 14
    assert Grid(["a", "b"], columns=80, lines=60).card_lines == MOST_LINES
    assert Grid(["x/a", "x/b", "y/c"], columns=80, lines=26).card_lines == 12
    assert Grid([f"m{number}" for number in range(40)], columns=80, lines=24).card_lines == CARD_LINES


def test_no_room_is_kept_beside_charts_for_what_no_group_has() -> None:
    assert Grid(["loss", "train/norm", "val/acc"], columns=120).cells == 120
    assert Grid(["loss", "lr", "val/acc"], columns=120).cells == 60
    assert Grid([], columns=120).rows == []


def test_groups_follow_what_has_no_prefix() -> None:
    grid = Grid(NAMES, columns=2 * CARD_CELLS, lines=40)
    order = [item.key for row in grid.rows for item in row.items]
    assert order == ["loss", "lr", "train/", "train/loss", "train/acc", "train/lr", "val/", "val/loss"]
    assert grid.headings["train/"] == Heading("train/", 3, False)


def test_a_folded_group_shows_its_heading_only() -> None:
    grid = Grid(NAMES, {"train/"}, 80, 40)
    assert grid.place(Item("train/acc")) is None
    assert grid.place(Item("train/", True)) is not None
    assert grid.headings["train/"].folded
    assert "train/loss" not in grid.visible(0, 1000)


@given(
    st.lists(
        st.sampled_from([f"{group}{n}" for group in ("", "a/", "b/", "c/d/") for n in range(20)]), unique=True
    ),
    st.sets(st.sampled_from(["a/", "b/", "c/"])),
    st.integers(1, 300),
    st.integers(1, 100),
)
def test_rows_fill_the_grid_without_gaps(
    names: list[str], folded: set[str], columns: int, lines: int
) -> None:
    grid = Grid(names, folded, columns, lines)
    assert all(a.top + a.lines == b.top for a, b in pairwise(grid.rows))
    assert grid.lines == sum(row.lines for row in grid.rows)
    assert grid.across * grid.cells <= max(columns, 1)
    items = [item for row in grid.rows for item in row.items]
    assert len(set(items)) == len(items)
    for at, row in enumerate(grid.rows):
        for column, item in enumerate(row.items):
            assert grid.place(item) == (at, column)
            assert grid.at(column * grid.cells, row.top) == item
            assert grid.row_at(row.top + row.lines - 1) == at
    assert set(grid.visible(0, max(1, grid.lines))) == {item.key for item in items if not item.heading}


def test_the_cursor_moves_over_rows_and_stays_in_its_column() -> None:
    grid = Grid([f"m{n}" for n in range(7)] + ["val/a"], columns=3 * CARD_CELLS, lines=40)
    assert grid.below(Item("m2"), 1) == Item("m5")
    assert grid.below(Item("m2"), 2) == Item("m6"), "the nearest where the row is shorter"
    assert grid.below(Item("m0"), 99) == Item("val/a")
    assert grid.below(Item("m5"), -9) == Item("m2")
    assert grid.beside(Item("m2"), 1) == Item("m3")
    assert grid.beside(Item("m6"), 1) == Item("val/", True)
    assert grid.below(Item("gone"), 1) == Item("m0")
    assert Grid(()).first() is None


def test_only_what_is_in_sight_counts_as_visible() -> None:
    grid = Grid([f"m{n}" for n in range(100)], columns=80, lines=24)
    assert grid.visible(0, 24) == ["m0", "m1", "m2", "m3", "m4", "m5"]
    assert grid.visible(9, 8) == ["m2", "m3", "m4", "m5"]


def scene(values: list[float]) -> Scene:
    traces = [Trace("run", "run", [point(x, value) for x, value in enumerate(values)])]
    return answers.answered(Scene(), traces, Window(STEP, None, None, 80), "no values yet")


def test_a_card_names_its_metric_and_shows_its_last_value_and_range() -> None:
    lines = [plain(line) for line in card_lines(Card("loss", scene([2.0, 1.0, 0.5])), 40, 8, Style())]
    assert lines[0].startswith("loss")
    assert lines[0].rstrip().endswith("0.5")
    assert any("2" in line[:5] for line in lines[1:]) or any("1" in line[:5] for line in lines[1:])
    assert any(0x2800 < ord(character) <= 0x28FF for line in lines for character in line)
    assert not lines[-1].strip(), "a line between it and the next"


@given(st.integers(1, 120), st.integers(1, 20), st.booleans(), st.sampled_from([[], [1.0], [1.0, 2.0, 3.0]]))
def test_a_card_fills_its_place(columns: int, lines: int, ascii_only: bool, values: list[float]) -> None:
    style = Style("ascii" if ascii_only else "braille")
    for shown in (scene(values), None):
        drawing = card_lines(Card("train/some/long/name", shown), columns, lines, style)
        assert len(drawing) == lines
        assert columns < 8 or all(cells(line) == columns for line in drawing)
        assert not ascii_only or all(plain(line).isascii() for line in drawing)


def test_a_heading_tells_how_many_and_whether_it_is_folded() -> None:
    assert plain(heading_line(Heading("val/", 3, True), "", 20, True)) == "> val/ 3 -----------"
    assert plain(heading_line(Heading("val/", 3, False), "", 12, False)) == "▾ val/ 3 ───"
