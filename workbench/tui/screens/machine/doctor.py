"""What a machine's doctor found, each finding with what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rich.text import Text

from workbench.errors import WorkbenchError
from workbench.text import states
from workbench.text.sanitize import clean, clean_name
from workbench.tui.frame.reading import Reading
from workbench.tui.model.dirty import Dirty
from workbench.tui.themes.palette import Palette, palette_of

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


class Doctor(Reading):
    """What the doctor found; it looks when the tab is opened, and again with D."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = target
        self._asked = False
        self.fixes: list[str] = []
        """The commands of the findings, which `copy` copies."""

    async def hear(self, dirty: Dirty) -> None:
        """The first time, ask."""
        if dirty.everything and not self._asked:
            self._asked = True
            self.say(Text("the doctor looks ...", palette_of(self.app).style("waiting")))
            self.run_worker(self._ask(), exclusive=True, exit_on_error=True)

    async def _ask(self) -> None:
        services = cast("Dashboard", self.app).services
        try:
            found = await services.call("compute", "doctor", name=self._target)
        except WorkbenchError as problem:
            said = Text(clean(problem.message, 400), palette_of(self.app).style("bad"))
            said.append(f"\n{clean(problem.hint or '', 400)}")
            self.say(said)
            return
        finally:
            self._asked = False
        self.fixes = [clean_name(check["fix"], 1000) for check in found if check.get("fix")]
        self.say(report(found, palette_of(self.app)))


def report(checks: list[dict[str, Any]], palette: Palette) -> Text:
    """Findings: glyph, name, what was found; below it what to do and a command that does it."""
    left = max([len(clean_name(check["name"], 30)) for check in checks], default=0)
    said = Text()
    for check in checks:
        look = states.look(states.CHECK, clean_name(str(check.get("state", ""))))
        said.append(f"{look.ascii if palette.ascii else look.glyph} ", palette.style(look.role))
        said.append(f"{clean_name(check['name'], 30):{left}}  ", palette.style("title"))
        said.append(clean_name(check.get("text") or look.word, 1000) + "\n")
        if check.get("hint"):
            arrow = "> " if palette.ascii else "→ "
            hint = f"{' ' * (left + 4)}{arrow}{clean_name(check['hint'], 1000)}\n"
            said.append(hint, palette.style("active"))
        if check.get("fix"):
            said.append(f"{' ' * (left + 4)}$ ", palette.style("dim"))
            said.append(clean_name(check["fix"], 1000) + "\n", palette.style("title"))
    return said
