"""Where a version came from and where it went: runs, datasets, models; Enter goes there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.text.location import parse
from workbench.text.numbers import counted
from workbench.tui.frame.detail import Detail
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.data.columns import LINEAGE, lineage_cells
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table
from workbench.views.run_data import way

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


class DatasetLineage(Vertical):
    """A line a step, in the order it went."""

    def __init__(self, known: Callable[[], Mapping[str, Any] | None]) -> None:
        super().__init__()
        self._known = known
        self._steps: list[dict[str, str]] = []
        self.table = Table(self, LINEAGE, frozen=1, empty="...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """Both."""
        yield self.table
        yield self._detail

    async def hear(self, dirty: Dirty) -> None:
        """Runs read it, models come of those."""
        version = self._known()
        if version is None:
            return
        named = f"{version['name']}:{version['version']}"
        found = await cast("Dashboard", self.app).services.call("datasets", "lineage", dataset=named)
        self._steps = way(found)
        self.table.empty = (
            "Nothing made it that is known, and no run read it.\n\n"
            f"wb submit --input data=data:{named} -- python train.py '${{{{inputs.data}}}}'"
        )
        keys = [str(number) for number in range(len(self._steps))]
        self.table.replace(keys)
        self.table.changed(keys)
        readers, models = len(found.get("read_by") or []), len(found.get("models") or [])
        told = f"{counted(readers, 'run')} read it, {counted(models, 'model version')} came of them"
        self._detail.said = (told if keys else "", "dim")

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A step's cells."""
        return lineage_cells(self._steps[int(key)]) if int(key) < len(self._steps) else None

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        place = self._steps[int(event.key)]["place"]
        if place:
            await cast("Dashboard", self.app).visit(parse(place))
        else:
            self.app.notify("it is no version that is known here", severity="warning", timeout=3)
