"""A grid of small charts, in groups, of which only those in sight are asked for and drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.errors import WorkbenchError
from workbench.text.canvas import Dots
from workbench.text.plane import Style
from workbench.text.x_axes import RELATIVE, STEP, TIME
from workbench.tui.chart import answers, source
from workbench.tui.chart.card import Card, card_lines, heading_line
from workbench.tui.chart.feed import Feed
from workbench.tui.chart.grid import Grid, Item, matching, prefix_of
from workbench.tui.chart.painting import Painter
from workbench.tui.chart.scene import Scene
from workbench.tui.chart.source import ManySource, Trace, Window
from workbench.tui.chart.view import View
from workbench.tui.themes.palette import palette_of

_HELD = 400
"""Metrics whose curves are remembered while they are out of sight."""


class Multiples(ScrollView):
    """A grid of small charts with a cursor; what keys and the mouse do is another's subject.

    source gives names and curves; x_axes are what `i` goes through; empty says why there may be none.
    """

    DEFAULT_CSS = """
    Multiples {
        width: 1fr;
        height: 1fr;
        overflow-x: hidden;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(
        self,
        source: ManySource,
        *,
        x_axes: Sequence[str] = (STEP, RELATIVE, TIME),
        empty: str = "no metrics yet; in the script: workbench.log('loss', value)",
        dots: Dots = "braille",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._source, self._x_axes, self._dots, self._empty = source, tuple(x_axes), dots, empty
        self._names: Sequence[str] | None = None
        self._words: tuple[str, ...] = ()
        self._why = "loading ..."
        self._folded: set[str] = set()
        self._known: dict[str, Sequence[Trace]] = {}
        self._x, self._view = self._x_axes[0], View()
        self.cursor: Item | None = None
        """Where the cursor stands; None while there is nothing."""
        self._grid = Grid(())
        self._cards: dict[str, list[Strip]] = {}
        self._painter: Painter | None = None
        self._feed = Feed(self, self._ask)

    @property
    def loading_names(self) -> bool:
        """Whether it is not known yet what there is."""
        return self._names is None

    @property
    def x(self) -> str:
        """The x axis of all of them."""
        return self._x

    @property
    def view(self) -> View:
        """How they are looked at."""
        return self._view

    def on_mount(self) -> None:
        """Colours may change."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._redraw())

    def on_resize(self) -> None:
        """As many side by side as fit now; what was never shown was not asked for yet."""
        self._lay_out()
        if self.cursor is not None:
            self.move_to(self.cursor)
        self._feed.now()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """What comes into sight is asked for."""
        super().watch_scroll_y(old_value, new_value)
        if any(name not in self._known for name in self._visible()):
            self._feed.now()

    def changed(self) -> None:
        """The source may have something new: it is asked, at most twice a second."""
        self._feed.news()

    def narrow(self, words: str) -> None:
        """Show only metrics whose names hold all of these words, whatever their case."""
        self._words = tuple(words.lower().split())
        self._lay_out()
        self._feed.now()

    def matching(self) -> list[str]:
        """The metrics that are shown or folded away."""
        return matching(self._names or (), self._words)

    async def _ask(self) -> None:
        try:
            names = tuple(await self._source.names())
            if names != self._names:
                self._names = names
                self._lay_out()
            wanted = self._visible()
            window = Window(self._x, None, None, max(40, self._grid.cells * 2))
            found = await self._source.curves(wanted, window) if wanted else {}
        except WorkbenchError as error:
            self._names, self._why = (), error.message
            self._lay_out()
            return
        if window.x == self._x:
            self._take(found)

    def _take(self, found: Mapping[str, Sequence[Trace]]) -> None:
        for name, traces in found.items():
            self._known.pop(name, None)
            self._known[name] = traces
            self._cards.pop(name, None)
        for name in list(self._known)[: max(0, len(self._known) - _HELD)]:
            del self._known[name]
            self._cards.pop(name, None)
        self.refresh()

    def _visible(self) -> list[str]:
        return self._grid.visible(self.scroll_offset.y, max(1, self.size.height))

    def _lay_out(self) -> None:
        names = self.matching()
        if self._names is not None and not names:
            self._why = f"no metric is called {' '.join(self._words)}" if self._names else self._why
        if self._names is not None and not self._names and self._why == "loading ...":
            self._why = self._empty
        width = max(1, self.size.width)
        self._grid = Grid(names, self._folded, width, max(1, self.size.height))
        self.virtual_size = Size(width, self._grid.lines)
        if self.cursor is None or self._grid.place(self.cursor) is None:
            self.cursor = self._grid.first()
        self._redraw()

    def _redraw(self) -> None:
        self._cards.clear()
        self.refresh()

    # drawing

    def render_line(self, y: int) -> Strip:
        """One line of what is in sight."""
        palette, ground = palette_of(self.app), self.rich_style
        if self._painter is None or self._painter.palette is not palette or self._painter.ground != ground:
            self._painter = Painter(palette, ground)
            self._cards.clear()
        width, line = self.size.width, y + self.scroll_offset.y
        row_at = self._grid.row_at(line)
        if row_at is None:
            said = self._why if not self._grid.rows and y == self.size.height // 2 else ""
            return self._painter.centred(said, width)
        row = self._grid.rows[row_at]
        if row.items[0].heading:
            heading = self._grid.headings[row.items[0].key]
            pieces = heading_line(heading, self._role(row.items[0]), width, palette.ascii)
            return self._painter.strip(pieces, width)
        strips = [self._card(item)[line - row.top] for item in row.items]
        return Strip.join(strips).adjust_cell_length(width, ground)

    def _role(self, item: Item) -> str:
        if item != self.cursor:
            return ""
        return "cursor" if self.has_focus else "cursor-blurred"

    def _card(self, item: Item) -> list[Strip]:
        held = self._cards.get(item.key)
        if held is not None:
            return held
        assert self._painter is not None
        palette = self._painter.palette
        style = Style("ascii" if palette.ascii else self._dots, palette.marks)
        # Its prefix stands in the heading above.
        name = source.clean(item.key.removeprefix(prefix_of(item.key)))
        card = Card(name, self._scene(item.key), self._role(item))
        lines = card_lines(card, self._grid.cells, self._grid.card_lines, style)
        self._cards[item.key] = [self._painter.strip(line, self._grid.cells) for line in lines]
        return self._cards[item.key]

    def _scene(self, name: str) -> Scene | None:
        traces = self._known.get(name)
        if traces is None:
            return None
        window = Window(self._x, None, None, 0)
        scene = answers.answered(Scene(view=self._view, x=self._x), traces, window, "no values yet")
        return answers.smoothed(scene, answers.extents(traces)) if self._view.level else scene

    # the cursor

    def on_focus(self) -> None:
        """The cursor is bright."""
        self._touch(self.cursor)

    def on_blur(self) -> None:
        """The cursor is not bright."""
        self._touch(self.cursor)

    def _touch(self, item: Item | None) -> None:
        """Draw one item again."""
        place = None if item is None else self._grid.place(item)
        if item is None or place is None:
            return
        self._cards.pop(item.key, None)
        row = self._grid.rows[place[0]]
        self.refresh(Region(0, row.top - self.scroll_offset.y, self.size.width, row.lines))

    def move_to(self, item: Item) -> None:
        """Put the cursor on an item and bring it into sight."""
        before, self.cursor = self.cursor, item
        self._touch(before)
        self._touch(item)
        place = self._grid.place(item)
        if place is not None:
            row = self._grid.rows[place[0]]
            top = self.scroll_offset.y
            # The heading over a group's first row comes along.
            above = row.top - 1 if place[0] and self._grid.rows[place[0] - 1].items[0].heading else row.top
            if above < top:
                self.scroll_to(y=above, animate=False)
            elif row.top + row.lines > top + self.size.height:
                self.scroll_to(y=row.top + row.lines - self.size.height, animate=False)
