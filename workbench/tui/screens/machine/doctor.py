"""What a machine's doctor found, each finding with what to do about it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from rich.text import Text

from workbench.errors import WorkbenchError
from workbench.text import states
from workbench.text.sanitize import clean, clean_name
from workbench.text.tables import wrap
from workbench.tui.frame.reading import Reading
from workbench.tui.model.dirty import Dirty
from workbench.tui.themes.palette import Palette, palette_of

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


MARGIN = 3
"""Cells of a line that its edges and the scroll bar take."""


class Doctor(Reading):
    """What the doctor found; it looks when the tab is opened, and again with D."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = target
        self._asked = False
        self._found: list[dict[str, Any]] = []
        self.fixes: list[str] = []
        """The commands of the findings, which `copy` copies."""

    async def hear(self, dirty: Dirty) -> None:
        """The first time, ask."""
        if dirty.everything and not self._asked:
            self._asked = True
            self.say(lambda: Text("the doctor looks ...", palette_of(self.app).style("waiting")))
            self.run_worker(self._ask(), exclusive=True, exit_on_error=True)

    async def _ask(self) -> None:
        services = cast("Dashboard", self.app).services
        try:
            found = await services.call("compute", "doctor", name=self._target)
        except WorkbenchError as problem:
            self._found = []
            self.say(partial(self._refused, problem))
            return
        finally:
            self._asked = False
        self.fixes = [clean_name(check["fix"], 1000) for check in found if check.get("fix")]
        self._found = found
        self._say()

    def on_resize(self) -> None:
        """Lines are broken anew."""
        self._say()

    def _say(self) -> None:
        if self._found and self.size.width:
            room = self.size.width - MARGIN
            self.say(lambda: report(self._found, palette_of(self.app), room))

    def _refused(self, problem: WorkbenchError) -> Text:
        said = Text(clean(problem.message, 400), palette_of(self.app).style("bad"))
        return said.append(f"\n{clean(problem.hint or '', 400)}")


def report(checks: list[dict[str, Any]], palette: Palette, cells: int) -> Text:
    """Findings in so many cells: glyph, name, what was found; below it what to do, and a command."""
    left = max([len(clean_name(check["name"], 30)) for check in checks], default=0) + 4
    said = Text(no_wrap=True)

    def add(sign: str, role: str, text: str, of: str, indent: int) -> None:
        first, *others = wrap(text, max(20, cells - indent))
        said.append(sign, palette.style(role))
        for line in (f"{first}\n", *(f"{' ' * indent}{other}\n" for other in others)):
            said.append(line, palette.style(of))

    for check in checks:
        look = states.look(states.CHECK, clean_name(str(check.get("state", ""))))
        said.append(f"{look.ascii if palette.ascii else look.glyph} ", palette.style(look.role))
        name = f"{clean_name(check['name'], 30):{left - 2}}"
        add(name, "title", clean_name(check.get("text") or look.word, 1000), "text", left)
        if check.get("hint"):
            arrow = " " * left + ("> " if palette.ascii else "→ ")
            add(arrow, "active", clean_name(check["hint"], 1000), "active", left + 2)
        if check.get("fix"):
            add(f"{' ' * left}$ ", "dim", clean_name(check["fix"], 1000), "title", left + 2)
    return said
