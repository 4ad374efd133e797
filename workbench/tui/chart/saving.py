"""What a chart shows as a file: a picture in the theme's colours, or the values as lines of CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rich.color import Color
from rich.style import Style

from workbench.errors import StoreError, UsageError, WorkbenchError
from workbench.text import plot_svg, x_axes
from workbench.text.curves import within
from workbench.text.plot_svg import Colours, Frame, Line
from workbench.text.sanitize import clean_name
from workbench.tui.chart.scene import Scene, axes
from workbench.tui.frame.prompt import ask
from workbench.tui.here import here
from workbench.tui.themes.palette import Palette, palette_of

if TYPE_CHECKING:
    from textual.widget import Widget

    from workbench.tui.app import Dashboard

SVG, CSV = ".svg", ".csv"
_LONGEST = 60


def picture(scene: Scene, colours: Colours) -> str:
    """What a chart shows as SVG: the seen part of x, with the curves that are not hidden."""
    found = axes(scene)
    seen = None if isinstance(found, str) else found.x
    frame = Frame(
        title=scene.title,
        x_label=x_axes.label_of(scene.x),
        log_x=scene.view.log_x,
        log_y=scene.view.log_y,
        kind=x_axes.kind_of(scene.x),
        low=None if seen is None else seen.low,
        high=None if seen is None else seen.high,
    )
    lines = [
        Line(
            trace.name,
            trace.spans,
            scene.smooth.get(trace.key, ()),
            scene.series(trace.key),
            trace.older,
        )
        for trace in scene.shown
    ]
    return plot_svg.plot(lines, frame, colours)


def values(scene: Scene) -> str:
    """What a chart shows as CSV: a line for each value, or for the values that fall on one place of x."""
    label = x_axes.label_of(scene.x)
    smooth = bool(scene.smooth)
    rows: list[list[str | float]] = [["name", label, f"{label}_to", "value", "min", "max", "values"]]
    rows[0] += ["smooth"] if smooth else []
    found = axes(scene)
    for trace in scene.shown:
        spans = trace.spans
        smoothed = {span.last_x: span.last for span in scene.smooth.get(trace.key, ())}
        if not isinstance(found, str):
            spans = within(spans, found.x.low, found.x.high)
        for span in spans:
            rows.append([trace.name, span.first_x, span.last_x, span.last, span.low, span.high, span.points])
            rows[-1] += [smoothed.get(span.last_x, "")] if smooth else []
    return as_csv(rows)


def as_csv(rows: Iterable[Iterable[str | float]]) -> str:
    """Rows as lines of CSV."""
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def colours_of(palette: Palette, ground: Style) -> Colours:
    """A theme's colours as those of a picture; where only the terminal knows one, that of a usual picture."""
    usual = plot_svg.DARK if _is_dark(ground.bgcolor) else plot_svg.LIGHT
    named = [_hex(style.color) for style in palette.series]
    return Colours(
        _hex(ground.bgcolor) or usual.ground,
        _hex(palette.style("text").color) or usual.text,
        _hex(palette.style("dim").color) or usual.quiet,
        _hex(palette.style("axis").color) or usual.axis,
        _hex(palette.style("grid").color) or usual.grid,
        [colour for colour in named if colour] or usual.series,
    )


def _hex(colour: Color | None) -> str:
    """A colour as SVG has it; nothing where only the terminal knows it."""
    return colour.triplet.hex if colour is not None and colour.triplet is not None else ""


def _is_dark(colour: Color | None) -> bool:
    return colour is None or colour.triplet is None or sum(colour.triplet) < 3 * 128


async def ask_where(chart: Widget, scene: Scene) -> None:
    """Ask for a file's name, and write what a chart shows when it is given."""
    app = cast("Dashboard", chart.app)

    def written(kind: str) -> str:
        if kind == CSV:
            return values(scene)
        return picture(scene, colours_of(palette_of(app), chart.rich_style))

    await ask_name(app, scene.title, written)


async def ask_name(app: Dashboard, title: str, written: Callable[[str], str]) -> None:
    """Ask for a file's name that title proposes; written: its content, of a kind SVG or CSV."""
    name = clean_name(title, _LONGEST).replace("/", "_").replace(" ", "-").lstrip(".") or "chart"

    async def done(said: str) -> None:
        if not said.strip():
            return
        try:
            path = write(said.strip(), written)
        except WorkbenchError as problem:
            app.complain(problem)
            return
        app.notify(f"{clean_name(path.name)} is in {clean_name(str(path.parent))}", markup=False)

    hint = "a file that ends in .svg (the picture) or .csv (its values)"
    await ask(app, "save as", done, value=f"{name}{SVG}", hint=hint)


def write(said: str, written: Callable[[str], str]) -> Path:
    """Write a file of this side, of the kind its name says. Raises UsageError, StoreError."""
    path = here() / Path(said).expanduser()
    kind = path.suffix.lower()
    if kind not in (SVG, CSV):
        raise UsageError(f"{said!r} names no format", f"end it in {SVG} or {CSV}")
    content = written(kind)
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(content)
    except FileExistsError:
        raise UsageError(f"{said!r} is there already", "give it another name") from None
    except OSError as problem:
        raise StoreError(f"{said!r} cannot be written: {problem.strerror}", "give another place") from problem
    return path
