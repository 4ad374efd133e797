"""One value of a run, asked for and made into what a page shows: a text, or curves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.text import Text

from workbench.errors import WorkbenchError
from workbench.text import confusion, evaluation_plots, evaluations, pictures
from workbench.text.sanitize import clean, clean_name
from workbench.text.x_axes import METRIC
from workbench.tui.chart.source import Trace
from workbench.tui.model import fixed_curves
from workbench.tui.themes.palette import palette_of
from workbench.tui.values import drawing, images

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


class Curves(NamedTuple):
    """What a chart shows of a value."""

    title: str
    x: str
    traces: Sequence[Trace]


class Shown(NamedTuple):
    """A value as it is shown."""

    text: Text
    chart: Curves | None = None
    """Instead of the text."""
    ways: bool = False
    """Whether it can be seen in another way."""
    of: int = 1
    """How often it was logged under this name."""
    path: str | None = None
    """A picture's place in the run's folder."""


async def show(
    dashboard: Dashboard,
    run: str,
    item: Mapping[str, Any],
    room: tuple[int, int],
    *,
    other: bool = False,
    back: int = 0,
) -> Shown:
    """A value in so many cells and lines; what keeps it from being shown is said in its place.

    other: in its other way of being looked at. back: of several, so many before the last.
    """
    palette, name, kind = palette_of(dashboard), item["name"], item["kind"]
    call = dashboard.services.call
    try:
        if kind == "image":
            return await _image(dashboard, run, str(item["path"]), room)
        if kind == "text":
            found = await call("runs", "texts", run=run, name=name)
            return Shown(drawing.texts(found.get(name) or [], palette))
        if kind == "table":
            rows = await call("runs", "rows", run=run, name=name, limit=drawing.MOST_ROWS)
            return Shown(drawing.table(rows.get(name) or {}, room[0], palette))
        found = (await call("runs", "evaluations", run=run, name=name)).get(name) or []
    except WorkbenchError as problem:
        return Shown(Text(clean(f"{problem.message}\n{problem.hint or ''}", 1000), palette.style("bad")))
    if not found:
        return Shown(Text("it is gone", palette.style("quiet")))
    chosen = found[max(0, len(found) - 1 - back)]
    shown = _evaluation(dashboard, name, chosen, room[0], other)._replace(of=len(found))
    if len(found) > 1 and shown.chart is None:
        said = f"{len(found) - back} of {len(found)}   < earlier   > later\n\n"
        shown = shown._replace(text=Text(said, palette.style("quiet")) + shown.text)
    return shown


def _evaluation(dashboard: Dashboard, name: str, found: Mapping[str, Any], cells: int, other: bool) -> Shown:
    palette, data = palette_of(dashboard), found.get("data") or {}
    kind, title = str(found.get("schema_type")), clean_name(name, 60)
    if kind == "confusion_matrix":
        heat = confusion.heat(data, normalised=other)
        if heat is not None:
            ground = dashboard.screen.rich_style
            return Shown(drawing.matrix(heat, cells, palette, ground), ways=True)
    elif kind == "residuals":
        bars = drawing.bars(data, cells, palette)
        if bars is not None:
            return Shown(bars)
    elif plots := evaluation_plots.plots(kind, data):
        plot = plots[-1 if other else 0]
        curves = Curves(f"{title}: {plot.title}", METRIC + plot.x_label, fixed_curves.of_lines(plot.lines))
        return Shown(Text(), curves, ways=len(plots) > 1)
    return Shown(drawing.grid(evaluations.grid(kind, data), cells, palette))


async def _image(dashboard: Dashboard, run: str, path: str, room: tuple[int, int]) -> Shown:
    """A picture in half blocks, or what it is where it cannot be drawn here."""
    palette = palette_of(dashboard)
    data = await images.fetched(dashboard.services, run, path)
    ground = dashboard.screen.rich_style.bgcolor
    known = ground.triplet if ground is not None else None
    back = (0, 0, 0) if known is None else (known.red, known.green, known.blue)
    about = f"{clean_name(path, 200)}   {pictures.about(data)}   o opens it outside\n"
    said = Text(about, palette.style("quiet"))
    found = await asyncio.to_thread(images.cells, data, room[0], max(2, room[1] - 2), back)
    if isinstance(found, str):
        return Shown(said + Text(found, palette.style("warn")), path=path)
    colours = not dashboard.no_color
    return Shown(said + drawing.picture(found, palette, colours=colours), path=path)
