"""The virtual table alone on a screen, over rows in memory."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot

from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import MarkingTable
from workbench.tui.table.columns import Column
from workbench.tui.table.lines import Group

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
    def __init__(
        self, keys: Sequence[str] = (), groups: Sequence[Group] = (), away: Sequence[str] = ()
    ) -> None:
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
