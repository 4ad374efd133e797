"""Terminals that draw little: every screen in ASCII alone, the terminal's own colours."""

from __future__ import annotations

import pytest

from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from tests.faces.tui.world_rows import row
from workbench.home import Home
from workbench.tui.model.memory import Memory

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
