"""Saved views of the list of runs: chosen, and kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.text.location import Location
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.naming import ask_name
from workbench.tui.dialogs.pick import Choice, Pick

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

SAVE, FORGET = "+", "-"
"""The ids of the choices to save what is seen, and to forget a view; no view is called so."""


async def ask_view(app: Dashboard) -> str | None:
    """The name of a view, SAVE, FORGET, or None. Raises WorkbenchError."""
    choices = await _views(app)
    if choices:
        choices.append(Choice(FORGET, "forget a view", "the runs stay as they are"))
    choices.append(Choice(SAVE, "save this list", "its filter, order, groups and columns, under a name"))
    return await app.push_screen_wait(Pick("Views", choices, do="open"))


async def _views(app: Dashboard) -> list[Choice]:
    found = await app.services.call("views", "list")
    return [Choice(view["name"], view["name"], _described(view)) for view in found]


def _described(view: Mapping[str, Any]) -> str:
    """What a view shows, in words: its filter, and of which experiment."""
    experiment = view.get("experiment")
    if experiment:
        return f"{view['filter']}, in {experiment}" if view.get("filter") else f"all of {experiment}"
    return str(view.get("filter") or "all runs")


async def forget(app: Dashboard) -> None:
    """Ask which view, and forget it; it can be brought back. Raises WorkbenchError."""
    name = await app.push_screen_wait(Pick("Forget a view", await _views(app), do="forget"))
    if name is None:
        return
    view = await app.services.call("views", "get", name=name)
    await app.services.call("views", "remove", name=name)

    async def undone() -> None:
        kept = ("filter", "experiment", "sort", "descending", "group", "columns")
        await app.services.call("views", "save", name=name, **{key: view.get(key) for key in kept})

    app.undo.add(f"the view {clean_name(name)} forgotten", undone)
    app.notify(f"{clean_name(name)} is forgotten; z brings it back", markup=False)


async def save(app: Dashboard, seen: Mapping[str, Any]) -> None:
    """Ask for a name and keep what is seen under it. Raises WorkbenchError."""
    name = await ask_name(app, "Save this list")
    if name is not None:
        await app.services.call("views", "save", name=name, **seen)
        app.notify(f"saved as {clean_name(name)}; w opens it", markup=False)


def location_of(view: Mapping[str, Any]) -> Location:
    """The place that shows a view."""
    options = {key: str(view[key]) for key in ("filter", "group") if view.get(key)}
    path = (str(view["experiment"]),) if view.get("experiment") else ()
    return Location("runs", path, {**options, "view": str(view["name"])})
