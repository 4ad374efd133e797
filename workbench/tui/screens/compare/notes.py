"""What was noted: of the comparison, then of each of its runs, as it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from rich.text import Text

from workbench.text.sanitize import clean_name
from workbench.text.style import Look, pieces
from workbench.tui.frame.reading import Reading
from workbench.tui.model.dirty import Dirty
from workbench.tui.themes.palette import Palette, palette_of
from workbench.views import notes

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

UNSAVED = "w keeps the comparison under a name; e then writes its note."
EMPTY = "No note yet; e writes one in $EDITOR."


class CompareNotes(Reading):
    """Notes in their order."""

    def __init__(
        self, runs: Callable[[], Sequence[str]], saved: Callable[[], Mapping[str, Any] | None]
    ) -> None:
        """saved: the comparison as it is kept, None where it is not."""
        super().__init__()
        self._runs, self._saved = runs, saved
        self._found: list[Mapping[str, Any]] = []

    def on_resize(self) -> None:
        """Lines are broken anew."""
        self._say()

    async def hear(self, dirty: Dirty) -> None:
        """A note was written."""
        services = cast("Dashboard", self.app).services
        if dirty.everything or dirty.comparisons or dirty.touched(self._runs()):
            self._found = [await services.call("runs", "get", run=run) for run in self._runs()]
        self._say()

    def _say(self) -> None:
        if self.size.width:
            self.say(self._coloured)

    def _coloured(self) -> Text:
        palette, saved = palette_of(self.app), self._saved()
        said = Text(no_wrap=True)
        note = str(saved.get("note") or "") if saved is not None else ""
        if note:
            self._add(said, palette, note)
        else:
            said.append((UNSAVED if saved is None else EMPTY) + "\n", palette.style("quiet"))
        for run in self._found:
            if run.get("description"):
                said.append(f"\n{clean_name(run['name'])}\n\n", palette.style("title"))
                self._add(said, palette, str(run["description"]))
        return said

    def _add(self, said: Text, palette: Palette, note: str) -> None:
        look = Look(max(20, self.size.width - 3), True, palette.ascii)
        for line in notes.lines(note, look):
            for text, role in pieces(line):
                said.append(text, palette.style(role or "text"))
            said.append("\n")
