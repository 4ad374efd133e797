"""Lines of a log as strips of cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from workbench.text.log_line import LIMIT, Shown
from workbench.text.sgr import PLAIN
from workbench.text.sizes import short
from workbench.tui.logs.colours import LogColours
from workbench.tui.themes.palette import Palette


class Pens(NamedTuple):
    """What lines are drawn with, in one theme."""

    palette: Palette
    colours: LogColours
    ground: Style

    def role(self, name: str) -> Style:
        """The style of a role of the palette, on the ground of the log."""
        return self.ground + self.palette.style(name)


class Stroke(NamedTuple):
    """A line to draw: the part of a row's text from begin to end, and what is special about it."""

    shown: Shown
    begin: int
    end: int
    matches: Sequence[tuple[int, int]] = ()
    """Stretches of the row's text that match a search."""
    current: bool = False
    """Whether it is the line one stands on."""


def text_strip(stroke: Stroke, pens: Pens, left: int, width: int) -> Strip:
    """A line that fills width cells, from its cell left on."""
    shown = stroke.shown
    segments = list(_segments(stroke, pens))
    if shown.clipped and stroke.end == len(shown.text):
        mark = "..." if pens.palette.ascii else "…"
        segments.append(Segment(f"{mark} (more than {LIMIT:,} characters)", pens.role("dim")))
    strip = Strip(segments)
    if left > 0 and not strip.cell_length <= left:
        strip = strip.crop(left, left + width)
    elif left > 0:
        strip = Strip([])
    strip = strip.adjust_cell_length(width, pens.ground)
    return _stood_on(strip, pens) if stroke.current else strip


def _stood_on(strip: Strip, pens: Pens) -> Strip:
    """The line with the ground of where one stands; what has a ground of its own keeps it."""
    ground = pens.ground.bgcolor
    over = pens.palette.style("cursor-blurred")
    if over.bgcolor is None or over.bgcolor == ground:
        over += Style(underline=True)  # a theme of the terminal's own colours has no other ground
    return Strip(
        [
            Segment(text, style + over if style is not None and style.bgcolor == ground else style)
            for text, style, _ in strip
        ],
        strip.cell_length,
    )


def _segments(stroke: Stroke, pens: Pens) -> Iterable[Segment]:
    """The text between its begin and end, cut where its look changes or a match begins or ends."""
    shown, begin, end = stroke.shown, stroke.begin, stroke.end
    looks = shown.looks or ((len(shown.text), PLAIN),)
    match = pens.palette.style("match-current" if stroke.current else "match")
    edges = sorted({begin, end, *(at for span in stroke.matches for at in span if begin < at < end)})
    spans = [span for span in stroke.matches if span[0] < end and span[1] > begin]
    at = 0
    for stop, look in looks:
        style = pens.ground if look == PLAIN else pens.colours.style(look)
        low, high = max(at, begin), min(stop, end)
        at = stop
        if low >= high:
            continue
        for first, last in _between(low, high, edges):
            inside = any(span[0] <= first < span[1] for span in spans)
            yield Segment(shown.text[first:last], style + match if inside else style)


def _between(low: int, high: int, edges: Sequence[int]) -> Iterable[tuple[int, int]]:
    places = [low, *(edge for edge in edges if low < edge < high), high]
    return pairwise(places)


def gap_strip(size: int, pens: Pens, width: int) -> Strip:
    """The one quiet line that stands for bytes that were not kept."""
    rule = "-" if pens.palette.ascii else "╌"
    words = f" {short(size)} of output were not kept "
    before = max(0, (width - len(words)) // 2)
    line = (rule * before + words).ljust(width, rule)
    return Strip([Segment(line[:width], pens.role("gap"))], width)


def number_strip(number: int | None, width: int, pens: Pens) -> Strip:
    """A line number, from 0, shown from 1, in the column beside the text."""
    text = "" if number is None else str(number + 1)
    return Strip([Segment(text.rjust(width - 1)[-(width - 1) :] + " ", pens.role("dim"))], width)


def clock_strip(text: str, width: int, pens: Pens) -> Strip:
    """When a line came, in the column beside the text."""
    return Strip([Segment(text.ljust(width)[:width], pens.role("dim"))], width)


def bar_strip(seen: bool, marked: bool, pens: Pens) -> Strip:
    """One cell of the bar beside the log."""
    plain = pens.palette.ascii
    if marked:
        return Strip([Segment("=" if plain else "━", pens.role("mark"))], 1)
    glyph = ("#" if plain else "┃") if seen else ("|" if plain else "│")
    return Strip([Segment(glyph, pens.role("axis" if seen else "grid"))], 1)
