"""The actions of the place `datastores`, for the page of all and of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.tui.places.page import Page


class DatastoreActions(Page):
    """A page with datastores."""

    def chosen_datastore(self) -> Mapping[str, Any] | None:
        """The one under the cursor."""
        raise NotImplementedError

    async def look_at(self, datastore: Mapping[str, Any]) -> None:
        """Look whether it answers."""
        raise NotImplementedError

    def refusal(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        if action.startswith("datastores.") and action != "datastores.add":
            datastore = self.chosen_datastore()
            if datastore is None:
                return "there is no datastore under the cursor"
            if datastore.get("default") and action in ("datastores.default", "datastores.remove"):
                again = "it is the default one already"
                return (
                    again if action == "datastores.default" else "it is the default one: choose another first"
                )
        return super().refusal(action)

    def chosen_id(self) -> str | None:
        """datastore:NAME/, as paths of datasets begin."""
        datastore = self.chosen_datastore()
        return None if datastore is None else f"datastore:{datastore['name']}/"

    async def do_datastores_add(self) -> None:
        """A new one."""
        from workbench.tui.screens.datastores.changing import add

        await add(self.dashboard)

    async def do_datastores_check(self) -> None:
        """Whether it answers."""
        if (datastore := self.chosen_datastore()) is not None:
            await self.look_at(datastore)

    async def do_datastores_default(self) -> None:
        """What is meant when none is named."""
        from workbench.tui.screens.datastores.changing import default

        if (datastore := self.chosen_datastore()) is not None:
            await default(self.dashboard, datastore)

    async def do_datastores_remove(self) -> None:
        """Forget it."""
        from workbench.tui.screens.datastores.changing import remove

        if (datastore := self.chosen_datastore()) is not None:
            await remove(self.dashboard, datastore)
