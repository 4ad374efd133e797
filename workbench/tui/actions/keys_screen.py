"""Every key that works here, by place; typing finds one, Enter does it."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from workbench.tui.actions.acting import Acting, perform
from workbench.tui.actions.keymap import keys_of
from workbench.tui.actions.keys import all_shown
from workbench.tui.actions.table import Action
from workbench.tui.actions.typing_ahead import OpeningLine
from workbench.tui.themes.palette import palette_of

HINT = "type to find a key   enter does it   ^e gives another key   esc closes"
TITLES = {
    "app": "Everywhere",
    "list": "Lists and texts",
    "marks": "Marking",
    "table": "Order and columns",
    "columns": "Choosing columns",
    "page": "This page",
    "tabs": "Tabs",
    "runs": "Runs",
    "logs": "Log",
    "many-logs": "Several logs of a run",
    "chart": "Chart",
    "multiples": "Small charts",
    "metrics": "Metrics",
    "files": "Files",
    "forwards": "Forwarded ports",
    "stacks": "What a run is doing",
    "snapshot": "Snapshot",
    "children": "Runs below a run",
    "compare": "Comparison",
    "saved": "Saved comparisons",
    "differences": "Differences",
    "compute": "Machines",
    "browse": "Files of a machine",
    "room": "Room on a machine",
    "machine": "Machine",
    "welcome": "Begin",
    "builds": "Environments on machines",
    "build-log": "Log of a build",
    "dialog": "Dialogs",
    "pick": "Picking one of many",
}


def title_of(place: str) -> str:
    """What a place of the action table is called."""
    return TITLES.get(place, place.capitalize())


USUAL = ("marks", "table", "list", "app")
"""Places whose keys are the same everywhere; they come last."""


class KeysScreen(ModalScreen[None]):
    """The list of keys."""

    BINDINGS: ClassVar = [
        ("escape", "dismiss", ""),
        ("down", "move(1)", ""),
        ("up", "move(-1)", ""),
        Binding("ctrl+e", "change", show=False, priority=True),  # in a line it would go to the end
    ]
    DEFAULT_CSS = """
    KeysScreen { align: center middle; }
    KeysScreen > Vertical {
        width: 96%; max-width: 100; height: 92%; padding: 0 1; background: $surface; border: round $primary;
    }
    KeysScreen Input { border: none; height: 1; margin: 0 0 1 0; background: $panel; }
    KeysScreen OptionList { border: none; height: 1fr; background: $surface; padding: 0; scrollbar-size: 1 1;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self, around: list[Acting]) -> None:
        super().__init__()
        offered = [(owner, action) for owner in around for action in owner.actions()]
        self._offered = sorted(offered, key=lambda item: _rank(item[1]))
        self._indent = 0
        """Cells of the keys before what they do."""

    def compose(self) -> ComposeResult:
        """A line to type into, and the list."""
        with Vertical():
            yield OpeningLine(placeholder=HINT, compact=True)
            listed = OptionList()
            listed.can_focus = False
            yield listed

    def on_resize(self) -> None:
        """Everything at first, and cut anew when there is more or less room."""
        self._show(self.query_one(Input).value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Only what has the typed words."""
        self._show(event.value)

    def _show(self, wanted: str) -> None:
        listed = self.query_one(OptionList)
        listed.clear_options()
        words = wanted.lower().split()
        place = ""
        self._indent = 3 + max((cell_len(self._keys(action)) for _, action in self._offered), default=0)
        for owner, action in self._offered:
            text = f"{action.label} {action.help} {action.keys} {action.place}".lower()
            if not all(word in text for word in words):
                continue
            if action.place != place:
                place = action.place
                title = title_of(place)
                listed.add_option(Option(Text(title, palette_of(self.app).style("title")), disabled=True))
            listed.add_option(Option(self._line(owner, action), id=action.id))
        first = next((index for index, option in enumerate(listed.options) if not option.disabled), None)
        listed.highlighted = first

    def _line(self, owner: Acting, action: Action) -> Text:
        palette = palette_of(self.app)
        why = owner.refusal(action.id)
        line = Text()
        keys = self._keys(action)
        line.append(" " * (self._indent - 2 - cell_len(keys)) + keys + "  ", palette.style("key"))
        line.append(action.help, palette.style("stale" if why else "text"))
        if why:
            room = self.query_one(OptionList).size.width - line.cell_len - 2
            apart = "  " if cell_len(why) + 2 <= room else "\n" + " " * self._indent
            line.append(f"{apart}({why})", palette.style("stale"))
        return line

    def _keys(self, action: Action) -> str:
        return all_shown(keys_of(self.app, action), palette_of(self.app).ascii)

    def action_move(self, by: int) -> None:
        """Move in the list while the focus stays in the line."""
        listed = self.query_one(OptionList)
        if by > 0:
            listed.action_cursor_down()
        else:
            listed.action_cursor_up()

    async def action_change(self) -> None:
        """Give what the cursor is on another key."""
        from workbench.tui.actions.changing import change_key

        option, app = self.query_one(OptionList).highlighted_option, self.app
        self.dismiss()
        if option is not None and option.id is not None:
            work = change_key(app, option.id)  # type: ignore[arg-type]
            app.run_worker(work, name="key", group="actions", exit_on_error=True)

    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click does it too."""
        await self._do(event.option_id)

    async def on_input_submitted(self) -> None:
        """Do what the cursor is on."""
        option = self.query_one(OptionList).highlighted_option
        await self._do(option.id if option is not None else None)

    async def _do(self, identity: str | None) -> None:
        self.dismiss()
        for owner, action in self._offered:
            if action.id == identity:
                await perform(owner, action.id)
                return


def _rank(action: Action) -> int:
    return USUAL.index(action.place) + 1 if action.place in USUAL else 0
