"""The virtual table, driven by keys and mouse."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import App, ComposeResult
from textual.events import MouseScrollDown
from textual.message import Message
from textual.pilot import Pilot

from workbench.tui.actions.table import conflicts, of_places
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell, Span
from workbench.tui.table.column_chooser import ColumnChooser
from workbench.tui.table.columns import Column
from workbench.tui.table.drawing import Sorting
from workbench.tui.table.lines import Group
from workbench.tui.table.table import MarkingTable

COLUMNS = (
    Column("name", "name", least=8, ideal=10, keep=100),
    Column("loss", "loss", right=True, least=6, ideal=8, keep=80),
    Column("took", "took", unit="s", right=True, least=6, ideal=8, keep=60, descending=True),
    Column("note", "note", least=6, ideal=10, keep=20, rest=True, sortable=False),
)
SIZE = (60, 11)


class Rows:
    """Rows in memory; keys in `away` are not there yet."""

    def __init__(self) -> None:
        self.cell: dict[str, Sequence[Cell]] = {}
        self.away: set[str] = set()
        self.wanted: list[list[str]] = []
        self.drawn: list[str] = []

    def cells(self, key: str) -> Sequence[Cell] | None:
        """The cells of a row."""
        self.drawn.append(key)
        if key in self.away:
            return None
        return self.cell.get(key) or (Cell(key), Cell("0.5"), Cell("12"), Cell("fine", "good"))

    def want(self, keys: Sequence[str]) -> None:
        """Remember what was asked for."""
        self.wanted.append(list(keys))


class Stage(App[None]):
    def __init__(self, keys: Sequence[str] = (), groups: Sequence[Group] = (), away: Sequence[str] = ()) -> None:
        super().__init__()
        self.rows = Rows()
        self.rows.away = set(away)
        self.table = MarkingTable(self.rows, COLUMNS, empty="nothing here\nyet")
        self.heard: list[Message] = []
        self._keys, self._groups = keys, groups

    def compose(self) -> ComposeResult:
        """The table alone."""
        yield self.table

    def on_mount(self) -> None:
        """Show the rows."""
        self.table.replace(self._keys, self._groups)
        self.table.focus()

    def hear(self, message: Message) -> None:
        """Remember what the table says."""
        if isinstance(message, messages.TableMessage) and message not in self.heard:
            self.heard.append(message)

    def last(self, kind: type[messages.TableMessage]) -> messages.TableMessage:
        """The last message of a kind."""
        return next(message for message in reversed(self.heard) if isinstance(message, kind))


def screen(app: App[None]) -> list[str]:
    """The lines of the screen, without trailing spaces."""
    width, height = app.size
    lines = app.screen._compositor.render_strips(app.size)
    assert all(strip.cell_length == width for strip in lines)
    assert len(lines) == height
    return [strip.text.rstrip() for strip in lines]


def beside_bar(app: App[None]) -> list[str]:
    """The rows of the screen without the scroll bar."""
    return [line[: app.size.width - 1].rstrip() for line in screen(app)[1:]]


def rows(count: int, prefix: str = "r") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def run(app: Stage, size: tuple[int, int] = SIZE):  # type: ignore[no-untyped-def]
    return app.run_test(size=size, message_hook=app.hear)


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


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
        app.rows.cell[key] = (Cell(key), Cell(key), Cell("1", spans=(Span(key, "good"), Span(key))), Cell(key))
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
        assert not {segment.style.bgcolor for strip in before for segment in strip if segment.style} & set(colours)


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
