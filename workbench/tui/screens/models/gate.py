"""A model's gate, what it says of the newest version, and who has which alias since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from workbench.tui.frame.reading import Reading
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.models.known import CHAMPION, Known
from workbench.tui.screens.models.painted import look_of, painted
from workbench.views.model_page import gate_lines

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


class ModelGate(Reading):
    """The text."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self._known = known
        self._verdict: Mapping[str, Any] | None = None
        self._standing: Sequence[Mapping[str, Any]] = ()

    def on_resize(self) -> None:
        """Lines are broken anew."""
        self._say()

    async def hear(self, dirty: Dirty) -> None:
        """Ask what it says of the newest version; nothing is run for that.

        A champion is not asked whether it beats itself.
        """
        services = cast("Dashboard", self.app).services
        name, newest = str(self._known.model["name"]), self._known.model.get("latest")
        self._verdict = None
        if newest is not None and newest != (self._known.model.get("aliases") or {}).get(CHAMPION):
            judging = services.items("models", "judge", model=f"{name}:{newest}", alias=CHAMPION)
            async with aclosing(judging) as steps:
                async for item in steps:
                    self._verdict = item.get("verdict")
        self._standing = await services.call("models", "standing", name=name)
        self._say()

    def _say(self) -> None:
        if self._known.model and self.size.width:
            lines = gate_lines(
                self._known.model, self._verdict, self._standing, datetime.now(UTC), look_of(self)
            )
            self.say(partial(painted, self, lines))
