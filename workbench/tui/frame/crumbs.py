"""Where one is, and what is looked for there."""

from __future__ import annotations

from collections.abc import Sequence

from textual.reactive import reactive

from workbench.text.location import Location, format
from workbench.text.sanitize import clean_name
from workbench.tui.frame.line import Line, Piece, shortened
from workbench.tui.places.history import crumbs
from workbench.tui.themes.palette import palette_of


class Crumbs(Line):
    """The second line: Runs ▸ mnist ▸ calm-otter-42, and the page's own word at the right."""

    location: reactive[Location] = reactive(Location("runs"))
    title: reactive[str] = reactive("")
    """What the last step is called, where that is not its name in the location."""
    aside: reactive[str] = reactive("")
    """Such as the filter, or how many rows there are."""

    def left(self, cells: int) -> Sequence[Piece]:
        """The steps; a click goes there."""
        ascii_only = palette_of(self.app).ascii
        pieces = [Piece(" ")]
        steps = crumbs(self.location)
        for step in steps:
            if len(pieces) > 1:
                pieces.append(Piece(" > " if ascii_only else " ▸ ", "dim"))
            last = step is steps[-1]
            role = "title" if last else "crumb"
            title = self.title if last and self.title else step.title
            target = format(step.location).replace("'", "%27")
            pieces.append(Piece(clean_name(title, 60), role, f"app.visit('{target}')"))
        return shortened(pieces, cells)

    def right(self, cells: int) -> Sequence[Piece]:
        """The page's own word."""
        return [Piece(self.aside + " ", "dim")] if self.aside else []
