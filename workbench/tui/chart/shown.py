"""What a chart shows: its source asked for the part in view, drawn, under a cursor that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from workbench.errors import WorkbenchError
from workbench.text.axis import Axis
from workbench.text.canvas import Dots
from workbench.text.plane import Style
from workbench.text.x_axes import METRIC, RELATIVE, STEP, TIME
from workbench.tui.chart import answers, cursor
from workbench.tui.chart.answers import Extent
from workbench.tui.chart.feed import Feed
from workbench.tui.chart.painting import Painter
from workbench.tui.chart.picture import Picture
from workbench.tui.chart.scene import Scene
from workbench.tui.chart.source import Source, Trace, Window, clean
from workbench.tui.chart.view import View
from workbench.tui.themes.palette import palette_of

_LEAST_BUCKETS = 200


class ShownChart(Widget):
    """Several series over one x axis, looked at as one says; keys and mouse are others' subject.

    source gives the curves; x_axes are what `i` goes through; empty says why there may be none.
    """

    class Moved(Message, namespace="chart"):
        """The cursor stands elsewhere: x in what the axis counts, or None when it went away."""

        def __init__(self, chart: ShownChart, x: float | None) -> None:
            super().__init__()
            self.chart, self.x = chart, x

        @property
        def control(self) -> ShownChart:
            """The chart."""
            return self.chart

    def __init__(
        self,
        source: Source,
        *,
        title: str = "",
        x_axes: Sequence[str] = (STEP, RELATIVE, TIME),
        empty: str = "no values yet",
        dots: Dots = "braille",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._source, self._x_axes, self._dots = source, tuple(x_axes), dots
        self._empty = empty
        self.scene = Scene(title=clean(title), x=self._x_axes[0], empty="loading ...")
        self.cursor: float | None = None
        """Where the cursor stands on the x axis; None: nowhere."""
        self._hover: float | None = None
        self._drag: tuple[float, float] | None = None
        self._extents: dict[str, Extent] = {}
        self._picture: Picture | None = None
        self._strips: list[Strip] | None = None
        self._painter: Painter | None = None
        self._feed = Feed(self, self._ask)

    def on_mount(self) -> None:
        """Colours may change."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._redraw())

    def on_resize(self) -> None:
        """Another size shows another number of buckets; what was never shown was not asked for yet."""
        self._redraw()
        self._feed.now()

    def changed(self) -> None:
        """The source may have something new: it is asked, at most twice a second."""
        self._feed.news()

    def show(
        self,
        source: Source,
        title: str = "",
        empty: str = "no values yet",
        *,
        x_axes: Sequence[str] | None = None,
    ) -> None:
        """Show other curves, from the beginning; the way of looking stays but for the zoom.

        x_axes: what `i` goes through from now on; None: as before.
        """
        self._source, self._empty = source, empty
        if x_axes is not None:
            self._x_axes = tuple(x_axes)
            if self.scene.x not in self._x_axes:
                self.scene = self.scene._replace(x=self._x_axes[0])
        self.cursor = None
        view = self.scene.view.whole()
        self.scene = Scene(title=clean(title), view=view, x=self.scene.x, empty="loading ...")
        self._redraw()
        self._feed.now()

    async def _ask(self) -> None:
        window = answers.window_of(self.scene, max(_LEAST_BUCKETS, self.size.width * 2))
        try:
            if window.x.startswith(METRIC) and not self.scene.traces:
                first = await self._source.traces(window._replace(coarse=True))
                if window.x == self.scene.x:
                    self._take(first, window)
            traces = await self._source.traces(window)
        except WorkbenchError as error:
            self._replace(traces=(), empty=error.message, whole=None)
            return
        if window.x == self.scene.x:
            self._take(traces, window)

    def _take(self, traces: Sequence[Trace], window: Window) -> None:
        if window.low is None:
            self._extents = answers.extents(traces)
        self.scene = answers.answered(self.scene, traces, window, self._empty)
        self._smooth()

    def _smooth(self) -> None:
        self.scene = answers.smoothed(self.scene, self._extents)
        self._redraw()

    def _replace(self, **changes: Any) -> None:
        self.scene = self.scene._replace(**changes)
        self._redraw()

    def _redraw(self) -> None:
        """The picture is not right any more."""
        self._picture = None
        self._repaint()

    def _repaint(self) -> None:
        """Only what is over the picture changed: the cursor, the legend's figures."""
        self._strips = None
        self.refresh()

    # drawing

    @property
    def picture(self) -> Picture:
        """The scene as drawn at the widget's size."""
        if self._picture is None:
            palette = palette_of(self.app)
            style = Style("ascii" if palette.ascii else self._dots, palette.marks, grid=True, ends=True)
            self._picture = Picture(self.scene, self.size.width, self.size.height, style)
        return self._picture

    def render_line(self, y: int) -> Strip:
        """One line of the picture."""
        palette, ground = palette_of(self.app), self.rich_style
        painter = self._painter
        if painter is None or painter.palette is not palette or painter.ground != ground:
            painter = self._painter = Painter(palette, ground)
            self._picture = self._strips = None
        if self._strips is None:
            lines = self.picture.lines(self._at, self._drag)
            self._strips = [painter.strip(line, self.size.width) for line in lines]
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, ground)

    @property
    def _at(self) -> float | None:
        return self.cursor if self._hover is None else self._hover

    # the cursor

    def _places(self) -> list[float]:
        """Where the cursor can stand: the ends of the current curve's spans."""
        trace = self.scene.trace(self.scene.current)
        return [span.last_x for span in trace.spans] if trace is not None else []

    def _set_cursor(self, x: float | None) -> None:
        self.cursor, self._hover = x, None
        if x is not None and self.scene.whole is not None and self.scene.view.zoomed:
            now = self.scene.view.axis(self.scene.whole)
            if not now.low <= x <= now.high:
                self._look(self.scene.view.pan(self.scene.whole, now.place(x) - 0.5))
        self._repaint()
        self.post_message(self.Moved(self, x))

    def _step(self, columns: int) -> None:
        plane = self.picture.plane
        place = None if plane is None else cursor.step(self._places(), plane, self._at, columns)
        if place is not None:
            self._set_cursor(place)

    # the way of looking

    def _zoom(self, factor: float, about: float | None) -> None:
        if self.scene.whole is not None:
            self._look(self.scene.view.zoom(self._seen_axis(self.scene.whole), factor, about))

    def _pan(self, share: float) -> None:
        if self.scene.whole is not None:
            view = self.scene.view.pan(self._seen_axis(self.scene.whole), share)
            self._look(view)
            if self.cursor is not None and view.low is not None and view.high is not None:
                self._take_along(view.low, view.high)

    def _take_along(self, low: float, high: float) -> None:
        """A cursor that would be left behind stays at the edge of what is seen."""
        if self.cursor is None or low <= self.cursor <= high:
            return
        seen = [x for x in self._places() if low <= x <= high]
        if seen:
            self._set_cursor(cursor.nearest(seen, self.cursor))

    def _seen_axis(self, whole: Axis) -> Axis:
        """The whole, logarithmic where it is drawn so, that what stays in place does so on the screen."""
        plane = self.picture.plane
        if plane is None or not plane.x.log:
            return whole
        low = whole.low if whole.low > 0 else plane.x.low
        return whole._replace(low=low, log=True)

    def _look(self, view: View) -> None:
        """Draw with what is there at once, and ask for what is not."""
        if view != self.scene.view:
            self._replace(view=view)
            self._feed.now()
