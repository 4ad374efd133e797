"""How the code of the compared runs differs from that of the first, as a unified diff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rich.text import Text

from workbench.errors import WorkbenchError
from workbench.text.sanitize import clean, clean_name
from workbench.tui.frame.reading import Reading
from workbench.tui.model.dirty import Dirty
from workbench.tui.themes.palette import palette_of
from workbench.views.comparison import diff_role

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

LINES = 5000
"""Lines of a diff that are shown; more is what `wb run diff` is for."""


class CompareCode(Reading):
    """The diff of the first two, and of the first with each further one."""

    def __init__(self, runs: Sequence[str]) -> None:
        super().__init__()
        self._runs = list(runs)
        self._asked = False

    async def hear(self, dirty: Dirty) -> None:
        """Code does not change: it is asked for once."""
        if self._asked:
            return
        palette, services = palette_of(self.app), cast("Dashboard", self.app).services
        said = Text()
        rows = await services.call("runs", "table", ids=self._runs, archived=None, columns=[])
        names = {row["id"]: clean_name(row["name"]) for row in rows["rows"]}
        first = self._runs[0]
        for other in self._runs[1:]:
            title = f"{names.get(first, first)} → {names.get(other, other)}"
            said.append(title + "\n", palette.style("title"))
            try:
                text = (await services.call("runs", "diff", a=first, b=other))["text"]
            except WorkbenchError as problem:
                said.append(clean(problem.message, 400) + "\n\n", palette.style("bad"))
                continue
            lines = text.splitlines() or ["the same code"]
            for line in lines[:LINES]:
                said.append(clean(line, 2000).replace("\t", "    ") + "\n", palette.style(_role(line)))
            if len(lines) > LINES:
                more = f"{len(lines) - LINES} more lines: wb run diff shows all\n"
                said.append(more, palette.style("warn"))
            said.append("\n")
        self._asked = True
        self.say(said)


def _role(line: str) -> str:
    return {"good": "added", "bad": "removed"}.get(diff_role(line), diff_role(line) or "text")
