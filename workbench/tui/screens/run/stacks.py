"""Where every process of a run is: a text that can be looked at again and copied."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from workbench.errors import WorkbenchError
from workbench.text.sanitize import clean, clean_name
from workbench.tui.actions.acting import Acting
from workbench.tui.frame.reading import Reading
from workbench.tui.leaving import viewer
from workbench.tui.themes.palette import palette_of
from workbench.views.stacks import lines

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

HINT = "r looks again   o shows it in $PAGER   esc closes"


class StacksScreen(Acting, ModalScreen[None]):
    """What the processes of a run are doing now."""

    PLACES: ClassVar[tuple[str, ...]] = ("stacks", "dialog")
    DEFAULT_CSS = """
    StacksScreen { align: center middle; background: $background 60%; }
    StacksScreen > Vertical {
        width: 96%; height: 92%; background: $surface; border: round $primary;
        border-title-color: $text-primary; border-title-style: bold; border-subtitle-color: $text-muted;
    }
    """

    def __init__(self, run: str, name: str) -> None:
        super().__init__()
        self._run = run
        self._called = name
        self._said = ""

    def compose(self) -> ComposeResult:
        """The text in a box."""
        with Vertical() as box:
            box.border_title = Content(f"what {clean_name(self._called, 50)} is doing")
            box.border_subtitle = Content(HINT)
            yield Reading()

    def on_mount(self) -> None:
        """Ask at once."""
        self.query_one(Reading).focus()
        self.do_stacks_again()

    def do_dialog_cancel(self) -> None:
        """Close it."""
        self.dismiss(None)

    def do_stacks_again(self) -> None:
        """Ask the machine, whatever it said before."""
        if not self._said:
            self.query_one(Reading).say(lambda: Text("looking ...", palette_of(self.app).style("waiting")))
        self.run_worker(self._ask(), exclusive=True, exit_on_error=True)

    def do_stacks_pager(self) -> None:
        """All of it, as it is now."""
        with NamedTemporaryFile("w", encoding="utf-8", prefix="stacks-", suffix=".txt") as file:
            file.write(self._said)
            file.flush()
            viewer(self.app, Path(file.name))

    async def _ask(self) -> None:
        try:
            found: Any = await cast("Dashboard", self.app).services.call("runs", "stack", run=self._run)
        except WorkbenchError as problem:
            told = [(clean(problem.message, 400), "bad"), (clean(problem.hint or "", 400), "")]
        else:
            told = [(line.text, line.role) for line in lines(found)]
        self._said = "".join(f"{text}\n" for text, _ in told)
        self.query_one(Reading).say(partial(self._coloured, told))

    def _coloured(self, told: Sequence[tuple[str, str]]) -> Text:
        palette, said = palette_of(self.app), Text()
        for text, role in told:
            said.append(f"{text}\n", palette.style(role))
        return said
