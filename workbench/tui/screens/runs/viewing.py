"""Saved views of the list of runs: chosen, and kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.text.location import Location
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.pick import Choice, Pick
from workbench.tui.dialogs.question import Question

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

SAVE = "+"
"""The id of the choice to save what is seen; no view is called so."""


async def ask_view(app: Dashboard) -> str | None:
    """The name of a view, SAVE, or None. Raises WorkbenchError."""
    found = await app.services.call("views", "list")
    choices = [Choice(view["name"], view["name"], view.get("filter") or "all runs") for view in found]
    choices.append(Choice(SAVE, "save this list", "its filter, order, groups and columns, under a name"))
    return await app.push_screen_wait(Pick("Views", choices, do="open"))


async def save(app: Dashboard, seen: Mapping[str, Any]) -> None:
    """Ask for a name and keep what is seen under it. Raises WorkbenchError."""
    name = await app.push_screen_wait(Question("Save this list", "what it is called", echo=True))
    if name and name.strip():
        await app.services.call("views", "save", name=name.strip(), **seen)
        app.notify(f"saved as {clean_name(name)}; w opens it", markup=False)


def location_of(view: Mapping[str, Any]) -> Location:
    """The place that shows a view."""
    options = {key: str(view[key]) for key in ("filter", "group") if view.get(key)}
    path = (str(view["experiment"]),) if view.get("experiment") else ()
    return Location("runs", path, {**options, "view": str(view["name"])})
