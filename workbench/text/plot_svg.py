"""Plots as SVG: the curves of `text.curves` between the axes of `text.axis`, in a theme's colours. Pure.

The same plot in the same colours is the same text. Every name in it is made harmless.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from workbench.text import svg
from workbench.text.axis import HUGE, Axis, Kind, spanning
from workbench.text.cells import width
from workbench.text.curves import Span, drawn, within
from workbench.text.not_finite import NAN, UPWARD, marks, why_nothing
from workbench.text.numbers import short
from workbench.text.ticks import labels, ticks


class Colours(NamedTuple):
    """What a picture is painted with: colours as SVG has them, such as #1f2328."""

    ground: str
    text: str
    quiet: str
    """Labels of axes, values in the legend."""
    axis: str
    grid: str
    series: Sequence[str]
    """One a line, repeated when there are more lines."""


LIGHT: Final = Colours(
    "#ffffff",
    "#1f2328",
    "#59636e",
    "#8c959f",
    "#e4e8ec",
    ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#e69f00", "#666666"),
)
"""Dark lines that are told apart by colour-blind readers, for paper and reports."""
DARK: Final = Colours(
    "#0d1117",
    "#e6edf3",
    "#9198a1",
    "#656c76",
    "#21262d",
    ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#0072b2", "#999999"),
)


class Line(NamedTuple):
    """One curve of a picture."""

    name: str
    spans: Sequence[Span]
    """Ascending in x; what is not finite is a gap with a mark."""
    smooth: Sequence[Span] = ()
    """A smoothed line over it; the raw one is then pale."""
    series: int | None = None
    """Whose colour it has; None: that of its place."""
    older: Sequence[Sequence[Span]] = ()
    """What was replaced, pale behind."""


class Frame(NamedTuple):
    """How a picture is laid out; width and height in pixels with everything around the plane."""

    width: int = 800
    height: int = 420
    title: str = ""
    x_label: str = "step"
    y_label: str = ""
    log_x: bool = False
    log_y: bool = False
    kind: Kind = "count"
    """What x counts."""
    low: float | None = None
    """The part of x that is shown; None with high: all of it."""
    high: float | None = None
    lasts: bool = True
    """Whether the legend says each line's last value."""


USUAL: Final = Frame()


class Plane(NamedTuple):
    """Where values stand: axes and the pixels between them."""

    x: Axis
    y: Axis
    left: float
    top: float
    right: float
    bottom: float

    def across(self, value: float) -> float:
        """The pixel of an x."""
        return self.left + self.x.place(value) * (self.right - self.left)

    def up(self, value: float) -> float:
        """The pixel of a y; what lies outside ends at the edge."""
        return self.bottom - min(1.0, max(0.0, self.y.place(value))) * (self.bottom - self.top)


TITLE, TEXT = 15.0, 12.0
"""Sizes of type, in pixels."""
_PAD, _LINE, _MARK = 14.0, 18.0, 3.5
_THIN, _THICK, _PALE = 1.0, 1.6, 0.35


def plot(lines: Sequence[Line], frame: Frame = USUAL, colours: Colours = LIGHT) -> str:
    """The picture as a whole SVG document.

    Title and legend stand above the data, never over it. Without a value that can be shown the picture says
    so in words.
    """
    head, top = legend(lines, frame, colours)
    found = _axes(lines, frame)
    if found is None:
        none = why_nothing(span for item in lines for span in item.spans)
        why = f"nothing to plot: {none}" + (" above zero" if frame.log_y or frame.log_x else "")
        middle = svg.said(why, frame.width / 2, (top + frame.height) / 2, TEXT, colours.quiet, "middle")
        return svg.document([*head, middle], frame.width, frame.height, frame.title, colours.ground)
    plane = laid_out(*found, top, frame)
    body = [*head, *frame_lines(plane, frame, colours)]
    # The first line is drawn last: where lines cross, the one asked for first stays on top.
    for place in reversed(range(len(lines))):
        body += _curve(plane, lines[place], _colour(lines[place], place, colours))
    return svg.document(body, frame.width, frame.height, frame.title, colours.ground)


def inline(lines: Sequence[Line], frame: Frame = USUAL) -> str:
    """The picture as it may stand in an HTML or Markdown document: an element without an empty line."""
    return "\n".join(line for line in plot(lines, frame).split("\n") if line.strip())


def _colour(item: Line, place: int, colours: Colours) -> str:
    return colours.series[(place if item.series is None else item.series) % len(colours.series)]


def _axes(lines: Sequence[Line], frame: Frame) -> tuple[Axis, Axis] | None:
    """The axes over what is shown; None when nothing can be."""
    low = -HUGE if frame.low is None else frame.low
    high = HUGE if frame.high is None else frame.high
    curves = [curve for item in lines for curve in (item.spans, *item.older)]
    spans = [
        span
        for curve in curves
        for span in drawn(within(curve, low, high), log_x=frame.log_x, log_y=frame.log_y)
    ]
    if not spans:
        return None
    if frame.low is not None and frame.high is not None and (frame.low > 0 or not frame.log_x):
        ends = [frame.low, frame.high]
    else:
        ends = [end for span in spans for end in (span.first_x, span.last_x)]
    values = [end for span in spans for end in (span.low, span.high)]
    return spanning(ends, log=frame.log_x, kind=frame.kind), spanning(values, log=frame.log_y, margin=0.03)


def laid_out(x: Axis, y: Axis, top: float, frame: Frame) -> Plane:
    """The plane below its head, with room for the labels of its axes."""
    texts = labels(ticks(y, max(2, int((frame.height - top) / 45))), y)
    left = _PAD + max([3, *(width(text) for text in texts)]) * TEXT * 0.62 + (_LINE if frame.y_label else 0)
    return Plane(x, y, left, top + 4, frame.width - _PAD, frame.height - 2.6 * _LINE)


def frame_lines(plane: Plane, frame: Frame, colours: Colours, places: Sequence[str] = ()) -> list[str]:
    """Grid, axes and their labels; places: what the whole numbers of x from 0 on are called, if anything."""
    found = []
    values = ticks(plane.y, max(2, int((plane.bottom - plane.top) / 45)))
    for value, text in zip(values, labels(values, plane.y), strict=True):
        y = plane.up(value)
        found.append(svg.line(plane.left, y, plane.right, y, colours.grid))
        found.append(svg.said(text, plane.left - 6, y + TEXT / 3, TEXT, colours.quiet, "end"))
    found.append(svg.line(plane.left, plane.bottom, plane.right, plane.bottom, colours.axis))
    found.append(svg.line(plane.left, plane.top, plane.left, plane.bottom, colours.axis))
    for value, text in _x_labels(plane, places):
        x = plane.across(value)
        found.append(svg.line(x, plane.bottom, x, plane.bottom + 4, colours.axis))
        found.append(svg.said(text, x, plane.bottom + _LINE, TEXT, colours.quiet, "middle"))
    if frame.x_label:
        at = (plane.left + plane.right) / 2
        text = svg.fitted(frame.x_label, plane.right - plane.left, TEXT)
        found.append(svg.said(text, at, plane.bottom + 1.95 * _LINE, TEXT, colours.text, "middle"))
    if frame.y_label:
        middle = (plane.top + plane.bottom) / 2
        text = svg.words(svg.fitted(frame.y_label, plane.bottom - plane.top, TEXT))
        turned = f"translate({svg.number(_PAD + 2)} {svg.number(middle)}) rotate(-90)"
        found.append(
            svg.element(
                "text", text, transform=turned, font_size=TEXT, fill=colours.text, text_anchor="middle"
            )
        )
    return found


def _x_labels(plane: Plane, places: Sequence[str]) -> Iterator[tuple[float, str]]:
    """Places of x and what stands there: as many as keep apart."""
    room = plane.right - plane.left
    if places:
        stride = -(-len(places) // max(1, int(room / 70)))
        each = room / len(places) * stride
        yield from (
            (float(at), svg.fitted(text, each, TEXT)) for at, text in list(enumerate(places))[::stride]
        )
        return
    values = ticks(plane.x, max(2, int(room / 90)))
    yield from zip(values, labels(values, plane.x), strict=True)


def _curve(plane: Plane, item: Line, colour: str) -> list[str]:
    found = [
        svg.path(points, colour, _THIN, _PALE) for curve in item.older for points in _stretches(plane, curve)
    ]
    pale = bool(item.smooth)
    found += [
        svg.path(points, colour, _THIN if pale else _THICK, _PALE if pale else 1.0)
        for points in _stretches(plane, item.spans)
    ]
    found += [svg.path(points, colour, _THICK) for points in _stretches(plane, item.smooth)]
    for mark in marks(within(item.spans, plane.x.low, plane.x.high)):
        if plane.x.reaches(mark.x):
            found.append(_mark(plane, mark.x, mark.kind, colour))
    return found


def _stretches(plane: Plane, spans: Sequence[Span]) -> Iterator[list[tuple[float, float]]]:
    """The points of each stretch without a gap: every span goes over its whole range, so spikes survive."""
    least_x = plane.x.low if plane.x.log else -HUGE
    seen = within(spans, plane.x.low, plane.x.high)
    shown = (next(drawn([span], log_x=plane.x.log, log_y=plane.y.log), None) for span in seen)
    for gap, group in groupby(shown, lambda span: span is None):
        if gap:
            continue
        points: list[tuple[float, float]] = []
        for span in filter(None, group):
            first, last = (plane.across(max(x, least_x)) for x in (span.first_x, span.last_x))
            if span.high > span.low:
                middle = (first + last) / 2
                points += [(middle, plane.up(span.low)), (middle, plane.up(span.high))]
            ending = span.last if span.low <= span.last <= span.high else (span.low + span.high) / 2
            points.append((last, plane.up(ending)))
        yield _shorter(plane, points)


def _shorter(plane: Plane, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points inside the plane's sides, those that lie on the one before left out."""
    found: list[tuple[float, float]] = []
    for x, y in points:
        here = (round(min(max(x, plane.left), plane.right), 2), round(y, 2))
        if not found or here != found[-1]:
            found.append(here)
    return found


def _mark(plane: Plane, x: float, kind: str, colour: str) -> str:
    """A cross below for nan, a triangle at the edge that any other value left by."""
    at, size = plane.across(x), _MARK
    if kind != NAN:
        edge, inside = (plane.top, size * 1.6) if kind in UPWARD else (plane.bottom, -size * 1.6)
        corners = ((at, edge), (at - size, edge + inside), (at + size, edge + inside))
        shape = " ".join(f"{svg.number(a)},{svg.number(b)}" for a, b in corners)
        return svg.element("polygon", svg.element("title", kind), points=shape, fill=colour)
    y = plane.bottom - size
    strokes = "".join(
        f"M{svg.number(at - size)} {svg.number(y - size * turn)}"
        f"L{svg.number(at + size)} {svg.number(y + size * turn)}"
        for turn in (1, -1)
    )
    return svg.element("path", svg.element("title", kind), d=strokes, stroke=colour, stroke_width=_THIN)


def legend(lines: Sequence[Line], frame: Frame, colours: Colours) -> tuple[list[str], float]:
    """Title and names with their last values, in as many lines as they need, and where those end."""
    found, y, x = [], _PAD, _PAD
    if frame.title:
        y += TITLE
        title = svg.fitted(frame.title, frame.width - 2 * _PAD, TITLE)
        found.append(svg.said(title, _PAD, y, TITLE, colours.text))
    if not lines:
        return found, y + _PAD
    y += _LINE
    for place, item in enumerate(lines):
        last = "no values" if not item.spans else short(item.spans[-1].last) if frame.lasts else ""
        name = svg.fitted(item.name, (frame.width - 2 * _PAD) * 0.6, TEXT)
        room = 24 + (width(name) + width(last) + 3) * TEXT * 0.6
        if x > _PAD and x + room > frame.width - _PAD:
            x, y = _PAD, y + _LINE
        colour = _colour(item, place, colours)
        found.append(svg.line(x, y - TEXT / 3, x + 16, y - TEXT / 3, colour, 3))
        value = f'<tspan fill="{svg.words(colours.quiet)}">{svg.words(last)}</tspan>'
        label = f"{svg.words(name)} {value}"
        found.append(svg.element("text", label, x=x + 22, y=y, font_size=TEXT, fill=colours.text))
        x += room
    return found, y + _PAD
