"""What is done with machines, from their list and from a machine's own page."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.confirm import Confirm
from workbench.tui.dialogs.pick import Choice, Pick
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


POWER = (
    ("start", "start", "and wait until it answers"),
    ("stop", "stop", "refused while runs are active there"),
    ("restart", "restart", "refused while runs are active there"),
)


async def power(app: Dashboard, name: str) -> None:
    """Ask what to do, and have a machine switched on or off by its own commands; for a worker."""
    settings = (await app.services.call("compute", "get", name=name)).get("settings") or {}
    both = bool(settings.get("start") and settings.get("stop"))
    choices = [
        Choice(method, title, about)
        for method, title, about in POWER
        if settings.get(method) or (method == "restart" and both)
    ]
    shown = clean_name(name)
    if not choices:
        app.notify(
            f"{shown} has no such commands\nwb compute set {shown} start='...' stop='...'", severity="warning"
        )
        return
    method = await app.push_screen_wait(Pick(f"Switch {shown}", choices, do="go on"))
    if method is None:
        return
    asked, said = f"{method.capitalize()} {shown}?", "What is not kept on its disk is lost."
    if method != "start" and not await app.push_screen_wait(Confirm(asked, said, do=method)):
        return
    app.notify(f"{method} {shown}: what it says is in 7 Activity", timeout=3)
    last = ""
    try:
        async with aclosing(app.services.items("compute", method, name=name)) as items:
            async for item in items:
                last = str(item.get("out") or last)
    except WorkbenchError as problem:
        app.complain(problem)
        return
    end = "is stopped" if method == "stop" else "is up"
    app.notify(f"{shown} {end}{f': {clean_name(last, 200)}' if last else ''}", timeout=5)
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
