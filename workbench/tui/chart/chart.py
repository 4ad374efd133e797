"""A large chart: curves under a cursor that reads them, zoomed and panned with keys or the mouse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from workbench.errors import WorkbenchError
from workbench.text.axis import Axis
from workbench.text.canvas import Dots
from workbench.text.plane import Style
from workbench.text.x_axes import RELATIVE, STEP, TIME
from workbench.tui.actions.acting import Acting
from workbench.tui.chart import answers, cursor
from workbench.tui.chart.answers import Extent
from workbench.tui.chart.feed import Feed
from workbench.tui.chart.painting import Painter
from workbench.tui.chart.picture import Picture
from workbench.tui.chart.scene import Scene
from workbench.tui.chart.source import Source, Trace, Window, clean
from workbench.tui.chart.view import PAN, SMOOTHING, ZOOM, View
from workbench.tui.themes.palette import palette_of

_LEAP = 10
"""A large step of the cursor: the seen part of x divided by this."""
_LEAST_BUCKETS = 200


class Chart(Acting, Widget, can_focus=True):
    """Several series over one x axis.

    source gives the curves; x_axes are what `i` goes through; empty says why there may be none.
    """

    PLACES: ClassVar[tuple[str, ...]] = ("chart",)
    DEFAULT_CSS = "Chart { width: 1fr; height: 1fr; }"

    class Moved(Message):
        """The cursor stands elsewhere: x in what the axis counts, or None when it went away."""

        def __init__(self, chart: Chart, x: float | None) -> None:
            super().__init__()
            self.chart, self.x = chart, x

        @property
        def control(self) -> Chart:
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

    # what keys do

    def refusal(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        verb = action.partition(".")[2]
        if verb == "next-x":
            return None if len(self._x_axes) > 1 else "there is no other x axis here"
        if not self.scene.traces:
            return "there is nothing in this chart yet"
        if verb == "log-x" and self.scene.x == TIME:
            return "dates have no logarithm; i changes the x axis"
        if verb in ("pan-left", "pan-right", "zoom-out", "whole") and not self.scene.view.zoomed:
            return "all of it is seen already; + zooms in"
        if verb in ("up", "down") and len(self.scene.traces) == 1:
            return "there is only one curve here"
        return None

    def do_chart_left(self) -> None:
        """Move the cursor left."""
        self._step(-1)

    def do_chart_right(self) -> None:
        """Move the cursor right."""
        self._step(1)

    def do_chart_leap_left(self) -> None:
        """Move the cursor far left."""
        self._step(-max(1, self.picture.body.cells // _LEAP))

    def do_chart_leap_right(self) -> None:
        """Move the cursor far right."""
        self._step(max(1, self.picture.body.cells // _LEAP))

    def do_chart_first(self) -> None:
        """Put the cursor on the first value."""
        if self.scene.current in self._extents:
            self._set_cursor(self._extents[self.scene.current].first)

    def do_chart_last(self) -> None:
        """Put the cursor on the last value."""
        if self.scene.current in self._extents:
            self._set_cursor(self._extents[self.scene.current].last)

    def do_chart_up(self) -> None:
        """Make the curve before the current one."""
        self._choose(-1)

    def do_chart_down(self) -> None:
        """Make the curve after the current one."""
        self._choose(1)

    def _choose(self, by: int) -> None:
        keys = [trace.key for trace in self.scene.traces]
        at = keys.index(self.scene.current) + by
        self._replace(current=keys[at % len(keys)])

    def do_chart_toggle(self) -> None:
        """Hide the current curve, or show it again."""
        self._replace(hidden=self.scene.hidden ^ {self.scene.current})

    def do_chart_zoom_in(self) -> None:
        """Closer around the cursor."""
        self._zoom(ZOOM, self._at)

    def do_chart_zoom_out(self) -> None:
        """Farther around the cursor."""
        self._zoom(1 / ZOOM, self._at)

    def do_chart_whole(self) -> None:
        """All of x."""
        self._look(self.scene.view.whole())

    def do_chart_pan_left(self) -> None:
        """What lies left of what is seen."""
        self._pan(-PAN)

    def do_chart_pan_right(self) -> None:
        """What lies right of what is seen."""
        self._pan(PAN)

    def do_chart_log_y(self) -> None:
        """Values on a logarithmic axis, or a linear one again."""
        self._replace(view=self.scene.view._replace(log_y=not self.scene.view.log_y))

    def do_chart_log_x(self) -> None:
        """X on a logarithmic axis, or a linear one again."""
        self._replace(view=self.scene.view._replace(log_x=not self.scene.view.log_x))

    def do_chart_smoother(self) -> None:
        """More smoothing."""
        self._level(1)

    def do_chart_rougher(self) -> None:
        """Less smoothing."""
        self._level(-1)

    def _level(self, by: int) -> None:
        level = min(len(SMOOTHING) - 1, max(0, self.scene.view.level + by))
        self.scene = self.scene._replace(view=self.scene.view._replace(level=level))
        self._smooth()

    def do_chart_next_x(self) -> None:
        """The next x axis; the zoom and the cursor do not carry over."""
        at = self._x_axes.index(self.scene.x) + 1
        self.cursor = self._hover = None
        x = self._x_axes[at % len(self._x_axes)]
        view = self.scene.view.whole()._replace(log_x=self.scene.view.log_x and x != TIME)
        blank = Scene(title=self.scene.title, empty="loading ...")
        self.scene = blank._replace(x=x, view=view, hidden=self.scene.hidden, current=self.scene.current)
        self._redraw()
        self._feed.now()

    def _zoom(self, factor: float, about: float | None) -> None:
        if self.scene.whole is not None:
            self._look(self.scene.view.zoom(self._seen_axis(self.scene.whole), factor, about))

    def _pan(self, share: float) -> None:
        if self.scene.whole is not None:
            self._look(self.scene.view.pan(self._seen_axis(self.scene.whole), share))

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

    # the mouse

    def _x_under(self, event: events.MouseEvent) -> float | None:
        """The x of the column under the mouse; None where the plane is not."""
        plane, body = self.picture.plane, self.picture.body
        if plane is None or not body.holds(event.x, event.y):
            return None
        column = event.x - body.left - plane.left
        return plane.x_at(column) if 0 <= column < plane.columns else None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Read what is under the mouse, or choose a part of x with a held button."""
        x = self._x_under(event)
        if x is None:
            if self._drag is None:
                self.on_leave()
            return
        if self._drag is not None and event.button:
            self._drag = (self._drag[0], x)
        hover = cursor.nearest(self._places(), x)
        if hover != self._hover or self._drag is not None:
            self._hover = hover
            self._repaint()

    def on_leave(self) -> None:
        """The cursor goes back to where keys put it."""
        if self._hover is not None:
            self._hover = None
            self._repaint()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to choose a part of x, or choose a curve in the legend."""
        entry = self.picture.entry_at(event.x, event.y)
        if entry is not None:
            key, mark = entry
            if mark or key == self.scene.current:
                self._replace(hidden=self.scene.hidden ^ {key})
            else:
                self._replace(current=key)
            return
        x = self._x_under(event)
        if x is not None:
            self.capture_mouse()
            self._drag = (x, x)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Zoom to the part chosen; without one the cursor is put here."""
        if self._drag is None:
            return
        self.release_mouse()
        first, last = self._drag
        self._drag = None
        plane, whole = self.picture.plane, self.scene.whole
        if plane is not None and whole is not None and plane.column_of(first) != plane.column_of(last):
            self._look(self.scene.view.to(whole, first, last))
            self._repaint()
        else:
            self._set_cursor(cursor.nearest(self._places(), first))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Closer around the mouse; with shift to the left."""
        self._wheel(event, ZOOM, -PAN)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Farther around the mouse; with shift to the right."""
        self._wheel(event, 1 / ZOOM, PAN)

    def _wheel(self, event: events.MouseEvent, factor: float, share: float) -> None:
        x = self._x_under(event)
        if x is None:
            return
        event.stop()
        if event.shift:
            self._pan(share)
        else:
            self._zoom(factor, x)
