"""Runs handed on: as one file for another workspace, and as a report for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.side_thread import in_side_thread
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.tui.here import here
from workbench.tui.screens.run.files import file_name, free_name

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


async def export(app: Dashboard, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write runs as one file in the directory the dashboard was started in. For a worker."""
    ids = [row["id"] for row in rows]
    name = str(rows[0]["name"]) if len(rows) == 1 else counted(len(rows), "run").replace(" ", "-")

    def thread() -> Path:
        to = free_name(here() / file_name(name, ".wb"))
        with app.open_workspace() as workspace:
            workspace.export_runs(ids, to)
        return to

    try:
        place = await in_side_thread(thread)
    except WorkbenchError as problem:
        app.complain(problem)
        return
    app.notify(f"{clean_name(str(place))} written; wb run import reads it", timeout=6, markup=False)


async def report(app: Dashboard, runs: Sequence[str], title: str) -> None:
    """Write a report of runs, or of the saved comparison that is named alone, beside it. For a worker."""
    from workbench.views import report as document

    def thread() -> Path:
        to = free_name(here() / file_name(title, ".html"))
        with app.open_workspace() as workspace:
            told = workspace.report(runs)
        to.write_text(document.html(told), "utf-8")
        return to

    try:
        place = await in_side_thread(thread)
    except WorkbenchError as problem:
        app.complain(problem)
        return
    app.notify(f"{clean_name(str(place))} written", timeout=6, markup=False)
