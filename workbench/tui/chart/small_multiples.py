"""Many small charts under a cursor: keys and the mouse go through them, fold groups and open one."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.message import Message

from workbench.tui.actions.acting import Acting
from workbench.tui.chart import saving, source
from workbench.tui.chart.multiples import Multiples
from workbench.tui.chart.scene import Scene
from workbench.tui.chart.view import SMOOTHING, View


class SmallMultiples(Acting, Multiples, can_focus=True):
    """A grid of small charts; enter posts `Opened`."""

    PLACES: ClassVar[tuple[str, ...]] = ("list", "multiples")

    class Opened(Message):
        """A metric is to be shown large."""

        def __init__(self, multiples: SmallMultiples, name: str) -> None:
            super().__init__()
            self.multiples, self.name = multiples, name

        @property
        def control(self) -> SmallMultiples:
            """The grid."""
            return self.multiples

    def refusal(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        verb = action.partition(".")[2]
        if verb == "next-x":
            return None if len(self._x_axes) > 1 else "there is no other x axis here"
        if self.cursor is None:
            return "they are still loading" if self.loading_names else "there are no metrics here"
        return "the cursor is on no chart" if verb == "save" and self._saved() is None else None

    def _down(self, rows: int) -> None:
        if self.cursor is not None:
            self.move_to(self._grid.below(self.cursor, rows))

    def _page(self) -> int:
        return max(1, self.size.height // self._grid.card_lines)

    def do_list_down(self) -> None:
        """One row down."""
        self._down(1)

    def do_list_up(self) -> None:
        """One row up."""
        self._down(-1)

    def do_list_left(self) -> None:
        """The chart to the left; on a heading, its group is folded."""
        self._aside(-1, fold=True)

    def do_list_right(self) -> None:
        """The chart to the right; on a heading, its group is unfolded."""
        self._aside(1, fold=False)

    def _aside(self, by: int, *, fold: bool) -> None:
        if self.cursor is None:
            return
        if self.cursor.heading:
            self._fold(self.cursor.key, fold)
        else:
            self.move_to(self._grid.beside(self.cursor, by))

    def do_list_first(self) -> None:
        """The first one."""
        if (item := self._grid.first()) is not None:
            self.move_to(item)

    def do_list_last(self) -> None:
        """The last one."""
        if (item := self._grid.last()) is not None:
            self.move_to(item)

    def do_list_half_down(self) -> None:
        """Half a page down."""
        self._down(max(1, self._page() // 2))

    def do_list_half_up(self) -> None:
        """Half a page up."""
        self._down(-max(1, self._page() // 2))

    def do_list_page_down(self) -> None:
        """A page down."""
        self._down(self._page())

    def do_list_page_up(self) -> None:
        """A page up."""
        self._down(-self._page())

    def do_list_open(self) -> None:
        """Open the chart large; fold or unfold the group of a heading."""
        if self.cursor is None:
            return
        if self.cursor.heading:
            self._fold(self.cursor.key, self.cursor.key not in self._folded)
        else:
            self.post_message(self.Opened(self, self.cursor.key))

    def _fold(self, prefix: str, fold: bool) -> None:
        if fold != (prefix in self._folded):
            self._folded ^= {prefix}
            self._lay_out()
            self._feed.now()

    def do_multiples_log_y(self) -> None:
        """Values on logarithmic axes, or linear ones again."""
        self._look(self._view._replace(log_y=not self._view.log_y))

    def do_multiples_smoother(self) -> None:
        """More smoothing."""
        self._look(self._view._replace(level=min(len(SMOOTHING) - 1, self._view.level + 1)))

    def do_multiples_rougher(self) -> None:
        """Less smoothing."""
        self._look(self._view._replace(level=max(0, self._view.level - 1)))

    async def do_multiples_save(self) -> None:
        """Write the chart under the cursor to a file."""
        scene = self._saved()
        if scene is not None:
            await saving.ask_where(self, scene)

    def _saved(self) -> Scene | None:
        """The chart under the cursor, under its own name."""
        if self.cursor is None or self.cursor.heading:
            return None
        scene = self._scene(self.cursor.key)
        return None if scene is None else scene._replace(title=source.clean(self.cursor.key))

    def do_multiples_next_x(self) -> None:
        """The next x axis."""
        self._x = self._x_axes[(self._x_axes.index(self._x) + 1) % len(self._x_axes)]
        self._known.clear()
        self._redraw()
        self._feed.now()

    def _look(self, view: View) -> None:
        if view != self._view:
            self._view = view
            self._redraw()

    # the mouse

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; a second click opens, a click on a heading folds."""
        item = self._grid.at(event.x, event.y + self.scroll_offset.y)
        if item is None:
            return
        again = item == self.cursor
        self.move_to(item)
        if item.heading or again:
            self.do_list_open()
