"""The queue page: who runs and who waits, on all machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult

from workbench.text.location import Location
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.filtered import FilteredPage
from workbench.tui.screens.queue.listing import QueueListing
from workbench.tui.screens.runs.acting import RunActions


class QueuePage(RunActions, FilteredPage):
    """The queues of all machines."""

    PLACES: ClassVar[tuple[str, ...]] = ("page", "runs")
    LACKS: ClassVar[frozenset[str]] = frozenset(
        {"runs.compare", "runs.children", "runs.note", "runs.tag", "runs.remove"}
    )
    HINT = "part of a name, a user, a machine"

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.listing = QueueListing()

    def compose(self) -> ComposeResult:
        """The list."""
        yield self.listing

    @property
    def aside(self) -> str:
        """The filter, and how many run and wait."""
        return "   ".join(
            part for part in (f"/ {self.words}" if self.words else "", self.listing.count) if part
        )

    async def hear(self, dirty: Dirty) -> None:
        """The list hears."""
        await self.listing.hear(dirty)

    def fill(self) -> None:
        """The entries that fit the filter."""
        self.listing.narrow(self.words)

    def chosen_id(self) -> str | None:
        """The run under the cursor."""
        chosen = self.listing.chosen
        return str(chosen[0]["run"]) if chosen else None

    def chosen_runs(self) -> list[Mapping[str, Any]]:
        """The runs an action is about, as far as a queue tells."""
        return runs_of(self.listing)

    def command_line(self) -> str:
        """The command that shows the same."""
        return "wb queue"


def runs_of(listing: QueueListing) -> list[Mapping[str, Any]]:
    """The runs chosen in a queue as rows of runs; shells are none."""
    return [
        {
            "id": entry["run"],
            "name": entry.get("name") or entry["run"],
            "experiment": entry.get("experiment") or "",
            "target": entry["target"],
            "status": "Running" if entry.get("state") == "running" else "Queued",
        }
        for entry in listing.chosen
        if entry.get("kind") != "shell" and entry.get("mine", True)
    ]
