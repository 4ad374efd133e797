"""One small chart: its name and last value, and its course with a range of values. Pure."""

from __future__ import annotations

from typing import NamedTuple

from workbench.text.cells import cut, width
from workbench.text.numbers import short
from workbench.text.pieces import BEHIND, BRIGHT, NO_SERIES, Line, Piece, cells
from workbench.text.plane import Curve, Plane, Style
from workbench.tui.chart.grid import Heading
from workbench.tui.chart.scene import Scene, axes, put_spots, read
from workbench.tui.chart.source import clean

_MARGIN = 2
"""Cells between two small charts."""
_GUTTER = 4
"""Cells of their values."""


class Card(NamedTuple):
    """What one small chart shows."""

    name: str
    scene: Scene | None
    """None: not known yet."""
    cursor: str = ""
    """The role of its heading when the cursor is on it."""


def card_lines(card: Card, columns: int, lines: int, style: Style) -> list[Line]:
    """A card in exactly so many lines, each of exactly so many cells; the last line is left free."""
    room = max(1, columns - _MARGIN)
    head = _head(card, room, style)
    body = _body(card.scene, room, max(0, lines - 2), style)
    drawing = [head, *body][:lines]
    drawing += [[] for _ in range(lines - len(drawing))]
    return [[*line, Piece(" " * max(0, columns - cells(line)))] for line in drawing]


def _head(card: Card, room: int, style: Style) -> Line:
    scene = card.scene
    traces = [] if scene is None else scene.traces
    trace = traces[0] if len(traces) == 1 else next((one for one in traces if one.spot), None)
    value = "" if scene is None or trace is None else short(read(scene, trace, None).value)
    series = NO_SERIES
    if scene is not None and trace is not None and trace.spot:
        series = scene.series(trace.key)
        value = f"{style.marks[series % len(style.marks)]} {value}"
    value = value if width(value) + 3 <= room else ""
    ellipsis = "~" if style.ascii_only else "…"
    name = cut(card.name, max(1, room - width(value) - 1), middle=True, ellipsis=ellipsis)
    gap = max(0, room - width(name) - width(value))
    shown = Piece(value, card.cursor or "text") if card.cursor or series < 0 else Piece(value, "", series)
    return [Piece(name + " " * gap, card.cursor or "header"), shown]


def _body(scene: Scene | None, room: int, lines: int, style: Style) -> list[Line]:
    if lines < 1:
        return []
    found = "..." if scene is None else axes(scene)
    if scene is None or isinstance(found, str):
        text = cut(str(found), room, ellipsis="~" if style.ascii_only else "…")
        return [*([] for _ in range((lines - 1) // 2)), [Piece(text, "dim")]]
    plane = Plane(found.x, found.y, room, lines, style._replace(foot=False, gutter=_GUTTER))
    for trace in reversed([trace for trace in scene.traces if not trace.spot]):
        smooth = scene.smooth.get(trace.key)
        if smooth is not None:
            plane.draw(Curve(trace.spans, scene.series(trace.key), BEHIND))
            plane.settle()
        plane.draw(Curve(smooth or trace.spans, scene.series(trace.key), BRIGHT))
    put_spots(scene, plane, style.marks)
    return plane.lines()


def heading_line(heading: Heading, cursor: str, columns: int, ascii_only: bool) -> Line:
    """What stands over a group: whether it is folded, its prefix, how many there are, a rule to the end."""
    sign = (">" if heading.folded else "v") if ascii_only else ("▸" if heading.folded else "▾")
    ellipsis = "~" if ascii_only else "…"
    count = f" {heading.members} "
    title = f"{sign} {clean(heading.prefix)}"
    name = cut(title, max(1, columns - len(count)), middle=True, ellipsis=ellipsis)
    line = [Piece(name, cursor or "title"), Piece(count, "dim")]
    rule = "-" if ascii_only else "─"
    return [*line, Piece(rule * max(0, columns - cells(line)), "grid")]
