"""Terminals that draw little: every screen in ASCII alone, the terminal's own colours."""

from __future__ import annotations

import pytest
from rich.color import Color
from textual.geometry import Region

from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from tests.faces.tui.world_rows import row
from workbench.home import Home
from workbench.tui.frame.footer import Footer
from workbench.tui.model.memory import Memory

FOOT = Region(0, 0, 80, 1)
PLAIN = {"LANG": "C", "TERM": "xterm-256color"}


def plain_world() -> World:
    """Runs whose names are ASCII, so that all else on the screen is ours."""
    return World(
        [
            row(number, f"run-{number}", status="Running", sparkline=[1, 2, 3], last=1.0, metric="loss")
            for number in range(40)
        ]
    )


@pytest.mark.parametrize("place", ["runs", "runs/mnist", "compute", "activity", "runs/mnist/run-3"])
async def test_a_terminal_without_utf8_gets_ascii_alone(stage: Open, place: str) -> None:
    async with stage(plain_world(), place, environ=PLAIN) as it:
        await it.rest()
        assert it.text.isascii(), it.text


@pytest.mark.parametrize(
    "keys", [["question_mark"], ["T"], ["colon"], ["slash"], ["R"], ["x"], ["s"], ["C"], ["ctrl+p"]]
)
async def test_dialogs_are_ascii_there_too(stage: Open, keys: list[str]) -> None:
    async with stage(plain_world(), "runs/mnist", environ=PLAIN) as it:
        await it.see("run-3")
        await it.press(*keys)
        await it.rest()
        assert it.text.isascii(), it.text


async def test_a_command_on_machines_is_ascii_too(stage: Open) -> None:
    async with stage(plain_world(), "compute", environ=PLAIN) as it:
        await it.see("gpu1")
        it.table.go_to("gpu1")
        await it.press("X")
        await it.type("uptime")
        await it.press("enter")
        await it.see("ok *gpu1", "hello")
        assert it.text.isascii(), it.text


async def test_sixteen_colours_are_the_terminals_own(stage: Open) -> None:
    async with stage(environ={"TERM": "xterm-16color"}) as it:
        assert it.app.theme == "terminal"
    async with stage(environ={"TERM": "xterm-16color"}, theme="workbench-light") as it:
        assert it.app.theme == "workbench-light"


async def test_what_was_chosen_where_colours_are_many_is_not_worn_where_they_are_few(
    stage: Open, home: Home
) -> None:
    Memory(home, "default").keep("theme", "workbench-light")
    async with stage(environ={"TERM": "xterm-256color"}) as it:
        assert it.app.theme == "workbench-light"
    async with stage(environ={"TERM": "xterm-16color"}) as it:
        assert it.app.theme == "terminal"
        await it.press("T")
        await it.type("ansi-light")
        await it.press("enter")
        await it.until(lambda: it.app.theme == "ansi-light")
    async with stage(environ={"TERM": "xterm-16color"}) as it:
        assert it.app.theme == "ansi-light"
    async with stage(environ={"TERM": "xterm-256color"}) as it:
        assert it.app.theme == "workbench-light"


@pytest.mark.parametrize(
    "theme", ["workbench-dark", "workbench-light", "terminal", "plain-ascii", "ansi-light"]
)
async def test_without_colours_every_theme_can_be_read(stage: Open, theme: str) -> None:
    async with stage(environ={"NO_COLOR": "1"}, theme=theme) as it:
        await it.see("calm-otter-42")
        await it.until(lambda: it.app.theme == theme)
        await it.rest()
        drawn = [segment for strip in it.app.screen.query_one(Footer).render_lines(FOOT) for segment in strip]
        inks = {(segment.style.color, segment.style.bgcolor) for segment in drawn if segment.style}
        assert all(ink is None or ink.is_default or ink != paper for ink, paper in inks)
        assert all(_grey(colour) for pair in inks for colour in pair)


async def test_an_empty_no_color_is_none(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    async with stage(environ={"NO_COLOR": ""}) as it:
        await it.see("calm-otter-42")
        drawn = [segment for strip in it.app.screen.query_one(Footer).render_lines(FOOT) for segment in strip]
        assert not all(_grey(segment.style.color) for segment in drawn if segment.style)


def _grey(colour: Color | None) -> bool:
    """Whether a colour is none, the terminal's own, or a shade of grey."""
    return colour is None or colour.is_default or len(set(colour.get_truecolor())) == 1
