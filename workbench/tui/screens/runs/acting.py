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

    async def gathered_runs(self) -> list[Mapping[str, Any]]:
        """As `chosen_runs`, with those of which no row is here yet. Raises WorkbenchError."""
        return self.chosen_runs()

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
        if action.startswith("runs.") and action not in ("runs.new", "runs.import"):
            return doing.why_not(action, self.chosen_runs())
        return super().refusal(action)

    async def _rows(self, action: str) -> list[Mapping[str, Any]]:
        """All runs an action is about, none where it turns out that it cannot be done with them."""
        rows = await self.gathered_runs()
        why = doing.why_not(action, rows)
        if why is not None:
            self.app.notify(why, severity="warning", timeout=4, markup=False)
        return [] if why is not None else rows

    async def do_runs_cancel(self) -> None:
        """End the chosen runs, after a yes."""
        if rows := await self._rows("runs.cancel"):
            await doing.cancel(self.dashboard, rows)

    async def do_runs_again(self) -> None:
        """Run the one under the cursor again."""
        await doing.again(self.dashboard, self.chosen_runs()[0])

    async def do_runs_promote(self) -> None:
        """Register the files of the run under the cursor as a model, and promote it."""
        from workbench.tui.screens.models.changing import of_run

        await of_run(self.dashboard, self.chosen_runs()[0])

    async def do_runs_new(self) -> None:
        """A new run."""
        await doing.new(self.dashboard, experiment=self.at_experiment, target=self.at_target)

    def do_runs_import(self) -> None:
        """Runs that other tools logged."""
        from workbench.tui.screens.files.changing import carried
        from workbench.tui.screens.runs.importing import bring

        work = carried(self.dashboard, bring(self.dashboard))
        self.run_worker(work, group="import", exit_on_error=True)

    async def do_runs_compare(self) -> None:
        """Compare the marked runs."""
        if rows := await self._rows("runs.compare"):
            await doing.compare(self.dashboard, rows)

    async def unfold(self, run: str) -> None:
        """Show the children of a run behind it, or hide them."""
        raise NotImplementedError

    async def do_runs_children(self) -> None:
        """The children of the run under the cursor."""
        await self.unfold(self.chosen_runs()[0]["id"])

    def do_runs_stack(self) -> None:
        """What the run under the cursor is doing."""
        from workbench.tui.screens.run.stacks import StacksScreen

        run = self.chosen_runs()[0]
        self.app.push_screen(StacksScreen(run["id"], str(run["name"])))

    async def do_runs_tensorboard(self) -> None:
        """Its TensorBoard."""
        await self._serve("tensorboard")

    async def do_runs_jupyter(self) -> None:
        """Its Jupyter."""
        await self._serve("jupyter")

    async def _serve(self, tool: str) -> None:
        from workbench.tui.screens.forwards.doing import serve

        await serve(self.dashboard, self.chosen_runs()[0], tool)

    async def do_runs_note(self) -> None:
        """The note of the run under the cursor."""
        from workbench.tui.screens.runs.noting import note

        await note(self.dashboard, self.chosen_runs()[0])

    async def do_runs_export(self) -> None:
        """Write the chosen runs as one file."""
        from workbench.tui.screens.runs.handing_on import export

        if rows := await self._rows("runs.export"):
            self.app.run_worker(export(self.dashboard, rows), group="export", exit_on_error=True)

    async def do_runs_tag(self) -> None:
        """Tags of the chosen runs."""
        from workbench.tui.screens.runs.tagging import tag

        if rows := await self._rows("runs.tag"):
            await tag(self.dashboard, rows)

    async def do_runs_remove(self) -> None:
        """Take the chosen runs out of lists, or bring them back."""
        if rows := await self._rows("runs.remove"):
            await doing.archive(self.dashboard, rows)
