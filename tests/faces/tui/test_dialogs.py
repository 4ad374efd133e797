"""Dialogs as they look: what is chosen is told by signs, and what is only said has one button."""

from __future__ import annotations

from textual.widgets import Button

from tests.faces.tui.conftest import Open
from workbench.tui.dialogs.confirm import Confirm
from workbench.tui.dialogs.notice import Notice


async def test_a_switch_is_told_by_its_sign(stage: Open) -> None:
    async with stage() as it:
        await it.press("R")
        await it.see(r"\[x\] +open its log", "gpu1, the default")
        await it.press(*["tab"] * 6, "space")
        await it.see(r"\[ \] +open its log")
        assert "--follow" not in it.text


async def test_a_notice_has_one_button_and_closes_at_whatever_closes(stage: Open) -> None:
    async with stage() as it:
        for key in ("enter", "space", "escape"):
            it.app.push_screen(Notice("box is attached", "4 GPUs"))
            await it.see("box is attached", "4 GPUs", " ok ")
            assert [str(button.label) for button in it.app.screen.query(Button)] == ["ok"]
            await it.press(key)
            await it.miss("box is attached")


async def test_the_list_of_keys_gives_a_key_to_what_the_cursor_is_on(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("question_mark")
        await it.see("type to find a key")
        await it.type("compare")
        await it.see("Compare the marked runs")
        await it.press("ctrl+e")
        await it.see("Press the key for: Compare the marked runs")


async def test_the_console_of_linux_has_signs_it_can_draw(stage: Open) -> None:
    async with stage(environ={"TERM": "linux"}) as it:
        await it.see("calm-otter-42")
        assert it.app.theme == "plain-ascii"
        assert it.text.replace("快乐", "").isascii()


async def test_the_yes_of_a_question_is_no_key_of_what_lies_behind(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        given: list[bool | None] = []
        it.app.push_screen(Confirm("End it?", "It ends.", do="end it"), given.append)
        await it.see("End it[?]")
        await it.press("y")  # copies what the cursor is on, where no question is asked
        await it.miss("End it[?]")
        assert given == [True]
        await it.rest()
        assert not it.toasts
