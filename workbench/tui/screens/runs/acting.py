"""The actions of the place `runs`, for every page that has runs under a cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.tui.places.page import Page
from workbench.tui.screens.runs import doing


class RunActions(Page):
    """A page with runs: what `chosen_runs` says is what the actions are about."""

    def chosen_runs(self) -> list[Mapping[str, Any]]:
        """The runs an action is about."""
        raise NotImplementedError

    @property
    def at_experiment(self) -> str | None:
        """The experiment a new run would belong to."""
        return None

    @property
    def at_target(self) -> str | None:
        """The machine a new run would go to."""
        return None

    def refusal(self, action: str) -> str | None:
        """Why an action on runs cannot be done now."""
        if action.startswith("runs.") and action != "runs.new":
            return doing.why_not(action, self.chosen_runs())
        return super().refusal(action)

    async def do_runs_cancel(self) -> None:
        """End the chosen runs, after a yes."""
        await doing.cancel(self.dashboard, self.chosen_runs())

    async def do_runs_again(self) -> None:
        """Run the one under the cursor again."""
        await doing.again(self.dashboard, self.chosen_runs()[0])

    async def do_runs_new(self) -> None:
        """A new run."""
        await doing.new(self.dashboard, experiment=self.at_experiment, target=self.at_target)

    async def do_runs_compare(self) -> None:
        """Compare the marked runs."""
        await doing.compare(self.dashboard, self.chosen_runs())

    async def do_runs_note(self) -> None:
        """The note of the run under the cursor."""
        from workbench.tui.screens.runs.noting import note

        await note(self.dashboard, self.chosen_runs()[0])

    async def do_runs_tag(self) -> None:
        """Tags of the chosen runs."""
        from workbench.tui.screens.runs.tagging import tag

        await tag(self.dashboard, self.chosen_runs())

    async def do_runs_remove(self) -> None:
        """Take the chosen runs out of lists, or bring them back."""
        await doing.archive(self.dashboard, self.chosen_runs())
