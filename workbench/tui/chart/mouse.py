"""The mouse over a chart: it reads, chooses a part of x, picks curves in the legend, zooms and pans."""

from __future__ import annotations

from textual import events

from workbench.tui.chart import cursor
from workbench.tui.chart.shown import ShownChart
from workbench.tui.chart.view import PAN, ZOOM


class MouseChart(ShownChart):
    """A chart that the mouse moves."""

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
