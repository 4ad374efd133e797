"""How long the dashboard's chart takes to draw itself, with nothing kept from the time before."""

from __future__ import annotations

import asyncio
import importlib
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from rich.style import Style as RichStyle
from textual.app import App

from tests.bench.report import Row, alternate, installed
from workbench.text import scatter as drawing
from workbench.text.curves import Span
from workbench.text.plane import Style
from workbench.text.plot_svg import DARK
from workbench.text.x_axes import STEP
from workbench.tui.chart import answers, saving
from workbench.tui.chart.grid import Grid, matching
from workbench.tui.chart.painting import Painter
from workbench.tui.chart.picture import Picture
from workbench.tui.chart.scene import Scene
from workbench.tui.chart.source import Trace, Window
from workbench.tui.chart.view import View
from workbench.tui.themes.palette import Palette
from workbench.views.scatter import scatter

COLUMNS, LINES = 120, 36
SERIES, BUCKETS = 4, 500
ROUNDS = 25
PEER = "textual-plotext"


def run() -> list[Row]:
    """Rows of a whole chart and of a cursor's step in it."""
    scene = answers.answered(Scene(title="loss"), _traces(), Window(STEP, None, None, BUCKETS), "")
    smoothed = scene._replace(view=View(level=3))
    smoothed = answers.smoothed(smoothed, answers.extents(scene.traces))
    painter = Painter(Palette({}), RichStyle(bgcolor="#101010"))
    style = Style("braille", painter.palette.marks, grid=True, ends=True)
    drawn = Picture(scene, COLUMNS, LINES, style)

    def whole(shown: Scene) -> Callable[[], float]:
        return lambda: _timed(lambda: _paint(Picture(shown, COLUMNS, LINES, style), painter))

    peer = _peer()
    measures = [whole(scene), whole(smoothed), lambda: _timed(lambda: _paint(drawn, painter))]
    figures = alternate([*measures, *([peer] if peer else [])], ROUNDS)
    theirs = figures[3] if peer else None
    reference = f"{PEER} {installed(PEER)}: {theirs:.1f} ms" if theirs else f"{PEER} is not installed"
    what = f"a chart drawn: {SERIES} curves of {BUCKETS} buckets at {COLUMNS} x {LINES}"
    ratio = figures[0] / theirs if theirs else None
    return [
        Row(what, figures[0], "ms", "<= 30 ms", reference, ratio),
        Row("the same, smoothed, the curves as they were behind", figures[1], "ms", "<= 45 ms"),
        Row("a step of the cursor in it", figures[2], "ms", "<= 5 ms"),
        *_others(scene),
    ]


METRICS, DOTS = 12_000, 1000


def _others(scene: Scene) -> list[Row]:
    """A chart as a file, a letter typed into the search of many metrics, runs as dots."""
    names = [f"layer{number // 40}/gradient {number % 40}" for number in range(METRICS)]
    runs = [
        {
            "id": f"{at}",
            "name": f"run-{at}",
            "params": {"lr": f"{1e-4 * at}"},
            "metrics": {"loss": math.sin(at)},
        }
        for at in range(DOTS)
    ]
    style = Style("braille", grid=True)

    def searched() -> None:
        Grid(matching(names, ("layer1", "3")), (), COLUMNS, LINES)

    def dots() -> None:
        plane = drawing.plane(scatter(runs, "lr", "loss"), COLUMNS, LINES, style)
        assert plane is not None
        plane.lines()

    figures = alternate(
        [
            lambda: _timed(lambda: saving.picture(scene, DARK)),
            lambda: _timed(searched),
            lambda: _timed(dots),
        ],
        ROUNDS,
    )
    return [
        Row("the same chart as a file of SVG", figures[0], "ms", "<= 60 ms"),
        Row(f"a letter more in the search of {METRICS:,} metrics", figures[1], "ms", "<= 33 ms"),
        Row(f"{DOTS:,} runs as dots", figures[2], "ms", "<= 33 ms"),
    ]


def _value(series: int, step: int) -> float:
    return math.exp(-step / (90 + 30 * series)) + 0.03 * math.sin(step * (1.7 + series))


def _traces() -> list[Trace]:
    found = []
    for series in range(SERIES):
        values = [_value(series, at) for at in range(BUCKETS)]
        spans = [
            Span(10.0 * at, 10.0 * at + 9, value - 0.02, value + 0.02, value, 10)
            for at, value in enumerate(values)
        ]
        found.append(Trace(f"run-{series}", f"run-{series}", spans, best=0.1))
    return found


def _paint(picture: Picture, painter: Painter) -> None:
    for line in picture.lines(2500.0):
        painter.strip(line, COLUMNS)


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _peer() -> Callable[[], float] | None:
    """The same curves as points in textual-plotext's widget, where it is installed."""
    if installed(PEER) is None:
        return None
    widget = asyncio.run(_mounted(importlib.import_module("textual_plotext").PlotextPlot))
    curves = [[_value(series, at) for at in range(BUCKETS)] for series in range(SERIES)]
    return lambda: _timed(lambda: _their_drawing(widget, curves))


async def _mounted(kind: type[Any]) -> Any:
    """A widget of theirs that knows its size."""

    class Stage(App[None]):
        def compose(self) -> Any:
            yield kind()

    app = Stage()
    async with app.run_test(size=(COLUMNS, LINES)) as pilot:
        await pilot.pause()
        return app.query_one(kind)


def _their_drawing(widget: Any, curves: Sequence[Sequence[float]]) -> None:
    widget.plt.clear_data()
    for number, values in enumerate(curves):
        widget.plt.plot(values, label=f"run-{number}", marker="braille")
    widget.plt.plotsize(COLUMNS, LINES)
    widget.plt.build()
