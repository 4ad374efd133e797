"""Widgets that answer to actions stay the widgets they are."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widget import Widget

from workbench.tui.actions.acting import Acting


class Tall(Widget, can_focus=True):
    DEFAULT_CSS = "Tall { height: 7; }"


class Actor(Acting, Tall):
    PLACES = ("list",)
    down = 0

    def do_list_down(self) -> None:
        """Count."""
        self.down += 1


class Stage(App[None]):
    def compose(self) -> ComposeResult:
        """One."""
        yield Actor()


async def test_the_style_sheet_of_what_acts_counts_and_its_keys_work_once() -> None:
    app = Stage()
    async with app.run_test(size=(40, 20)) as pilot:
        actor = app.query_one(Actor)
        actor.focus()
        await pilot.press("j", "down")
        assert actor.size.height == 7
        assert actor.down == 2
