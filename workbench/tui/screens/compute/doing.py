"""What is done with machines, from their list and from a machine's own page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.confirm import Confirm
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.compute.signing_in import sign_in

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


async def login(app: Dashboard, name: str) -> None:
    """Sign in to a machine. Has to be called from a worker."""
    app.notify(f"reaching {clean_name(name)} ...", timeout=3, markup=False)
    try:
        found = await sign_in(app, name, "login", {})
    except WorkbenchError as problem:
        app.complain(problem)
        return
    if found is not None:
        app.notify(f"{clean_name(name)} is connected", timeout=3, markup=False)
        app.tell(Dirty(targets={name}))


async def detach(app: Dashboard, target: Mapping[str, Any]) -> bool:
    """Ask, then forget a machine; a protected one wants its name typed. Whether it is gone; for a worker."""
    name = str(target["name"])
    protected = bool((target.get("settings") or {}).get("protected"))
    said = "Nothing is touched on the machine. Its runs stay in the lists; what goes on there goes on."
    dialog = Confirm(f"Detach {clean_name(name)}?", said, do="detach", name=name if protected else None)
    if not await app.push_screen_wait(dialog):
        return False
    try:
        await app.services.call("compute", "detach", name=name, even_protected=protected or None)
    except WorkbenchError as problem:
        app.complain(problem)
        return False
    app.notify(f"{clean_name(name)} is detached", timeout=3, markup=False)
    app.tell(Dirty(targets={name}))
    return True
