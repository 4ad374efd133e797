"""The actions of the place `data`, for every page that has a dataset or a version under a cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.text.location import Location
from workbench.tui.places.page import Page


class DataActions(Page):
    """A page with datasets; `chosen_version` says what actions are about."""

    WHOLE = False
    """Whether its rows are datasets with all their versions."""

    def chosen_version(self) -> Mapping[str, Any] | None:
        """The version under the cursor; of a dataset the newest."""
        raise NotImplementedError

    def refusal(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        if action.startswith("data.") and action != "data.register":
            version = self.chosen_version()
            if version is None:
                return "there is no dataset under the cursor"
            if action == "data.run" and not version.get("run"):
                return "no run made it: it was registered by hand"
            if action == "data.profile" and version.get("kind") != "tabular":
                return "it is a dataset of files, no table"
        return super().refusal(action)

    def chosen_id(self) -> str | None:
        """data:NAME:VERSION, as job files and --input take it."""
        version = self.chosen_version()
        return None if version is None else f"data:{version['name']}:{version['version']}"

    async def do_data_register(self) -> None:
        """A dataset, or the next version of the one under the cursor."""
        from workbench.tui.screens.data.registering import register

        await register(self.dashboard, self.chosen_version())

    async def do_data_bring(self) -> None:
        """Bring it to a machine."""
        from workbench.tui.screens.data.looking import bring

        if (version := self.chosen_version()) is not None:
            await bring(self.dashboard, version)

    async def do_data_verify(self) -> None:
        """Look whether its files are what they were."""
        from workbench.tui.screens.data.looking import verify

        if (version := self.chosen_version()) is not None:
            await verify(self.dashboard, version)

    async def do_data_profile(self) -> None:
        """Have a run profile it."""
        from workbench.tui.screens.data.looking import profile

        if (version := self.chosen_version()) is not None:
            await profile(self.dashboard, version)

    async def do_data_locate(self) -> None:
        """Where its files lie on machines."""
        from workbench.tui.screens.data.changing import locate

        if (version := self.chosen_version()) is not None:
            await locate(self.dashboard, version)

    async def do_data_run(self) -> None:
        """Go to the run that made it."""
        version = self.chosen_version()
        if version is not None and version.get("run"):
            run = await self.dashboard.services.call("runs", "get", run=version["run"])
            await self.dashboard.visit(Location("runs", (str(run["experiment"]), str(run["id"]))))

    async def do_data_describe(self) -> None:
        """Say what it is."""
        from workbench.tui.screens.data.changing import describe

        if (version := self.chosen_version()) is not None:
            await describe(self.dashboard, version)

    async def do_data_tag(self) -> None:
        """Tags of the version."""
        from workbench.tui.screens.data.changing import tag

        if (version := self.chosen_version()) is not None:
            await tag(self.dashboard, version)

    def do_data_fetch(self) -> None:
        """Save its files here."""
        from workbench.tui.screens.data.looking import fetch

        if (version := self.chosen_version()) is not None:
            self.app.run_worker(fetch(self.dashboard, version), group="fetch", exit_on_error=True)

    async def do_data_archive(self) -> None:
        """Hide the version, or bring it back."""
        from workbench.tui.screens.data.changing import archive

        if (version := self.chosen_version()) is not None:
            await archive(self.dashboard, version)

    async def do_data_remove(self) -> None:
        """Forget the version, or a dataset with all of them."""
        from workbench.tui.screens.data.changing import remove

        if (version := self.chosen_version()) is not None:
            await remove(self.dashboard, version, whole=self.WHOLE)
