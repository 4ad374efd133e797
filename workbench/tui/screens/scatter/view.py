"""Dots one goes through with keys and the mouse; the one looked at is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from workbench.text import scatter as drawing
from workbench.text.cells import cut, width
from workbench.text.numbers import short
from workbench.text.pieces import Line, Piece
from workbench.text.plane import Plane, Style
from workbench.text.scatter import Dot, Scatter
from workbench.tui.actions.acting import Acting
from workbench.tui.chart.painting import Painter
from workbench.tui.themes.palette import palette_of

NOTHING = Scatter("", "", ())
_HEAD = 1


class ScatterView(Acting, Widget, can_focus=True):
    """A scatter; enter posts `Opened`."""

    PLACES: ClassVar[tuple[str, ...]] = ("dots",)
    DEFAULT_CSS = "ScatterView { width: 1fr; height: 1fr; padding: 0 1; }"

    class Opened(Message):
        """A run is to be opened."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self) -> None:
        super().__init__()
        self.scatter = NOTHING
        self.empty = "loading ..."
        self.chosen: str | None = None
        """The dot that is looked at."""
        self._plane: Plane | None = None
        self._strips: list[Strip] | None = None

    def on_mount(self) -> None:
        """Colours may change."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._redraw())

    def on_resize(self) -> None:
        """Another size is another picture."""
        self._redraw()

    def show(self, scatter: Scatter, empty: str) -> None:
        """Show other dots; the one looked at stays so where it is still here. empty: why there are none."""
        self.scatter, self.empty = scatter, empty
        if all(dot.key != self.chosen for dot in scatter.dots):
            self.chosen = None
        self._redraw()

    @property
    def dot(self) -> Dot | None:
        """The dot that is looked at."""
        return next((dot for dot in self.scatter.dots if dot.key == self.chosen), None)

    def _redraw(self) -> None:
        self._strips = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the picture."""
        if self._strips is None:
            self._strips = self._drawn()
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)

    def _drawn(self) -> list[Strip]:
        palette, size = palette_of(self.app), self.size
        painter = Painter(palette, self.rich_style)
        style = Style("ascii" if palette.ascii else "braille", palette.marks, grid=True)
        self._plane = drawing.plane(self.scatter, size.width, max(1, size.height - _HEAD), style, self.chosen)
        if self._plane is None:
            blank = [Strip.blank(size.width, self.rich_style)] * (size.height // 2)
            return [*blank, painter.centred(self.empty, size.width)]
        lines: Sequence[Line] = [self._head(size.width), *self._plane.lines()]
        return [painter.strip(line, size.width) for line in lines]

    def _head(self, cells: int) -> Line:
        """What y is on the left; the run that is looked at, or how many there are, on the right."""
        found, dot = self.scatter, self.dot
        if dot is not None:
            across = found.places[int(dot.x)] if found.places else short(dot.x, 6)
            said = f"{dot.name}   {found.x_label} {across}   {found.y_label} {short(dot.y, 6)}"
        else:
            said = f"{len(found.dots)} runs" + (f", {found.left_out} without" if found.left_out else "")
        said = cut(said, max(1, cells - 4), ellipsis="~" if palette_of(self.app).ascii else "…")
        label = cut(found.y_label, max(1, cells - width(said) - 2), middle=True)
        gap = max(1, cells - width(label) - width(said))
        return [Piece(label + " " * gap, "title"), Piece(said, "header" if dot is not None else "dim")]

    def refusal(self, action: str) -> str | None:
        """What needs a dot, or numbers."""
        if not self.scatter.dots and action != "dots.open":
            return "there is no run in this picture"
        if action == "dots.open" and self.dot is None:
            return "the arrows choose a run first"
        if action == "dots.log-x" and self.scatter.places:
            return f"{self.scatter.x_label} is no number in some run"
        return super().refusal(action)

    def _step(self, across: int, up: int) -> None:
        self.chosen = drawing.step(self.scatter, self.chosen, across, up)
        self._redraw()

    def do_dots_left(self) -> None:
        """The run with the next smaller x."""
        self._step(-1, 0)

    def do_dots_right(self) -> None:
        """The run with the next larger x."""
        self._step(1, 0)

    def do_dots_up(self) -> None:
        """The run with the next larger y."""
        self._step(0, 1)

    def do_dots_down(self) -> None:
        """The run with the next smaller y."""
        self._step(0, -1)

    def do_dots_open(self) -> None:
        """Open the run."""
        if self.chosen is not None:
            self.post_message(self.Opened(self.chosen))

    def do_dots_log_x(self) -> None:
        """X on a logarithmic axis, or a linear one again."""
        self.show(self.scatter._replace(log_x=not self.scatter.log_x), "nothing above zero to show")

    def do_dots_log_y(self) -> None:
        """Y on a logarithmic axis, or a linear one again."""
        self.show(self.scatter._replace(log_y=not self.scatter.log_y), "nothing above zero to show")

    def on_click(self, event: events.Click) -> None:
        """Look at the nearest dot; a second click opens it."""
        plane = self._plane
        if plane is None:
            return
        column, row = event.x - self.gutter.left - plane.left, event.y - _HEAD

        def distance(dot: Dot) -> float:
            at = plane.column_of(dot.x)
            return 1e9 if at is None else (at - column) ** 2 + (2 * (plane.row_of(dot.y) - row)) ** 2

        near = min(drawing.shown(self.scatter), key=distance, default=None)
        if near is None:
            return
        again = near.key == self.chosen
        self.chosen = near.key
        self._redraw()
        if again:
            self.do_dots_open()
