"""What is known of a machine beside what it does: how it is reached, its interpreter, how it is set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, cast

from rich.text import Text

from workbench.errors import NotFound
from workbench.text.cells import width
from workbench.text.sanitize import clean
from workbench.tui.frame.reading import Reading
from workbench.tui.frame.words import in_words
from workbench.tui.model.dirty import Dirty
from workbench.tui.themes.palette import Palette, palette_of
from workbench.views.machines import card

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

ROLES = frozenset({"good", "bad", "warn", "quiet", "waiting", "active"})


class Fact(NamedTuple):
    """A line of a machine's card."""

    name: str
    text: str
    role: str


class Facts(Reading):
    """A machine's card."""

    DEFAULT_CSS = "Facts { padding: 1 1; }"

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = target
        self._known: list[Fact] = []

    async def hear(self, dirty: Dirty) -> None:
        """Ask when it may be otherwise."""
        if not (dirty.everything or self._target in dirty.targets):
            return
        services = cast("Dashboard", self.app).services
        try:
            target = await services.call("compute", "get", name=self._target)
        except NotFound as problem:
            self.say(Text(clean(in_words(problem))))
            return
        facts = []
        for name, item in card(target, datetime.now(UTC), palette_of(self.app).ascii):
            text, role = (item, "") if isinstance(item, str) else (item.text, item.role)
            lines = text.split("\n") if text and name != "name" else []
            role = role if role in ROLES else "text"
            facts += [Fact(name if not number else "", line, role) for number, line in enumerate(lines)]
        self._known = facts
        self._write()

    def on_resize(self) -> None:
        """Facts stand in as many columns as fit."""
        self._write()

    def _write(self) -> None:
        if self.size.width and self._known:
            self.say(lambda: written(self._known, self.size.width - 2, palette_of(self.app)))


def written(facts: Sequence[Fact], cells: int, palette: Palette) -> Text:
    """Facts below each other; short ones in two columns where there is room, so that few lines say all."""
    left = max([width(fact.name) for fact in facts], default=0)
    half = cells // 2
    said, open_ = Text(no_wrap=True, overflow="ellipsis"), False
    for fact in facts:
        need = left + 2 + width(fact.text)
        if said and not (open_ and need <= half):
            said.append("\n")
            open_ = False
        said.append(f"{fact.name:>{left}}  ", palette.style("quiet"))
        said.append(fact.text, palette.style(fact.role))
        open_ = not open_ and half >= 36 and need < half
        if open_:
            said.append(" " * (half - need))
    return said
