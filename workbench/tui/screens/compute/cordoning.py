"""Taking a machine out of service and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.pick import Choice, Pick
from workbench.tui.model.dirty import Dirty
from workbench.views import queue as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

CORDON, DRAIN, LIFT = "cordon", "drain", "lift"
CHOICES = (
    Choice(CORDON, "cordon", "nothing starts; runs go on, what waits keeps its place"),
    Choice(DRAIN, "drain", "nothing new is taken on either: it empties itself"),
    Choice(LIFT, "back to work", "what waits there starts again"),
)


async def cordon(app: Dashboard, name: str) -> None:
    """Ask what is wanted, then have nothing start on a machine, or things again. For a worker."""
    shown = clean_name(name)
    chosen = await app.push_screen_wait(Pick(f"Cordon {shown}", CHOICES, do="go on"))
    if chosen is None:
        return
    try:
        found = await app.services.call(
            "compute", "cordon", name=name, on=chosen != LIFT, drain=chosen == DRAIN, reason=""
        )
    except WorkbenchError as problem:
        app.complain(problem)
        return
    held = found.get("cordon")
    said = look.cordon_words(held, found.get("running")) if held else "takes runs again"
    app.notify(f"{shown} {said}", timeout=4)
    app.tell(Dirty(targets={name}))
