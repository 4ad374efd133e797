"""The chart under keys, the mouse, other sizes and other themes."""

from __future__ import annotations

import asyncio
import math

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.faces.tui.curves import Curves, decay
from workbench.errors import NotFound
from workbench.text.x_axes import STEP, TIME
from workbench.tui.chart.large_chart import Chart
from workbench.tui.themes.palette import Looks

SIZE = (120, 36)


class Stage(App[None]):
    def __init__(self, source: Curves, ascii_only: bool = False) -> None:
        super().__init__()
        self.source, self.looks = source, Looks(ascii=ascii_only)

    def compose(self) -> ComposeResult:
        """One chart."""
        yield Chart(self.source, title="loss", x_axes=(STEP, TIME, "metric:epoch"))


def text_of(chart: Chart) -> str:
    return "\n".join(chart.render_line(y).text for y in range(chart.size.height))


async def ready(pilot: Pilot[None]) -> Chart:
    chart = pilot.app.query_one(Chart)
    chart.focus()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    return chart


def two(count: int = 1000) -> Curves:
    return Curves({"alpha": decay(count), "beta": decay(count, 3)})


async def test_keys_move_the_cursor_and_read_the_values_there() -> None:
    app = Stage(Curves({"alpha": [float(n * n) for n in range(11)], "beta": [float(n) for n in range(11)]}))
    async with app.run_test(size=SIZE) as pilot:
        chart = await ready(pilot)
        await pilot.press("left", "left", "left", "h")
        assert chart.cursor == 7
        shown = text_of(chart)
        assert "step 7" in shown
        assert "49" in shown
        await pilot.press("right", "l")
        assert chart.cursor == 9
        await pilot.press("g")
        assert chart.cursor == 0
        await pilot.press("end")
        assert chart.cursor == 10
        await pilot.press("ctrl+left")
        assert chart.cursor == 9


async def test_zoom_pan_and_whole_ask_for_what_is_seen() -> None:
    source = two(10_000)
    app = Stage(source)
    async with app.run_test(size=SIZE) as pilot:
        chart = await ready(pilot)
        await pilot.press("end", "plus", "plus", "plus")
        await ready(pilot)
        seen = chart.picture.plane
        assert seen is not None
        assert seen.x.high == 9999
        assert seen.x.low == pytest.approx(9999 * 7 / 8)
        assert source.asked[-1].low == pytest.approx(9999 * (7 / 8 - 1 / 16))
        trace = chart.scene.trace("alpha")
        assert trace is not None
        assert max(span.points for span in trace.spans) < 6, "finer than the whole"
        await pilot.press("shift+left")
        assert chart.scene.view.high == pytest.approx(9999 - 9999 / 32)
        await pilot.press("shift+right", "shift+right")
        assert chart.scene.view.high == 9999
        await pilot.press("0")
        await ready(pilot)
        assert not chart.scene.view.zoomed
        assert source.asked[-1].low is None


async def test_panning_leaves_no_cursor_behind() -> None:
    """It stays at the edge of what is seen: what the legend reads is on the screen, and zoom stays there."""
    app = Stage(two(10_000))
    async with app.run_test(size=SIZE) as pilot:
        chart = await ready(pilot)
        await pilot.press("end", "plus", "plus", "plus")
        await ready(pilot)
        for key in ("shift+left", "shift+left", "shift+left", "shift+right"):
            await pilot.press(key)
            await ready(pilot)
            view = chart.scene.view
            assert view.low is not None
            assert view.high is not None
            assert chart.cursor is not None
            assert view.low <= chart.cursor <= view.high


async def test_the_cursor_takes_the_view_with_it() -> None:
    app = Stage(two())
    async with app.run_test(size=SIZE) as pilot:
        chart = await ready(pilot)
        await pilot.press("end", "plus", "plus", "g")
        plane = chart.picture.plane
        assert plane is not None
        assert plane.x.low <= 0 <= plane.x.high


async def test_logarithms_smoothing_and_other_x_axes() -> None:
    source = two()
    app = Stage(source)
    async with app.run_test(size=SIZE) as pilot:
        chart = await ready(pilot)
        await pilot.press("v", "V", "m", "m")
        await ready(pilot)
        assert [window.log for window in (source.asked[0], source.asked[-1])] == [False, True]
        plane = chart.picture.plane
        assert plane is not None
        assert plane.x.log
        assert plane.y.log
        assert chart.scene.smooth
        assert "log x y  smooth 0.8" in text_of(chart)
        await pilot.press("M", "M", "M", "i")
        assert not chart.scene.smooth
        await ready(pilot)
        plane = chart.picture.plane
        assert plane is not None
        assert plane.x.kind == "moment"
        assert not plane.x.log, "dates have no logarithm"
        assert chart.refusal("chart.log-x")
        await pilot.press("i")
        await ready(pilot)
        await pilot.press("left")
        assert "epoch 9.99" in text_of(chart)


async def test_curves_are_hidden_and_chosen() -> None:
    app = Stage(two())
    async with app.run_test(size=SIZE) as pilot:
        chart = await ready(pilot)
        assert chart.scene.current == "alpha"
        await pilot.press("j")
        assert chart.scene.current == "beta"
        await pilot.press("space")
        assert chart.scene.hidden == {"beta"}
        plane = chart.picture.plane
        assert plane is not None
        assert plane.y.high < 1.2, "what is hidden does not count"
        await pilot.press("up", "space")
        assert "every curve is hidden" in text_of(chart)
        await pilot.press("space")
        assert chart.scene.hidden == {"beta"}


async def test_what_cannot_be_done_says_why() -> None:
    app = Stage(Curves({}))
    async with app.run_test(size=SIZE) as pilot:
        chart = await ready(pilot)
        assert "no values yet" in text_of(chart)
        assert chart.refusal("chart.zoom-in")
        app.source.values = {"alpha": decay(10)}
        chart.changed()
        await asyncio.sleep(0.6)
        await ready(pilot)
        assert chart.refusal("chart.zoom-in") is None
        assert chart.refusal("chart.whole")
        assert chart.refusal("chart.up")


async def test_an_error_of_the_source_is_said_in_its_place() -> None:
    source = two()
    source.error = NotFound("the run is gone")
    app = Stage(source)
    async with app.run_test(size=SIZE) as pilot:
        chart = await ready(pilot)
        assert "the run is gone" in text_of(chart)


async def test_the_mouse_reads_zooms_and_chooses() -> None:
    app = Stage(two())
    async with app.run_test(size=SIZE) as pilot:
        chart = await ready(pilot)
        plane = chart.picture.plane
        assert plane is not None
        await pilot.hover(Chart, (40, 10))
        assert "step" in text_of(chart).splitlines()[0]
        assert chart.cursor is None, "hovering reads, a click stays"
        await pilot.click(Chart, (40, 10))
        column = plane.column_of(chart.cursor or -1)
        assert column is not None
        assert abs(column + plane.left - 40) <= 1
        await pilot.mouse_down(Chart, (30, 10))
        await pilot.hover(Chart, (50, 10))
        await pilot.mouse_up(Chart, (50, 10))
        assert chart.scene.view.zoomed
        await pilot.press("0")
        rows = text_of(chart).splitlines()
        row = next(at for at, line in enumerate(rows) if "beta" in line)
        await pilot.click(Chart, (rows[row].index("beta"), row))
        assert chart.scene.current == "beta"
        await pilot.click(Chart, (rows[row].index("beta") - 2, row))
        assert chart.scene.hidden == {"beta"}


async def test_news_is_asked_for_at_most_twice_a_second_and_never_twice_at_once() -> None:
    source = two()
    app = Stage(source)
    async with app.run_test(size=SIZE) as pilot:
        chart = await ready(pilot)
        before = len(source.asked)
        for _ in range(50):
            chart.changed()
        await ready(pilot)
        assert len(source.asked) <= before + 1
        await asyncio.sleep(0.7)
        await ready(pilot)
        assert before < len(source.asked) <= before + 2


async def test_new_values_appear_and_the_cursor_stays() -> None:
    source = Curves({"alpha": [1.0, 2.0, 3.0]})
    app = Stage(source)
    async with app.run_test(size=SIZE) as pilot:
        chart = await ready(pilot)
        await pilot.press("end")
        source.values["alpha"] = [1.0, 2.0, 3.0, 4.0]
        chart.changed()
        await asyncio.sleep(0.6)
        await ready(pilot)
        assert chart.cursor == 2
        assert chart.scene.whole is not None
        assert chart.scene.whole.high == 3


SIZES = [(20, 5), (30, 8), (80, 24), (120, 36), (300, 100), (1, 1)]


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_every_size_is_filled(ascii_only: bool) -> None:
    values = {f"train/some/long/name-{n}": decay(500, n + 1.0) for n in range(20)}
    values["holes"] = [math.nan if 100 < n < 200 else math.inf if n == 300 else 1.0 for n in range(500)]
    app = Stage(Curves(values), ascii_only)
    async with app.run_test(size=(80, 24)) as pilot:
        chart = await ready(pilot)
        await pilot.press("left")
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await ready(pilot)
            for y in range(chart.size.height):
                strip = chart.render_line(y)
                assert strip.cell_length == chart.size.width
                assert not ascii_only or strip.text.isascii()


async def test_a_small_chart_still_names_and_reads_its_curve() -> None:
    app = Stage(Curves({"alpha": decay(100)}))
    async with app.run_test(size=(20, 5)) as pilot:
        chart = await ready(pilot)
        first = text_of(chart).splitlines()[0]
        assert "alpha" in first
        assert "0.007" in first


async def test_another_theme_has_other_colours_at_once() -> None:
    app = Stage(two())
    async with app.run_test(size=SIZE) as pilot:
        chart = await ready(pilot)
        before = list(chart.render_line(20))
        for theme in ("textual-light", "ansi-dark"):
            app.theme = theme
            await pilot.pause()
            after = list(chart.render_line(20))
            assert [segment.text for segment in after] == [segment.text for segment in before]
            assert [segment.style for segment in after] != [segment.style for segment in before]
