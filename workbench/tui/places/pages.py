"""Which page shows a place; modules are imported when their first place is visited."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from workbench.text.location import Location
from workbench.tui.places.history import chosen_apart

if TYPE_CHECKING:
    from workbench.tui.places.page import Page

_PAGES = {
    "runs": "workbench.tui.screens.runs.page:RunsPage",
    "run": "workbench.tui.screens.run.page:RunPage",
    "compare": "workbench.tui.screens.compare.page:ComparePage",
    "comparisons": "workbench.tui.screens.compare.saved:SavedPage",
    "plot": "workbench.tui.screens.scatter.page:ScatterPage",
    "compute": "workbench.tui.screens.compute.page:ComputePage",
    "machine": "workbench.tui.screens.machine.page:MachinePage",
    "models": "workbench.tui.screens.models.page:ModelsPage",
    "model": "workbench.tui.screens.models.model:ModelPage",
    "version": "workbench.tui.screens.models.version:VersionPage",
    "data": "workbench.tui.screens.data.page:DatasetsPage",
    "dataset": "workbench.tui.screens.data.dataset:DatasetPage",
    "dataset-version": "workbench.tui.screens.data.version:DatasetVersionPage",
    "datastores": "workbench.tui.screens.datastores.page:DatastoresPage",
    "datastore": "workbench.tui.screens.datastores.datastore:DatastorePage",
    "environments": "workbench.tui.screens.environments.page:EnvironmentsPage",
    "environment": "workbench.tui.screens.environments.environment:EnvironmentPage",
    "environment-version": "workbench.tui.screens.environments.version:EnvironmentVersionPage",
    "builds": "workbench.tui.screens.environments.builds:BuildsPage",
    "queue": "workbench.tui.screens.queue.page:QueuePage",
    "forwards": "workbench.tui.screens.forwards.page:ForwardsPage",
    "files": "workbench.tui.screens.files.page:FilesPage",
    "room": "workbench.tui.screens.room.page:RoomPage",
    "activity": "workbench.tui.screens.activity.page:ActivityPage",
}


VERSIONED = {
    "models": ("models", "model", "version"),
    "data": ("data", "dataset", "dataset-version"),
    "environments": ("environments", "environment", "environment-version"),
}
"""Nouns whose things have versions: the page of all, of one, of a version."""


APART = ("files", "room")
"""What of a machine has a page of its own; the rest are tabs of its page."""


def settled(location: Location) -> Location:
    """A location in which a tab is an option, also where it was written as the last step of the path."""
    depth = {"runs": 2, "experiments": 2, "compute": 1}.get(location.noun, len(location.path))
    beyond = location.path[depth:]
    if len(beyond) != 1 or (location.noun == "compute" and beyond[0] in APART):
        return location
    return location._replace(path=location.path[:depth], options={"tab": beyond[0], **location.options})


def kind_of(location: Location) -> str | None:
    """The kind of page for a location; None where nothing is built yet."""
    depth = len(location.path)
    if location.noun in ("runs", "experiments"):
        if chosen_apart(location):
            return "plot" if location.options.get("plot") else "compare"
        return "run" if depth >= 2 else "runs"
    if location.noun == "compare":
        return "compare" if depth else "comparisons"
    if location.noun in VERSIONED:
        some, one, version = VERSIONED[location.noun]
        exact = depth > 1 or (depth == 1 and (":" in location.path[0] or "@" in location.path[0]))
        return version if exact else one if depth else some
    if location.noun == "datastores":
        return "datastore" if depth else "datastores"
    if location.noun == "compute":
        if depth > 1 and location.path[1] in APART:
            return location.path[1]
        return "machine" if depth else "compute"
    return location.noun if location.noun in ("activity", "queue", "forwards", "builds") else None


def make_page(location: Location) -> Page:
    """A new page for a location. Raises LookupError where nothing is built for it yet."""
    kind = kind_of(location)
    if kind is None:
        raise LookupError(f"there is no screen for {location.noun} yet")
    module, _, name = _PAGES[kind].partition(":")
    page: Page = getattr(import_module(module), name)(location)
    return page
