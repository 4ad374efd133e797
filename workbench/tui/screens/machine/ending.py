"""Ending a process of one's own on a machine, after a yes; what does not listen can be killed next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.tui.dialogs.confirm import Confirm
from workbench.views.processes import HIDDEN, MINE, OURS, Row, key_of

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


def why_not(row: Row | None) -> str | None:
    """Why this row is nothing one can end."""
    if row is None:
        return "there is no process under the cursor"
    if row.kind == HIDDEN:
        return "nobody says which processes these are"
    if row.process is None:
        how = "x ends the run, " if row.kind == OURS else ""
        return f"{row.procs} processes: {how}the right arrow shows each"
    if not row.process.get("mine"):
        return f"it is {row.user}'s; only your own can be ended from here"
    return None if row.can_be_ended else "which process it is cannot be told, so it is left alone"


async def end(app: Dashboard, name: str, row: Row, asked_before: set[str]) -> None:
    """Ask, then send TERM, or KILL where that was tried before. For a worker."""
    process = row.process or {}
    key, pid = key_of(process), process["pid"]
    signal = "KILL" if key in asked_before else "TERM"
    said = f"{row.command or 'an unknown command'}, on {name}."
    said += " KILL: it can save nothing any more." if signal == "KILL" else " TERM asks it to end."
    if row.kind == OURS:
        said += " It belongs to a run, which x ends as a whole."
    elif row.kind == MINE:
        said += " It belongs to no run."
    if not await app.push_screen_wait(Confirm(f"End process {pid}?", said, do=f"send {signal}")):
        return
    try:
        found = await app.services.call(
            "compute", "end_process", name=name, pid=pid, start=process["start"], signal=signal
        )
    except WorkbenchError as problem:
        app.complain(problem)
        return
    if found.get("ended"):
        asked_before.discard(key)
        app.notify(f"process {pid} ended", timeout=4, markup=False)
    else:
        asked_before.add(key)
        app.notify(f"process {pid} is still there; X again sends KILL", timeout=6, markup=False)
