"""Line plots in text: braille dots, round ticks, a legend beside the data and never over it.

A series is given as points, or as buckets that already hold the least and the greatest value of what falls on
one column; either way each pixel column shows its whole range, so that a spike of one step survives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from workbench.text import axis as axes
from workbench.text.axis import Axis
from workbench.text.canvas import Canvas
from workbench.text.cells import cut, pad, width
from workbench.text.numbers import short
from workbench.text.style import RESET

# Eight colours that stay apart for colour-blind readers as far as 16-colour terminals allow, best first.
COLOURS = ("36", "33", "35", "32", "34", "31", "96", "93")
MARKS = "*+ox#%@&"


class Span(NamedTuple):
    """What one series did between two places of x: where it began and ended there, its least and greatest."""

    first_x: float
    last_x: float
    low: float
    high: float
    last: float


class Series(NamedTuple):
    """A named line. Spans ascend in x; one whose values are not finite is a gap."""

    name: str
    spans: Sequence[Span]


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
    whole_x: bool = False
    """x counts something: no ticks between whole numbers."""


def from_points(name: str, points: Sequence[tuple[float, float]]) -> Series:
    """A series of (x, value) points in ascending x."""
    return Series(name, [Span(x, x, value, value, value) for x, value in points])


def from_buckets(name: str, buckets: Sequence[tuple[float, float, float, float, float]]) -> Series:
    """A series of (first x, last x, min, max, last) buckets, as the store's envelope gives them."""
    return Series(name, [Span(*bucket) for bucket in buckets])


def plot(series: Sequence[Series], frame: Frame) -> list[str]:
    """The plot's lines, none wider than frame.cells.

    Above: title and legend. Left: value ticks. Below: the axis, its ticks and its label. When nothing can be
    shown it is one line that says so.
    """
    spans = [span for item in series for span in item.spans if _usable(span, frame)]
    if not spans:
        why = "nothing to plot: no finite values" + (" above zero" if frame.log_y else "")
        return [_cut(why, frame.cells, frame)]
    x = axes.spanning([s.first_x for s in spans] + [s.last_x for s in spans], log=frame.log_x)
    y = axes.spanning([s.low for s in spans] + [s.high for s in spans], log=frame.log_y, margin=0.02)
    head = _head(series, frame)
    rows = max(3, frame.lines - len(head) - 2)
    y_ticks = axes.ticks(y, max(3, rows // 3))
    y_labels = axes.labels(y_ticks)
    left = max([width(label) for label in y_labels], default=0)
    columns = max(4, frame.cells - left - 2)
    canvas = Canvas(columns, rows, ascii_only=frame.ascii_only)
    # The first series is drawn last: where lines cross, the one asked for first stays on top.
    for owner in reversed(range(len(series))):
        _draw(canvas, series[owner], owner, (x, y), frame)
    ends = _Ends(dict(_places(y_ticks, y_labels, y, rows)), left)
    body = [_row(canvas, row, ends, frame) for row in range(rows)]
    return [*head, *body, *_foot(x, left, columns, frame)]


class _Ends(NamedTuple):
    """What stands left of the rows: labels by row, in a column of so many cells."""

    labels: dict[int, str]
    left: int


def _usable(span: Span, frame: Frame) -> bool:
    across = axes.drawable(span.first_x, log=frame.log_x) and axes.drawable(span.last_x, log=frame.log_x)
    return across and all(axes.drawable(value, log=frame.log_y) for value in (span.low, span.high, span.last))


def _cut(text: str, cells: int, frame: Frame, *, middle: bool = False) -> str:
    return cut(text, cells, middle=middle, ellipsis="~" if frame.ascii_only else "…")


def _places(values: list[float], labels: list[str], axis: Axis, rows: int) -> list[tuple[int, str]]:
    return [
        (min(rows - 1, max(0, round((1 - axis.place(value)) * rows - 0.5))), label)
        for value, label in zip(values, labels, strict=True)
    ]


def _draw(canvas: Canvas, series: Series, owner: int, scales: tuple[Axis, Axis], frame: Frame) -> None:
    """Each span fills its column from its least to its greatest; the last value joins the next span.

    What cannot be drawn leaves a gap.
    """
    x, y = scales
    down = canvas.height - 1

    def height(value: float) -> int:
        return round((1 - y.place(value)) * down)

    before: tuple[int, int] | None = None
    for item in _columns(series.spans, x, canvas.width - 1, frame):
        if item is None:
            before = None
            continue
        first, last, span = item
        high, low = height(span.high), height(span.low)
        if before is not None and before[0] < first:
            # Join at the nearest height of the span, so that the envelope is not overdrawn.
            canvas.line(*before, first, min(max(before[1], high), low), owner)
        middle = (first + last) // 2
        canvas.column(middle, high, low, owner)
        end = height(span.last)
        if last > middle:
            canvas.line(middle, min(max(end, high), low), last, end, owner)
        before = (last, end)


def _columns(
    spans: Sequence[Span], x: Axis, across: int, frame: Frame
) -> Iterator[tuple[int, int, Span] | None]:
    """Spans with their first and last column of dots, those within one column as one; None for a gap."""
    held: tuple[int, Span] | None = None
    for span in spans:
        usable = _usable(span, frame)
        first, last = (round(x.place(end) * across) if usable else -1 for end in (span.first_x, span.last_x))
        if usable and held is not None and held[0] == first == last:
            low, high = min(held[1].low, span.low), max(held[1].high, span.high)
            held = (first, Span(held[1].first_x, span.last_x, low, high, span.last))
            continue
        if held is not None:
            yield held[0], held[0], held[1]
        held = (first, span) if usable and first == last else None
        if held is None:
            yield (first, last, span) if usable else None
    if held is not None:
        yield held[0], held[0], held[1]


def _row(canvas: Canvas, row: int, ends: _Ends, frame: Frame) -> str:
    label = ends.labels.get(row, "")
    edge = ("+" if label else "|") if frame.ascii_only else ("┤" if label else "│")
    out = [_dim(pad(label, ends.left, right=True) + " " + edge, frame)]
    owner_before = -1
    for character, owner in canvas.cells(row, MARKS):
        if frame.colour and owner != owner_before:
            out.append(RESET if owner < 0 else f"\x1b[{COLOURS[owner % len(COLOURS)]}m")
            owner_before = owner
        out.append(character)
    if frame.colour and owner_before >= 0:
        out.append(RESET)
    line = "".join(out)
    return line if frame.colour else line.rstrip()


def _head(series: Sequence[Series], frame: Frame) -> list[str]:
    """Title and legend: each name with its mark and last value, wrapped over as many lines as they need."""
    entries = []
    for owner, item in enumerate(series):
        mark = MARKS[owner % len(MARKS)] if frame.ascii_only else "━━"
        last = f" {short(item.spans[-1].last)}" if item.spans else " (no values)"
        name = _cut(item.name, max(4, frame.cells - width(mark) - width(last) - 1), frame, middle=True)
        colour = COLOURS[owner % len(COLOURS)] if frame.colour else ""
        painted = f"\x1b[{colour}m{mark}{RESET}" if colour else mark
        entries.append((f"{painted} {name}{_dim(last, frame)}", width(mark) + 1 + width(name) + width(last)))
    lines, line, used = [], "", 0
    if frame.title:
        title = _cut(frame.title, frame.cells, frame)
        lines.append(f"\x1b[1m{title}{RESET}" if frame.colour else title)
    for text, cells in entries:
        if line and used + 3 + cells > frame.cells:
            lines.append(line)
            line, used = "", 0
        line, used = (line + "   " + text, used + 3 + cells) if line else (text, cells)
    return [*lines, line] if line else lines


def _foot(x: Axis, left: int, columns: int, frame: Frame) -> list[str]:
    """The axis and its labels: as many round ticks as keep apart, the axis' own label at the right end."""
    most = max(2, columns // 12)
    if frame.whole_x and not x.log:
        most = min(most, int(x.high - x.low) + 1)
    values = axes.ticks(x, most)
    texts = axes.labels(values)
    ruler = ["-" if frame.ascii_only else "─"] * columns
    label = _cut(frame.x_label, max(0, columns // 3), frame)
    room = columns - width(label) - 1 if label else columns
    line = [" "] * columns
    free = 0
    for value, text in zip(values, texts, strict=True):
        at = min(columns - 1, max(0, round(x.place(value) * (columns - 1))))
        start = min(max(0, at - width(text) // 2), columns - width(text))
        if start < free or start + width(text) > room:
            continue
        ruler[at] = "+" if frame.ascii_only else "┬"
        line[start : start + width(text)] = list(text)
        free = start + width(text) + 2
    if label:
        line[columns - width(label) :] = [label]
    corner = "+" if frame.ascii_only else "└"
    return [
        _dim(" " * left + " " + corner + "".join(ruler), frame),
        _dim((" " * (left + 2) + "".join(line)).rstrip(), frame),
    ]


def _dim(text: str, frame: Frame) -> str:
    return f"\x1b[2m{text}{RESET}" if frame.colour else text
