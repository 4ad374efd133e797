"""A large chart: curves under a cursor that reads them, zoomed and panned with keys or the mouse."""

from __future__ import annotations

from typing import ClassVar

from workbench.text.x_axes import TIME
from workbench.tui.actions.acting import Acting
from workbench.tui.chart import saving
from workbench.tui.chart.mouse import MouseChart
from workbench.tui.chart.scene import Scene
from workbench.tui.chart.view import PAN, SMOOTHING, ZOOM

_LEAP = 10
"""A large step of the cursor: the seen part of x divided by this."""


class Chart(Acting, MouseChart, can_focus=True):
    """Several series over one x axis, with what keys do to it."""

    PLACES: ClassVar[tuple[str, ...]] = ("chart",)
    DEFAULT_CSS = "Chart { width: 1fr; height: 1fr; }"

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
        self._look(self.scene.view._replace(log_x=not self.scene.view.log_x))

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

    async def do_chart_save(self) -> None:
        """Write what is shown to a file of this side."""
        await saving.ask_where(self, self.scene)

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
