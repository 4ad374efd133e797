"""The virtual table, driven by keys and mouse."""

from __future__ import annotations

from textual.events import MouseScrollDown

from tests.faces.tui.table_stage import COLUMNS, Rows, Stage, beside_bar, press, rows, run, screen
from workbench.tui.actions.table import conflicts, of_places
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_chooser import ColumnChooser
from workbench.tui.table.column_table import MarkingTable
from workbench.tui.table.lines import Group


async def test_it_draws_header_rows_and_asks_only_for_what_is_near() -> None:
    app = Stage(rows(100_000))
    async with run(app) as pilot:
        await pilot.pause()
        lines = screen(app)
        assert lines[0].split() == ["name", "loss", "took", "s", "note"]
        assert lines[1].split()[-5:] == ["▌", "r0", "0.5", "12", "fine"]
        assert lines[10].split()[0] == "r9"
        assert len(set(app.rows.drawn)) <= 12
        await press(pilot, "G")
        assert screen(app)[10].split()[:2] == ["▌", "r99999"]
        assert len(set(app.rows.drawn)) <= 24
        assert all(len(asked) <= 30 for asked in app.rows.wanted)


async def test_keys_move_and_the_screen_hears_of_it() -> None:
    app = Stage(rows(100))
    async with run(app) as pilot:
        await press(pilot, "j", "down", "k")
        assert app.table.cursor == "r1"
        moved = [message.key for message in app.heard if isinstance(message, messages.CursorMoved)]
        assert moved == ["r0", "r1", "r2", "r1"]
        await press(pilot, "ctrl+d")
        assert app.table.cursor == "r6"
        await press(pilot, "pagedown")
        assert app.table.cursor == "r15"
        await press(pilot, "G", "pageup", "g")
        assert app.table.cursor == "r0"
        await press(pilot, "enter")
        assert app.last(messages.Opened).key == "r0"  # type: ignore[attr-defined]


async def test_rows_that_come_above_move_neither_cursor_nor_view() -> None:
    app = Stage(rows(100))
    async with run(app) as pilot:
        await press(pilot, *["j"] * 20)
        before = beside_bar(app)
        app.table.replace([*rows(3, "new"), *rows(100)])
        await pilot.pause()
        assert beside_bar(app) == before
        assert app.table.cursor == "r20"
        app.table.replace([key for key in app.table.keys if key != "r20"])
        await pilot.pause()
        assert app.table.cursor == "r21"
        assert beside_bar(app)[:9] == before[:9]
        app.table.replace([])
        await pilot.pause()
        assert app.table.cursor is None
        assert "nothing here" in "".join(screen(app))
        assert app.last(messages.CursorMoved).key is None  # type: ignore[attr-defined]


async def test_rows_not_here_yet_are_quiet_and_appear_when_they_came() -> None:
    keys = rows(50)
    app = Stage(keys, away=keys)
    async with run(app) as pilot:
        await pilot.pause()
        assert app.rows.wanted[-1][:10] == keys[:10]
        assert set(screen(app)[3]) <= {" ", "·"}
        app.rows.away -= {"r2"}
        app.rows.drawn.clear()
        app.table.changed(["r2", "r40"])
        await pilot.pause()
        assert "r2" in screen(app)[3]
        assert set(app.rows.drawn) == {"r2"}, "nothing else was drawn again"


async def test_rows_that_grew_older_are_drawn_again_and_no_others() -> None:
    app = Stage(rows(5))
    async with run(app) as pilot:
        await pilot.pause()
        app.rows.cell["r2"] = (Cell("r2"), Cell("0.5"), Cell("13"), Cell("older"))
        app.table.grown_older()
        app.rows.drawn.clear()
        await pilot.pause()
        assert "older" in screen(app)[3]
        assert app.rows.drawn == ["r2"]


async def test_a_row_that_went_while_it_was_seen_comes_back_as_it_was() -> None:
    app = Stage(rows(5))
    async with run(app) as pilot:
        await pilot.pause()
        app.rows.away.add("r0")
        await press(pilot, "j")  # it is drawn anew without the cursor
        assert "r0" not in screen(app)[1]
        app.rows.away.clear()
        app.table.renewed(["r0"])
        await pilot.pause()
        assert "r0" in screen(app)[1]


async def test_marks_by_key_range_and_all() -> None:
    app = Stage(rows(30))
    async with run(app) as pilot:
        assert app.table.chosen == ("r0",)
        await press(pilot, "j", "space", "j", "j", "ctrl+@")
        assert app.table.marked == ("r1", "r2", "r3")
        assert app.table.chosen == ("r1", "r2", "r3")
        assert [line[:1] for line in screen(app)[1:6]] == [" ", "✔", "✔", "✔", " "]
        app.table.replace(list(reversed(rows(30))))
        await pilot.pause()
        assert app.table.marked == ("r3", "r2", "r1")
        await press(pilot, "asterisk")
        assert len(app.table.marked) == 30
        await press(pilot, "asterisk")
        assert app.table.marked == ()
        assert isinstance(app.heard[-1], messages.MarksChanged)


async def test_groups_fold_by_keys_and_mouse() -> None:
    app = Stage(rows(6), [Group("g:a", "alpha", 3), Group("g:b", "beta", 3, count=70)])
    async with run(app) as pilot:
        await pilot.pause()
        lines = screen(app)
        assert lines[1].split() == ["▾", "alpha", "3"]
        assert lines[5].split() == ["▾", "beta", "70"]
        assert app.table.cursor == "r0"
        await press(pilot, "j", "left")
        assert app.table.cursor_group == "g:a"
        await press(pilot, "left")
        assert screen(app)[1].split() == ["▌", "▸", "alpha", "3"]
        assert screen(app)[2].split() == ["▾", "beta", "70"]
        toggled = app.last(messages.GroupToggled)
        assert (toggled.key, toggled.folded) == ("g:a", True)  # type: ignore[attr-defined]
        app.table.replace(rows(5), [Group("g:a", "alpha", 3), Group("g:b", "beta", 2)])
        assert app.table.folded == {"g:a"}
        await press(pilot, "right")
        assert app.table.folded == frozenset()
        await press(pilot, "space")
        assert app.table.marked == ("r0", "r1", "r2")
        await pilot.click(offset=(4, 5))
        assert app.table.folded == {"g:b"}


async def test_the_mouse_places_opens_scrolls_and_sorts() -> None:
    app = Stage(rows(100))
    async with run(app) as pilot:
        await pilot.click(offset=(5, 4))
        assert app.table.cursor == "r3"
        assert not [message for message in app.heard if isinstance(message, messages.Opened)]
        await pilot.click(offset=(5, 4))
        assert app.last(messages.Opened).key == "r3"  # type: ignore[attr-defined]
        await pilot.hover(offset=(5, 6))
        await pilot.pause()
        table = app.table
        assert table._hover == 6
        await pilot._post_mouse_events([MouseScrollDown], offset=(5, 5))
        await pilot.pause()
        assert table.scroll_offset.y > 0
        assert table.cursor == "r3"
        await pilot.click(offset=(26, 0))
        asked = app.last(messages.SortRequested)
        assert (asked.column, asked.descending) == ("took", True)  # type: ignore[attr-defined]


async def test_the_cursor_looks_otherwise_without_the_focus() -> None:
    app = Stage(rows(5))
    async with run(app) as pilot:
        await pilot.pause()
        focused = [segment.style for segment in app.screen._compositor.render_strips(app.size)[1]]
        app.set_focus(None)
        await pilot.pause()
        assert [segment.style for segment in app.screen._compositor.render_strips(app.size)[1]] != focused


async def test_another_theme_redraws_everything() -> None:
    app = Stage(rows(5))
    async with run(app) as pilot:
        await pilot.pause()
        before = app.screen._compositor.render_strips(app.size)
        app.theme = "textual-light"
        await pilot.pause()
        await pilot.pause()
        after = app.screen._compositor.render_strips(app.size)
        assert [strip.text for strip in before] == [strip.text for strip in after]
        colours = [segment.style.bgcolor for strip in after for segment in strip if segment.style]
        assert not {segment.style.bgcolor for strip in before for segment in strip if segment.style} & set(
            colours
        )


async def test_nothing_is_said_before_it_is_known_that_there_is_nothing() -> None:
    app = Stage()
    async with run(app) as pilot:
        table = MarkingTable(Rows(), COLUMNS, empty="no runs")
        await app.table.remove()
        await app.mount(table)
        await pilot.pause()
        assert "no runs" not in "".join(screen(app))
        table.replace([])
        await pilot.pause()
        assert "no runs" in "".join(screen(app))


async def test_a_smaller_terminal_keeps_the_cursor_in_view_but_a_wheel_may_leave_it() -> None:
    app = Stage(rows(100))
    async with run(app) as pilot:
        await press(pilot, "j", "j", "j", "j", "j", "j", "j", "j")
        await pilot.resize_terminal(60, 5)
        await pilot.pause()
        assert any(line.startswith("▌ r8") for line in screen(app))
        app.table.scroll_to(y=50, animate=False, force=True)
        await pilot.pause()
        await pilot.resize_terminal(60, 8)
        await pilot.pause()
        assert app.table.scroll_offset.y == 50
        await press(pilot, "j")
        assert app.table.cursor == "r9"
        assert any(line.startswith("▌ r9") for line in screen(app))


def test_every_action_of_its_places_is_done_and_no_key_means_two_things() -> None:
    places = MarkingTable.PLACES
    assert all(hasattr(MarkingTable, action.method) for action in of_places(places))
    assert conflicts([*places, "app"]) == []
    assert all(hasattr(ColumnChooser, action.method) for action in of_places(ColumnChooser.PLACES))
    assert conflicts([*ColumnChooser.PLACES, "list"]) == []
