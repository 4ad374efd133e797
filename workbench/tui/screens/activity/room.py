"""What this workspace keeps on this side's disk, and removing what belongs to no run any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.tui.dialogs.confirm import Confirm
from workbench.tui.dialogs.notice import Notice
from workbench.views import workspace_room as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

TITLE = "Disk use on this side"
MORE = "Runs themselves go by wb run rm; what is on a machine goes from its own page (U)."


async def room(app: Dashboard) -> None:
    """Show what is kept; ask before what belongs to nothing goes. For a worker; raises WorkbenchError."""
    usage = await app.services.call("workspace", "usage")
    going = await app.services.call("workspace", "prune", dry_run=True)
    facts = [(title, cell if isinstance(cell, str) else cell.text) for title, cell in look.facts(usage)]
    left = max(len(title) for title, _ in facts)
    said = "\n".join(f"{title:{left}}  {text}" for title, text in facts)
    if look.is_nothing(going):
        await app.push_screen_wait(Notice(TITLE, f"{said}\n\nAll of it belongs to runs. {MORE}"))
        return
    asked = f"{said}\n\nBelongs to no run: {look.pruned(going)}. {MORE}"
    if await app.push_screen_wait(Confirm(TITLE, asked, do="remove")):
        found = await app.services.call("workspace", "prune", dry_run=False)
        app.notify(f"removed {look.pruned(found)}", timeout=5, markup=False)
