"""Keys that come faster than a line opens are typed into it; they never do what they would have done."""

from __future__ import annotations

from textual import events
from textual.keys import _character_to_key

from tests.faces.tui.conftest import Open, Stage
from workbench.tui.screens.runs.page import RunsPage


def burst(it: Stage, text: str) -> None:
    """All keys at once, as a terminal hands on what was typed or pasted into it."""
    for sign in text:
        key = {"\r": "enter", "\x1b": "escape", "\x7f": "backspace"}.get(sign) or _character_to_key(sign)
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


async def test_a_form_begins_with_what_was_typed_while_it_opened(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        burst(it, "Rsleep 5")
        await it.see("New run", r"sleep 5")


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
