"""Many small charts: asked for as they come into sight, under keys, the mouse and other sizes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.faces.tui.curves import Curves, decay
from workbench.errors import NotFound
from workbench.tui.actions.table import conflicts, of_places
from workbench.tui.chart.grid import Item
from workbench.tui.chart.large_chart import Chart
from workbench.tui.chart.small_multiples import SmallMultiples
from workbench.tui.chart.source import Trace, Window
from workbench.tui.themes.palette import Looks

SIZE = (80, 24)
NAMES = ["loss", "lr", "train/loss", "train/acc", "val/loss", *(f"layers/{n}" for n in range(300))]


class Metrics:
    """Curves for any name; what was asked for is kept."""

    def __init__(self, names: Sequence[str] = NAMES) -> None:
        self.all = list(names)
        self.asked: list[list[str]] = []
        self.error: Exception | None = None

    async def names(self) -> list[str]:
        """All."""
        if self.error is not None:
            raise self.error
        return list(self.all)

    async def curves(self, names: Sequence[str], window: Window) -> Mapping[str, Sequence[Trace]]:
        """Those asked for."""
        self.asked.append(list(names))
        return {name: await Curves({"run": decay(200, 1 + len(name))}).traces(window) for name in names}


class Stage(App[None]):
    def __init__(self, source: Metrics, ascii_only: bool = False) -> None:
        super().__init__()
        self.source, self.looks = source, Looks(ascii=ascii_only)
        self.opened: list[str] = []

    def compose(self) -> ComposeResult:
        """One grid."""
        yield SmallMultiples(self.source)

    def on_small_multiples_opened(self, message: SmallMultiples.Opened) -> None:
        """Kept."""
        self.opened.append(message.name)


async def ready(pilot: Pilot[None]) -> SmallMultiples:
    grid = pilot.app.query_one(SmallMultiples)
    grid.focus()
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    return grid


def text_of(grid: SmallMultiples) -> str:
    return "\n".join(grid.render_line(y).text for y in range(grid.size.height))


def test_every_action_has_its_method_and_no_key_two_meanings() -> None:
    for widget in (SmallMultiples, Chart):
        assert not conflicts((*widget.PLACES, "app", "page", "tabs"))
        for action in of_places(widget.PLACES):
            assert callable(getattr(widget, action.method))


async def test_only_what_is_in_sight_is_asked_for() -> None:
    source = Metrics()
    app = Stage(source)
    async with app.run_test(size=SIZE) as pilot:
        grid = await ready(pilot)
        asked = {name for names in source.asked for name in names}
        assert {"loss", "train/acc"} <= asked
        assert len(asked) <= 8
        await pilot.press("G")
        await ready(pilot)
        assert grid.cursor == Item("layers/299")
        asked = {name for names in source.asked for name in names}
        assert "layers/299" in asked
        assert "layers/150" not in asked
        assert "299" in text_of(grid)


async def test_keys_move_fold_and_open() -> None:
    app = Stage(Metrics())
    async with app.run_test(size=SIZE) as pilot:
        grid = await ready(pilot)
        assert grid.cursor == Item("loss")
        await pilot.press("right", "down")
        assert grid.cursor == Item("train/", True)
        assert "train/" in text_of(grid)
        await pilot.press("left")
        assert grid._grid.headings["train/"].folded
        await pilot.press("down")
        assert grid.cursor == Item("val/", True)
        await pilot.press("up", "enter", "j", "l", "enter")
        await pilot.pause()
        assert app.opened == ["train/acc"]
        await pilot.press("pagedown", "ctrl+d", "g")
        assert grid.cursor == Item("loss")
        assert grid.scroll_offset.y == 0


async def test_the_cursor_stays_on_its_metric_when_others_come() -> None:
    source = Metrics(["a", "b", "c"])
    app = Stage(source)
    async with app.run_test(size=SIZE) as pilot:
        grid = await ready(pilot)
        await pilot.press("right", "right")
        assert grid.cursor == Item("c")
        source.all = ["0", "1", "a", "b", "c"]
        grid.changed()
        await asyncio.sleep(0.6)
        await ready(pilot)
        assert grid.cursor == Item("c")
        assert grid._grid.place(Item("c")) == (2, 0)


async def test_names_are_narrowed_and_emptiness_is_explained() -> None:
    source = Metrics()
    app = Stage(source)
    async with app.run_test(size=SIZE) as pilot:
        grid = await ready(pilot)
        grid.narrow("LOSS train")
        assert grid.matching() == ["train/loss"]
        grid.narrow("nothing")
        assert "no metric is called nothing" in text_of(grid)
        assert grid.refusal("list.open")
        grid.narrow("")
        assert len(grid.matching()) == len(NAMES)


@pytest.mark.parametrize("error", [None, NotFound("the run is gone")])
async def test_without_metrics_it_says_why(error: Exception | None) -> None:
    source = Metrics([])
    source.error = error
    async with Stage(source).run_test(size=SIZE) as pilot:
        grid = await ready(pilot)
        assert ("the run is gone" if error else "workbench.log") in text_of(grid)


async def test_logarithms_and_smoothing_are_for_all() -> None:
    app = Stage(Metrics())
    async with app.run_test(size=SIZE) as pilot:
        grid = await ready(pilot)
        before = text_of(grid)
        await pilot.press("v")
        after = text_of(grid)
        assert before != after
        await pilot.press("v", "m", "M")
        assert text_of(grid) == before
        await pilot.press("i")
        await ready(pilot)
        assert grid.x == "relative"


async def test_the_mouse_chooses_opens_and_folds() -> None:
    app = Stage(Metrics())
    async with app.run_test(size=SIZE) as pilot:
        grid = await ready(pilot)
        await pilot.click(SmallMultiples, (50, 3))
        assert grid.cursor == Item("lr")
        await pilot.click(SmallMultiples, (50, 3))
        await pilot.pause()
        assert app.opened == ["lr"]
        await pilot.click(SmallMultiples, (3, 8))
        assert grid._grid.headings["train/"].folded


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_every_size_is_filled(ascii_only: bool) -> None:
    app = Stage(Metrics(), ascii_only)
    async with app.run_test(size=SIZE) as pilot:
        grid = await ready(pilot)
        for size in [(20, 5), (120, 36), (300, 100), (1, 1), (40, 9)]:
            await pilot.resize_terminal(*size)
            await ready(pilot)
            for y in range(grid.size.height):
                strip = grid.render_line(y)
                assert strip.cell_length == grid.size.width
                assert not ascii_only or strip.text.isascii()


async def test_names_from_anywhere_are_shown_harmless_found_and_opened_by_what_they_are() -> None:
    names = [
        "\x1b[31mred\x07",
        "a b/c  d",
        "快乐/损失",
        "/",
        "//x",
        "",
        "tab\tnew\nline",
        "\u202eoverride",
        *(f"m/{n}" for n in range(12_000)),
    ]
    app = Stage(Metrics(names))
    async with app.run_test(size=SIZE) as pilot:
        grid = await ready(pilot)
        shown = text_of(grid)
        assert not {sign for sign in shown if ord(sign) < 32 or sign == "\u202e"} - {"\n"}
        assert all(grid.render_line(y).cell_length == grid.size.width for y in range(grid.size.height))
        await pilot.press("enter")
        grid.narrow("损失")
        await ready(pilot)
        assert grid.matching() == ["快乐/损失"]
        grid.narrow("M/ 11999")
        await ready(pilot)
        await pilot.press("G", "enter")
        assert app.opened == [names[0], "m/11999"]
