"""The actions of the place `environments`, for every page that has a version under a cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.tui.places.page import Page

NO_BUILD = "it is an interpreter of the machine's own: nothing is built of it"


class EnvironmentActions(Page):
    """A page with environments; `chosen_version` says what actions are about."""

    def chosen_version(self) -> Mapping[str, Any] | None:
        """The version under the cursor; of an environment the newest."""
        raise NotImplementedError

    def chosen_pair(self) -> tuple[str, str] | None:
        """Two versions, the older first, that can be held against each other."""
        version = self.chosen_version()
        if version is None or int(version["version"]) < 2:
            return None
        name, number = str(version["name"]), int(version["version"])
        return f"{name}:{number - 1}", f"{name}:{number}"

    def refusal(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        if action.startswith("environments.") and action != "environments.register":
            version = self.chosen_version()
            if version is None:
                return "there is no environment under the cursor"
            if action == "environments.build" and version["definition"]["kind"] == "python":
                return NO_BUILD
            if action == "environments.diff" and self.chosen_pair() is None:
                return "there is no other version of it; space marks two"
        return super().refusal(action)

    def chosen_id(self) -> str | None:
        """NAME:VERSION, as --env takes it."""
        version = self.chosen_version()
        return None if version is None else f"{version['name']}:{version['version']}"

    async def do_environments_build(self) -> None:
        """Have it ready on a machine."""
        from workbench.tui.screens.environments.building import build

        if (version := self.chosen_version()) is not None:
            await build(self.dashboard, version)

    async def do_environments_diff(self) -> None:
        """How two versions differ."""
        from workbench.tui.screens.environments.changing import diff

        if (pair := self.chosen_pair()) is not None:
            await diff(self.dashboard, *pair)

    async def do_environments_register(self) -> None:
        """A version of a file."""
        from workbench.tui.screens.environments.changing import register

        await register(self.dashboard, self.chosen_version() if self.location.path else None)

    async def do_environments_alias(self) -> None:
        """What it is called beside its number."""
        from workbench.tui.screens.environments.changing import alias

        if (version := self.chosen_version()) is not None:
            await alias(self.dashboard, version)

    async def do_environments_tag(self) -> None:
        """Tags of the version."""
        from workbench.tui.screens.environments.changing import tag

        if (version := self.chosen_version()) is not None:
            await tag(self.dashboard, version)

    async def do_environments_archive(self) -> None:
        """Hide it, or bring it back."""
        from workbench.tui.screens.environments.changing import archive

        if (version := self.chosen_version()) is not None:
            await archive(self.dashboard, version)
