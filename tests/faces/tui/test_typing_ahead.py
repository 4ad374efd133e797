"""Keys that come faster than a line opens are typed into it; they never do what they would have done."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.widget import Widget

from tests.faces.tui.conftest import Open, Stage
from tests.faces.tui.world import World
from workbench.tui.actions.typing_ahead import OpeningLine
from workbench.tui.frame.prompt import Prompt
from workbench.tui.logs.pane import SearchLine
from workbench.tui.places.tabbed import TabbedPage
from workbench.tui.screens.runs.page import RunsPage


def burst(it: Stage, text: str) -> None:
    """All keys at once, as a terminal hands on what was typed or pasted into it."""
    for sign in text:
        key = {"\t": "tab", "\r": "enter", "\x1b": "escape", "\x7f": "backspace"}.get(
            sign
        ) or _character_to_key(sign)
        it.app.post_message(events.Key(key, sign))


async def test_a_place_typed_in_one_go(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        burst(it, ":runs/imagenex\x7ft\r")
        await it.see("Runs ▸ imagenet")
        assert not it.world.submitted, "r would have run one again"
        assert not it.world.asked("runs.cancel")


async def test_a_filter_typed_in_one_go(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        burst(it, "/panda\rx")
        await it.see("/ panda", "1 run$")
        await it.until(lambda: it.table.has_focus, "the focus in the list")
        assert "End " not in it.text


@pytest.mark.parametrize("typed", [("anda\r\r",), ("anda", "\r\r"), ("and", "a\r", "\r")])
async def test_enter_behind_a_filter_opens_what_the_filter_finds(
    typed: tuple[str, ...], stage: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer is not there yet, as it is with a hundred thousand runs: nothing is opened but what it names."""
    asked = World.runs_order
    answers: list[asyncio.Event] = []

    async def late(self: World, **parameters: Any) -> Any:
        if parameters.get("filter"):
            answers.append(asyncio.Event())
            await answers[-1].wait()
        return asked(self, **parameters)

    async with stage() as it:
        await it.see("calm-otter-42")
        monkeypatch.setattr(World, "runs_order", late)
        burst(it, "/p")  # what comes in one go with its opening ends at the first Enter
        await it.until(lambda: [line.value for line in it.app.screen.query(Prompt)] == ["p"], "the line")
        for part in typed:
            burst(it, part)
            await it.until(lambda: answers, "the first question")
        await asyncio.sleep(0.1)
        assert isinstance(it.app.page, RunsPage)
        assert "Overview" not in it.text

        def opened() -> bool:
            for answer in answers:
                answer.set()
            return "Overview" in it.text

        await it.until(opened, "the run")
        assert it.app.places.current.path[1:] == ("01JD0000000000000000000038",)


async def test_escape_behind_enter_takes_a_filter_back_that_is_not_answered_yet(
    stage: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = World.runs_order
    answer = asyncio.Event()

    async def late(self: World, **parameters: Any) -> Any:
        if parameters.get("filter"):
            await answer.wait()
        return asked(self, **parameters)

    async with stage() as it:
        await it.see("calm-otter-42")
        monkeypatch.setattr(World, "runs_order", late)
        burst(it, "/panda\r")
        await it.until(lambda: it.world.asked("runs.order")[-1].get("filter"), "the question")
        burst(it, "x\x1b")
        await it.until(lambda: not it.app.screen.query(Prompt), "the line to go")
        answer.set()
        await it.until(lambda: "filter" not in it.app.places.current.options, "all runs again")
        await it.see("8 runs", "calm-otter-42")
        assert "End " not in it.text


async def test_keys_under_way_to_what_had_the_focus_come_first(
    stage: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was handed to the list before the line was there comes back late, and behind it what followed."""

    async def slowly(self: RunsPage, event: events.Key) -> None:
        await asyncio.sleep(0.02)

    async with stage() as it:
        await it.see("calm-otter-42")
        monkeypatch.setattr(RunsPage, "on_key", slowly, raising=False)
        burst(it, "/pan")
        await it.until(lambda: isinstance(it.app.focused, Prompt), "the line")
        burst(it, "da")
        await it.see("/ panda", "1 run$")
        burst(it, "\x7f\x7f\rx")
        await it.see("/ pan ")
        await it.until(lambda: it.table.has_focus, "the focus in the list")
        assert not it.world.submitted


async def test_a_form_has_it_in_the_field_that_has_the_focus_however_it_is_edited(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        burst(it, "Rslepp\x7f\x7fep 5")
        await it.see("New run", r"directory +~\s", r"command +sleep 5\s")


async def test_a_search_in_a_log_typed_in_one_go(stage: Open) -> None:
    """Also the next one, which begins with the words of the last, selected."""
    async with stage(location="runs/mnist/calm-otter-42?tab=logs") as it:
        await it.see("of 124")
        for said in ("epoch 1 ", "epoch 2 "):
            burst(it, f"/{said}")
            await it.until(lambda: isinstance(it.app.focused, SearchLine), "the line")
            burst(it, "l")
            await it.rest()
            assert it.app.focused.value == f"{said}l"
            burst(it, "\r")
            await it.until(lambda: not it.app.screen.query(SearchLine), "the search")
            await it.see(f" {said}l ")
        burst(it, "/epoch 3\r")
        await it.see(" epoch 3  no match")


async def test_columns_are_looked_for_in_one_go(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("C")
        await it.see("part of a name|Columns")
        burst(it, "/los")
        await it.rest()
        assert isinstance(it.app.focused, OpeningLine)
        assert it.app.focused.value == "los"


async def test_a_line_that_never_opens_gives_the_keys_back(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        before = it.table.cursor
        it.app.ahead.begin()
        burst(it, "j")
        await it.rest()
        assert it.table.cursor == before
        await it.until(lambda: it.table.cursor != before, "the key after a second")
        assert isinstance(it.app.page, RunsPage)


async def test_tabs_that_are_gone_through_faster_than_they_are_made(
    stage: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is told of news before it is whole, and the last has the focus, also when the others take long."""
    compose = Widget._compose

    async def slowly(self: Widget) -> None:
        if (self.id or "").startswith("tab-"):
            await asyncio.sleep(0.1)
        await compose(self)

    monkeypatch.setattr(Widget, "_compose", slowly)
    async with stage(location="runs/mnist/calm-otter-42") as it:
        await it.see("Overview")
        burst(it, "\t\t")
        await it.see("Metrics", "v log y")
        page = it.app.page
        assert isinstance(page, TabbedPage)
        assert it.app.focused is not None
        assert page.seen in it.app.focused.ancestors_with_self
        burst(it, "\t\t\t")
        await it.see("Snapshot", "save as zip|train.py|No snapshot|snapshot")
        assert page.tab == "snapshot"
