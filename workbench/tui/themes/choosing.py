"""Choosing a theme: what the cursor is on is worn at once, Escape goes back to what was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.tui.dialogs.pick import Choice, Pick
from workbench.tui.themes.wardrobe import remembered_as

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


def choose(app: Dashboard) -> None:
    """Open the dialog; what is taken is remembered."""
    before = app.theme
    ours = app.wardrobe.themes
    choices = [Choice(name, found.title, name) for name, found in sorted(ours.items())]
    choices += [Choice(name, name, "Textual's") for name in sorted(app.available_themes) if name not in ours]

    def wear(name: str) -> None:
        app.theme = name

    def done(name: str | None) -> None:
        app.theme = name or before
        if name:
            app.memory.keep(remembered_as(app.environ), name)

    app.push_screen(Pick("Colours", choices, current=before, shown=wear), done)
