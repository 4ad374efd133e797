"""What a machine is and does, in as few lines as it takes."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.reactive import reactive
from textual.widgets import Static

from workbench.text.cells import cut, width
from workbench.text.tables import Cell
from workbench.tui.table.cell import harmless
from workbench.tui.themes.palette import Palette, palette_of

GAP = 2
NEW_LINE = "\n"
"""The name of what stands in a line of its own."""


class HostLine(Static):
    """Names and figures, one behind the other; what does not fit goes on in the next line."""

    DEFAULT_CSS = "HostLine { height: auto; padding: 0 1; }"

    said: reactive[tuple[tuple[str, Cell], ...]] = reactive(())
    """What is said, by name."""
    stale: reactive[bool] = reactive(False)

    def __init__(self) -> None:
        super().__init__("", markup=False)

    def on_mount(self) -> None:
        """Colours change."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._write())

    def watch_said(self) -> None:
        """Other figures."""
        self._write()

    def watch_stale(self) -> None:
        """Old figures, or fresh ones again."""
        self._write()

    def on_resize(self) -> None:
        """As many in a line as fit."""
        self._write()

    def _write(self) -> None:
        if self.size.width:
            self.update(written(self.said, self.size.width - 2, palette_of(self.app), stale=self.stale))


def written(said: Sequence[tuple[str, Cell]], cells: int, palette: Palette, *, stale: bool = False) -> Text:
    """Names quiet, figures plain, in lines of so many cells."""
    text, taken = Text(no_wrap=True), 0
    ellipsis = "~" if palette.ascii else "…"
    for name, cell in said:
        shown = cut(harmless(cell.text), cells, ellipsis=ellipsis)
        quiet = stale and name != NEW_LINE  # what is wrong is so now, however old the figures are
        if name == NEW_LINE:
            taken, name = cells if taken else 0, ""
        need = width(name) + bool(name) + width(shown)
        if taken and taken + GAP + need > cells:
            text.append("\n")
            taken = 0
        elif taken:
            text.append(" " * GAP)
            taken += GAP
        text.append(f"{name} " if name else "", palette.style("quiet"))
        text.append(shown, palette.style("stale" if quiet else cell.role or "text"))
        taken += need
    return text
