"""What every page is: the content of one place, told of news only while it is seen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from textual.widget import Widget

from workbench.text.location import Location
from workbench.text.location import format as as_text
from workbench.tui.actions.acting import Acting
from workbench.tui.model.dirty import Dirty

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard
    from workbench.tui.model.machines import Looking


def focusable(node: Widget) -> list[Widget]:
    """What in a widget can have the focus and is not hidden, from the top."""
    return [
        widget
        for widget in node.query("*")
        if widget.focusable and all(step.display for step in widget.ancestors_with_self)
    ]


class Page(Acting, Widget, can_focus=True):
    """The content of one place. It stays mounted, hidden, while others are seen.

    It has the focus itself while nothing in it takes it, so that its keys work.
    """

    DEFAULT_CSS = "Page { height: 1fr; width: 100%; layout: vertical; }"

    def __init__(self, location: Location) -> None:
        super().__init__()
        self.location = location
        self._missed = Dirty(everything=True)
        self._hearing = asyncio.Lock()

    @property
    def dashboard(self) -> Dashboard:
        """The app, as what it is."""
        return cast("Dashboard", self.app)

    def allow_focus(self) -> bool:
        """Not while something in it does: Tab, or a click beside a list, would take its keys away."""
        return self.can_focus and not focusable(self)

    @property
    def title(self) -> str:
        """What the last step of the breadcrumbs is called, where that is not its name in the location."""
        return ""

    @property
    def aside(self) -> str:
        """A word for the right end of the breadcrumbs."""
        return ""

    @property
    def looking(self) -> Looking | None:
        """How the page looks at the machines while it is seen; None: not at all."""
        return None

    async def show(self, location: Location) -> None:
        """Be seen at a location of this place, which may choose a tab or a filter."""
        self.location = location

    async def hear(self, dirty: Dirty) -> None:
        """Take in what changed; while the page is seen, and once with all it missed when it is again."""

    async def news(self, dirty: Dirty, seen: bool) -> None:
        """Hand news to the page now, or keep them until it is seen."""
        self._missed.merge(dirty)
        if not seen:
            return
        async with self._hearing:
            missed, self._missed = self._missed, Dirty()
            if not missed or not self.is_attached:
                return
            try:
                await self.hear(missed)
            except BaseException:  # cancelled, too: it was not heard
                self._missed.merge(missed)
                raise

    def missed_everything(self) -> None:
        """Have everything looked at anew at the next news."""
        self._missed = Dirty(everything=True)

    @property
    def narrowed(self) -> bool:
        """Whether a step out of an outermost place takes something away: a filter, marks, groups."""
        return False

    def step_out(self) -> bool:
        """Close what is open within the page; whether there was anything."""
        return False

    def left_behind(self, inside: Location) -> None:
        """One stepped out of a place within this one: the cursor goes to it."""

    def focus_content(self) -> None:
        """Give the focus to what the page is about."""
        (focusable(self) or [self])[0].focus()

    def moved(self, location: Location) -> None:
        """Say that the page now shows another tab or filter of its place."""
        self.location = location
        self.dashboard.moved(location)

    def chosen_id(self) -> str | None:
        """What `copy` copies: the id of what the cursor is on."""
        return None

    @property
    def environment(self) -> str | None:
        """The environment version, NAME:VERSION, that what is seen ran in."""
        return None

    def shell(self) -> tuple[list[str], str] | None:
        """The command of ours that opens a shell where the cursor is, and where that is; None: nowhere."""
        return None

    def command_line(self) -> str:
        """The command that does or shows the same."""
        return f"wb {as_text(self.location)}"
