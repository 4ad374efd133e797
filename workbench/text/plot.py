"""Line plots in text: a legend above the data and never over it, painted with the terminal's own colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from workbench.text.axis import Kind, spanning
from workbench.text.cells import cut, width
from workbench.text.curves import Span, drawn, point
from workbench.text.not_finite import why_nothing
from workbench.text.numbers import short
from workbench.text.pieces import BEHIND, BRIGHT, Line, Piece, cells, plain
from workbench.text.plane import MARKS, Curve, Plane, Style
from workbench.text.style import RESET

# Eight colours that stay apart for colour-blind readers as far as 16-colour terminals allow, best first.
COLOURS = ("36", "33", "35", "32", "34", "31", "96", "93")
_CODES = {"axis": "2", "dim": "2", "title": "1"}


class Series(NamedTuple):
    """A named line. Spans ascend in x; one whose values are not finite is a gap."""

    name: str
    spans: Sequence[Span]
    smooth: Sequence[Span] = ()
    """A smoothed line; the other one is then dim behind it."""


class Frame(NamedTuple):
    """How a plot is drawn: its size in cells with everything around it, and what the terminal can do."""

    cells: int = 80
    lines: int = 20
    colour: bool = False
    ascii_only: bool = False
    log_x: bool = False
    log_y: bool = False
    title: str = ""
    x_label: str = "step"
    kind: Kind = "count"
    """What x counts."""


def from_points(name: str, points: Sequence[tuple[float, float]]) -> Series:
    """A series of (x, value) points in ascending x."""
    return Series(name, [point(x, value) for x, value in points])


def plot(series: Sequence[Series], frame: Frame) -> list[str]:
    """The plot's lines, none wider than frame.cells.

    Above: title and legend. Left: value ticks. Below: the axis, its ticks and its label. When nothing can be
    shown it is one line that says so.
    """
    spans = [span for item in series for span in drawn(item.spans, log_x=frame.log_x, log_y=frame.log_y)]
    if not spans:
        none = why_nothing(span for item in series for span in item.spans)
        why = f"nothing to plot: {none}" + (" above zero" if frame.log_y else "")
        return [_cut(why, frame.cells, frame)]
    ends = [end for span in spans for end in (span.first_x, span.last_x)]
    x = spanning(ends, log=frame.log_x, kind=frame.kind)
    y = spanning([end for span in spans for end in (span.low, span.high)], log=frame.log_y, margin=0.02)
    head = _head(series, frame)
    style = Style("ascii" if frame.ascii_only else "braille")
    plane = Plane(x, y, frame.cells, max(5, frame.lines - len(head)), style, frame.x_label)
    # The first series is drawn last: where lines cross, the one asked for first stays on top.
    for owner, item in enumerate(series):
        if item.smooth:
            plane.draw(Curve(item.spans, owner, BEHIND))
    plane.settle()
    for owner in reversed(range(len(series))):
        plane.draw(Curve(series[owner].smooth or series[owner].spans, owner))
    return [paint(line, frame.colour) for line in [*head, *plane.lines()]]


def paint(line: Line, colour: bool) -> str:
    """A line with the terminal's colours, or without any."""
    if not colour:
        return plain(line).rstrip()
    return "".join(_painted(piece) for piece in line).rstrip()


def _painted(piece: Piece) -> str:
    code = COLOURS[piece.series % len(COLOURS)] if piece.series >= 0 else _CODES.get(piece.role, "")
    if piece.series >= 0 and piece.stress != BRIGHT:
        code = f"2;{code}"
    return f"\x1b[{code}m{piece.text}{RESET}" if code else piece.text


def _cut(text: str, room: int, frame: Frame, *, middle: bool = False) -> str:
    return cut(text, room, middle=middle, ellipsis="~" if frame.ascii_only else "…")


def _head(series: Sequence[Series], frame: Frame) -> list[Line]:
    """Title and legend: each name with its mark and last value, wrapped over as many lines as they need."""
    lines: list[Line] = []
    if frame.title:
        lines.append([Piece(_cut(frame.title, frame.cells, frame), "title")])
    line: Line = []
    for owner, item in enumerate(series):
        mark = MARKS[owner % len(MARKS)] if frame.ascii_only else "━━"
        last = f" {short(item.spans[-1].last)}" if item.spans else " (no values)"
        name = _cut(item.name, max(4, frame.cells - width(mark) - width(last) - 1), frame, middle=True)
        entry = [Piece(mark, "", owner), Piece(f" {name}"), Piece(last, "dim")]
        if line and cells(line) + 3 + cells(entry) > frame.cells:
            lines.append(line)
            line = []
        line = [*line, Piece("   "), *entry] if line else entry
    return [*lines, line] if line else lines
