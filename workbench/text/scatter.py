"""Dots between two axes: on a terminal, one of them looked at, and as SVG. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from workbench.text import plot_svg, svg
from workbench.text.axis import Axis, drawable, spanning
from workbench.text.plane import Plane, Style
from workbench.text.plot_svg import LIGHT, Colours, Frame

_MARGIN = 0.04
DOT, CHOSEN = ("●", "o"), ("◆", "@")
"""What a dot is drawn with, and the one looked at; and in ASCII."""


class Dot(NamedTuple):
    """One thing: what it is known by, what it is called, where it stands."""

    key: str
    name: str
    x: float
    y: float


class Scatter(NamedTuple):
    """Dots and what stands on the axes."""

    x_label: str
    y_label: str
    dots: Sequence[Dot]
    places: tuple[str, ...] = ()
    """What whole numbers of x from 0 on are called; empty: x counts."""
    left_out: int = 0
    """How many have nothing to show on one of the axes."""
    log_x: bool = False
    log_y: bool = False


EMPTY = "nothing to plot: no finite values"


class Axes(NamedTuple):
    """The axes the dots are drawn on."""

    x: Axis
    y: Axis


def axes(scatter: Scatter) -> Axes | None:
    """The axes over all dots that can be shown; None when there are none."""
    dots = shown(scatter)
    if not dots:
        return None
    if scatter.places:
        x = Axis(-0.5, len(scatter.places) - 0.5)
    else:
        x = spanning([dot.x for dot in dots], log=scatter.log_x, margin=_MARGIN)
    return Axes(x, spanning([dot.y for dot in dots], log=scatter.log_y, margin=_MARGIN))


def shown(scatter: Scatter) -> list[Dot]:
    """The dots that can stand on such axes."""
    log_x = scatter.log_x and not scatter.places
    return [dot for dot in scatter.dots if drawable(dot.x, log=log_x) and drawable(dot.y, log=scatter.log_y)]


def plane(scatter: Scatter, cells: int, lines: int, style: Style, chosen: str | None = None) -> Plane | None:
    """The dots drawn, the chosen one over all others; None when there is nothing to show."""
    found = axes(scatter)
    if found is None:
        return None
    drawn = Plane(found.x, found.y, cells, lines, style, scatter.x_label, scatter.places)
    plain = style.ascii_only
    for dot in shown(scatter):
        if dot.key != chosen:
            drawn.put(dot.x, dot.y, DOT[plain], 0)
    for dot in shown(scatter):
        if dot.key == chosen:
            drawn.put(dot.x, dot.y, CHOSEN[plain], 1)
    return drawn


def step(scatter: Scatter, key: str | None, across: int, up: int) -> str | None:
    """The dot beside one in a direction: the next in x (across) or in y (up); None when there are none.

    Dots of one x are gone through by y, and the other way round.
    """
    dots = shown(scatter)
    if not dots:
        return None
    order = sorted(dots, key=(lambda dot: (dot.x, dot.y)) if across else (lambda dot: (dot.y, dot.x)))
    at = next((index for index, dot in enumerate(order) if dot.key == key), None)
    if at is None:
        return order[0 if across + up > 0 else -1].key
    return order[min(len(order) - 1, max(0, at + across + up))].key


def picture(scatter: Scatter, frame: Frame, colours: Colours = LIGHT) -> str:
    """The dots as SVG; each says its name to who points at it."""
    head, top = plot_svg.legend([], frame, colours)
    found = axes(scatter)
    if found is None:
        why = svg.said(EMPTY, frame.width / 2, frame.height / 2, plot_svg.TEXT, colours.quiet, "middle")
        return svg.document([*head, why], frame.width, frame.height, frame.title, colours.ground)
    frame = frame._replace(x_label=scatter.x_label, y_label=scatter.y_label)
    place = plot_svg.laid_out(found.x, found.y, top, frame)
    body = [*head, *plot_svg.frame_lines(place, frame, colours, scatter.places)]
    for dot in shown(scatter):
        about = svg.element("title", svg.words(dot.name))
        at = {"cx": place.across(dot.x), "cy": place.up(dot.y), "r": 4.0, "fill_opacity": 0.7}
        body.append(svg.element("circle", about, fill=colours.series[0], **at))
    return svg.document(body, frame.width, frame.height, frame.title, colours.ground)


def values(scatter: Scatter) -> list[list[str | float]]:
    """The dots as rows: first titles, then a row each, with what stands on the axes."""
    rows: list[list[str | float]] = [["id", "name", scatter.x_label, scatter.y_label]]
    for dot in scatter.dots:
        across = scatter.places[int(dot.x)] if scatter.places else dot.x
        rows.append([dot.key, dot.name, across, dot.y])
    return rows
