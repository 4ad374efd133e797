"""The actions of the place `models`, for every page that has a model or a version under a cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.errors import WorkbenchError
from workbench.text.location import Location
from workbench.tui.places.page import Page

OF_MODEL = ("models.gate", "models.rollback")
"""What is done with a model, whichever of its versions is looked at."""


class ModelActions(Page):
    """A page with models; `chosen_version` and `chosen_model` say what actions are about."""

    def chosen_version(self) -> Mapping[str, Any] | None:
        """The version under the cursor."""
        raise NotImplementedError

    def chosen_model(self) -> str | None:
        """The model's name."""
        raise NotImplementedError

    def refusal(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        if action in OF_MODEL and self.chosen_model() is None:
            return "there is no model under the cursor"
        if action.startswith("models.") and action not in OF_MODEL:
            version = self.chosen_version()
            if version is None:
                return "there is no version under the cursor"
            if action == "models.run" and not version.get("run"):
                return "it was registered from a file, not from a run"
            if action == "models.remove" and (version["aliases"] or version["deployments"]):
                return f"it is in use by {', '.join([*version['aliases'], *version['deployments']])}"
        return super().refusal(action)

    async def do_models_promote(self) -> None:
        """Give the version an alias, after the gate's verdict."""
        from workbench.tui.screens.models.promoting import promote

        if (version := self.chosen_version()) is not None:
            await promote(self.dashboard, version)

    def do_models_evaluate(self) -> None:
        """Have the version measured; that may take as long as a run does."""
        from workbench.tui.screens.models.evaluating import evaluate

        if (version := self.chosen_version()) is not None:
            self.app.run_worker(self._evaluate(version, evaluate), group="evaluate", exit_on_error=True)

    async def _evaluate(self, version: Mapping[str, Any], evaluate: Any) -> None:
        try:
            await evaluate(self.dashboard, version)
        except WorkbenchError as problem:
            self.dashboard.complain(problem)

    async def do_models_alias(self) -> None:
        """Give the version an alias past the gate, or take one away."""
        from workbench.tui.screens.models.changing import alias

        if (version := self.chosen_version()) is not None:
            await alias(self.dashboard, version)

    async def do_models_rollback(self) -> None:
        """Take an alias's newest move back."""
        from workbench.tui.screens.models.promoting import rollback

        if (name := self.chosen_model()) is not None:
            await rollback(self.dashboard, name)

    async def do_models_gate(self) -> None:
        """Change the gate."""
        from workbench.tui.screens.models.changing import gate

        if (name := self.chosen_model()) is not None:
            await gate(self.dashboard, name)

    async def do_models_tag(self) -> None:
        """Tags of the version."""
        from workbench.tui.screens.models.changing import tag

        if (version := self.chosen_version()) is not None:
            await tag(self.dashboard, version)

    def do_models_fetch(self) -> None:
        """Save the version's files here."""
        from workbench.tui.screens.models.changing import fetch

        if (version := self.chosen_version()) is not None:
            work = fetch(self.dashboard, version)
            self.app.run_worker(work, group="fetch", exit_on_error=True)

    async def do_models_run(self) -> None:
        """Go to the run it came from."""
        version = self.chosen_version()
        if version is not None and version.get("run"):
            experiment = str(version.get("experiment") or "default")
            await self.dashboard.visit(Location("runs", (experiment, str(version["run"]))))

    async def do_models_remove(self) -> None:
        """Remove the version for good, after its name."""
        from workbench.tui.screens.models.changing import remove

        if (version := self.chosen_version()) is not None:
            await remove(self.dashboard, version)
