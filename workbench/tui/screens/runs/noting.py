"""Notes in the user's own editor; the dashboard steps aside meanwhile."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.text.sanitize import clean_name
from workbench.tui.leaving import run_outside
from workbench.tui.model.dirty import Dirty

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

LARGEST = 1 << 20
"""Characters of a note."""


def editor(environ: Mapping[str, str]) -> list[str]:
    """The words that start the user's editor: VISUAL, EDITOR, else vi."""
    said = environ.get("VISUAL") or environ.get("EDITOR") or "vi"
    try:
        return shlex.split(said) or ["vi"]
    except ValueError:
        return ["vi"]


def edited(app: Dashboard, name: str, before: str) -> str | None:
    """A note as the user left it in the editor; None when it is what it was, or the editor failed."""
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        place = Path(folder) / f"{clean_name(name, 100).replace(os.sep, '_')}.md"
        place.write_text(before, "utf-8")
        code = run_outside(app, [*editor(app.environ), str(place)])
        if code != 0:
            if code is not None:
                app.notify(f"the editor ended with {code}: nothing was changed", severity="warning")
            return None
        after = place.read_text("utf-8", "replace")[:LARGEST].rstrip("\n")
    return None if after == before.rstrip("\n") else after


async def note(app: Dashboard, run: Mapping[str, Any]) -> None:
    """Edit a run's note; what it was can come back. For a worker; raises WorkbenchError."""
    before = str((await app.services.call("runs", "get", run=run["id"])).get("description") or "")
    after = edited(app, run["name"], before)
    if after is None:
        return
    await _write(app, run["id"], after)

    async def back() -> None:
        await _write(app, run["id"], before)

    app.undo.add(f"the note of {clean_name(run['name'])}", back)


async def _write(app: Dashboard, run: str, text: str) -> None:
    await app.services.call("runs", "describe", run=run, description=text)
    app.tell(Dirty(runs={run}))
