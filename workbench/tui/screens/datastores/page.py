"""The page of datastores: where each is, and whether it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from workbench.errors import WorkbenchError
from workbench.text.location import Location
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.tui.model.dirty import Dirty
from workbench.tui.places.named_list import NamedListPage
from workbench.tui.screens.datastores.acting import DatastoreActions
from workbench.tui.screens.datastores.columns import DATASTORES, Answer, datastore_cells
from workbench.tui.table.cell import Cell
from workbench.tui.themes.palette import palette_of
from workbench.views import data as look

COMMAND = "wb datastore add NAME PLACE"
EMPTY = f"No datastores.   n names a place that holds data.\n\n{COMMAND}     (Y copies it)"
SECONDS = 20.0
"""After which one that says nothing is silent."""


class DatastoresPage(DatastoreActions, NamedListPage):
    """All datastores of the workspace.

    Folders, and those of machines that are connected, are looked at when one comes; others when one asks, as
    that connects to a machine, or asks a service that counts requests.
    """

    PLACES: ClassVar[tuple[str, ...]] = ("page", "tabs", "datastores")
    THING = "datastore"
    COLUMNS = DATASTORES
    EMPTY = EMPTY
    HINT = "words of a name, a place, a tag"

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._answers: dict[str, Answer] = {}

    async def hear(self, dirty: Dirty) -> None:
        """They come, go and are changed."""
        if not (dirty.everything or dirty.datastores):
            return
        found = await self.dashboard.services.call("datastores", "list")
        before = self.named
        self.take(found)
        other = [one for name, one in self.named.items() if before.get(name) != one]
        if other:
            self.run_worker(self._look_at_near(other), group="datastores", exit_on_error=True)

    async def _look_at_near(self, datastores: Sequence[Mapping[str, Any]]) -> None:
        try:
            targets = await self.dashboard.services.call("compute", "list")
        except WorkbenchError as problem:
            self.dashboard.complain(problem)
            return
        near = {
            one["name"] for one in targets if one.get("state") == "connected" or one.get("kind") == "local"
        }
        chosen = [
            one
            for one in datastores
            if one["kind"] == "folder" or (one["kind"] == "machine" and one.get("target") in near)
        ]
        await asyncio.gather(*(self.look_at(one) for one in chosen))

    async def look_at(self, datastore: Mapping[str, Any]) -> None:
        """See what is in it; what goes wrong is its state."""
        name = str(datastore["name"])
        self._answered(name, Answer("looking"))
        try:
            async with asyncio.timeout(SECONDS):
                found = await self.dashboard.services.call("datastores", "browse", name=name)
        except WorkbenchError as problem:
            self._answered(name, Answer("silent", " ".join(filter(None, (problem.message, problem.hint)))))
        except TimeoutError:
            self._answered(name, Answer("silent", f"no answer within {SECONDS:g} seconds"))
        else:
            folders, files = len(found["folders"]), len(found["items"])
            self._answered(name, Answer("answers", f"{counted(folders, 'folder')}, {counted(files, 'file')}"))

    def _answered(self, name: str, answer: Answer) -> None:
        self._answers[name] = answer
        self.table.changed([name])
        self.tell()

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A datastore's cells."""
        found = self.named.get(key)
        if found is None:
            return None
        answer = self._answers.get(key, Answer())
        return datastore_cells(found, answer, datetime.now(UTC), palette_of(self.app).ascii)

    def tell(self) -> None:
        """What is said of it, and where it is."""
        datastore = self.chosen_datastore()
        if datastore is None:
            self.detail.said = ("", "")
            return
        answer = self._answers.get(str(datastore["name"]), Answer())
        said = clean_name(answer.said, 400) or (
            "v looks whether it answers" if answer.state == "unknown" else ""
        )
        what = clean_name(str(datastore.get("description") or ""), 200)
        default = "* the default one" if datastore.get("default") else ""
        told = "   ".join(part for part in (said, default, what, look.place(datastore)) if part)
        self.detail.said = (told, "bad" if answer.state == "silent" else "dim")

    def chosen_datastore(self) -> Mapping[str, Any] | None:
        """The one under the cursor."""
        return self.named.get(self.table.cursor or "")

    def command_line(self) -> str:
        """The command that lists them."""
        return "wb datastore ls" if self.named else COMMAND

    def said(self, one: Mapping[str, Any]) -> str:
        """Its name, kind, tags, place and description."""
        tags = " ".join(f"{key} {value or ''}" for key, value in (one.get("tags") or {}).items())
        said = f"{look.place(one)} {tags} {one.get('description') or ''}"
        return f"{one['name']} {one['kind']} {said}"
