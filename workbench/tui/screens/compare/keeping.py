"""Keeping a comparison under a name, and writing its note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.text.sanitize import clean_name
from workbench.tui.model.dirty import Dirty

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


async def keep(app: Dashboard, runs: Sequence[str], name: str | None) -> Mapping[str, Any] | None:
    """Keep runs as a comparison, under the name they have already or one that is asked for; as it is kept.

    For a worker; raises WorkbenchError. None when no name was given.
    """
    from workbench.tui.dialogs.naming import ask_name

    if name is None:
        name = await ask_name(app, "Keep this comparison")
    if name is None:
        return None
    kept: Mapping[str, Any] = await app.services.call("comparisons", "save", name=name, runs=list(runs))
    app.tell(Dirty(comparisons={kept["name"]}))
    app.notify(f"kept as compare/{clean_name(kept['name'])}", timeout=4, markup=False)
    return kept


async def note(app: Dashboard, kept: Mapping[str, Any]) -> None:
    """Write a comparison's note in $EDITOR; what it was can come back. Raises WorkbenchError."""
    from workbench.tui.screens.runs.noting import edited

    name, before = kept["name"], str(kept.get("note") or "")
    after = edited(app, name, before)
    if after is None:
        return
    await _write(app, name, after)

    async def back() -> None:
        await _write(app, name, before)

    app.undo.add(f"the note of {clean_name(name)}", back)


async def _write(app: Dashboard, name: str, text: str) -> None:
    await app.services.call("comparisons", "describe", name=name, note=text)
    app.tell(Dirty(comparisons={name}))
