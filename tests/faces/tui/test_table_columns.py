"""The columns of the virtual table: their order, choice and width, and what their cells bear."""

from __future__ import annotations

from tests.faces.tui.table_stage import Stage, press, rows, run, screen
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell, Span
from workbench.tui.table.drawing import Sorting
from workbench.tui.table.lines import Group


async def test_sorting_is_asked_for_and_shown() -> None:
    app = Stage(rows(5))
    async with run(app) as pilot:
        await press(pilot, "S")
        assert not [message for message in app.heard if isinstance(message, messages.SortRequested)]
        app.table.sorting = Sorting("loss", True)
        await pilot.pause()
        assert "loss▼" in screen(app)[0]
        await press(pilot, "S")
        asked = app.last(messages.SortRequested)
        assert (asked.column, asked.descending) == ("loss", False)  # type: ignore[attr-defined]
        await press(pilot, "s", *"took", "enter")
        asked = app.last(messages.SortRequested)
        assert (asked.column, asked.descending) == ("took", True)  # type: ignore[attr-defined]


async def test_columns_are_chosen_and_told() -> None:
    app = Stage(rows(5))
    async with run(app, (80, 30)) as pilot:
        await press(pilot, "C", "space", "K", "j", "J", "g", "J", "enter")
        assert app.last(messages.ColumnsChanged).choice == ("took", "loss", "note")  # type: ignore[attr-defined]
        assert screen(app)[0].split() == ["took", "s", "loss", "note"]
        await press(pilot, "C", "0", "enter")
        assert app.table.choice is None
        await press(pilot, "C", "space", "escape")
        assert app.table.choice is None


async def test_a_column_is_as_wide_as_one_wants() -> None:
    app = Stage(rows(5))
    async with run(app, (80, 30)) as pilot:
        await press(pilot, "C", "down", *["greater_than_sign"] * 3, "less_than_sign", "enter")
        assert app.last(messages.ColumnsChanged).choice == ("name", "loss|10", "took", "note")  # type: ignore[attr-defined]
        assert {item.column: item.width for item in app.table._arranged().placed}[1] == 10
        await press(pilot, "C", "0", "enter")
        assert app.table.choice is None


async def test_narrow_screens_scroll_sideways_beside_the_first_column() -> None:
    app = Stage(rows(5))
    async with run(app, (30, 6)) as pilot:
        await pilot.pause()
        assert screen(app)[0].endswith("›")
        assert "note" not in screen(app)[0]
        for _ in range(3):
            await press(pilot, "l")
        header = screen(app)[0]
        assert "name" in header
        assert "note" in header
        assert "‹" in header
        assert "›" not in header
        await press(pilot, "h", "h", "h")
        assert "‹" not in screen(app)[0]


HOSTILE = (
    "\x1b]0;owned\x07name",
    "a\u202eb\u2066c",
    "\u0301\u0301lone",
    "e" + "\u0301" * 50,
    "快乐" * 40,
    "👩‍👩‍👧‍👦 family ❤️",
    "tab\tnew\nline\r\u2028end",
    "\ud800surrogate\x00\x7f\x9b31m",
    "\u200bzero\u200dwidth\ufeff",
    "x" * 5000,
    "",
    "한글 \u1100\u1161\u11a8",
)


async def test_hostile_text_breaks_no_cell_at_any_size() -> None:
    keys = [*HOSTILE, *rows(3)]
    groups = [Group("g:\x1b[31m", HOSTILE[0] + HOSTILE[4], len(keys), detail=(Cell(HOSTILE[5], "bad"),))]
    app = Stage(keys, groups)
    for key in keys:
        app.rows.cell[key] = (
            Cell(key),
            Cell(key),
            Cell("1", spans=(Span(key, "good"), Span(key))),
            Cell(key),
        )
    app.rows.cell["r0"] = (Cell("r0"), Cell(HOSTILE[4] + HOSTILE[5], over=True))
    app.rows.cell["r1"] = (Cell("r1"), Cell("", series=(float("nan"), 1.0, float("inf"), 3.0)))
    app.rows.cell["r2"] = ()
    async with run(app, (80, 24)) as pilot:
        for size in ((80, 24), (20, 5), (7, 3), (1, 1), (300, 100), (33, 20)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            text = "\n".join(screen(app))
            assert text.isprintable() or set(text) - {"\n"} == {c for c in text if c.isprintable()}
            await press(pilot, "j", "l", "space")
