"""Runs that other tools logged, here or on a machine: asked for, shown before they are taken in, imported."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.entities.experiment import valid_experiment_name
from workbench.side_thread import in_side_thread
from workbench.text.numbers import counted
from workbench.text.sanitize import clean, clean_name
from workbench.tui.dialogs.confirm import Confirm
from workbench.tui.dialogs.form import Field, Form
from workbench.tui.here import names_here

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard
    from workbench.workspace.imports import FoundRun, Imported

NAMED = 8
"""Runs that are named before they are imported; of more the others are counted."""


async def bring(app: Dashboard, place: str = "") -> None:
    """Ask for a place, say what is there, and import it after a yes. Has to be called from a worker.

    place: PATH or MACHINE:PATH. Raises WorkbenchError.
    """
    fields = [
        Field("place", "from", place, "a folder or bundle of this side, or MACHINE:PATH", names_here()),
        Field("experiment", "experiment", "", "absent = called like the folder"),
    ]
    first = "experiment" if place else "place"
    form = Form("Import runs", fields, do="look", check=_wrong, command=command_line, first=first)
    values = await app.push_screen_wait(form)
    if values is None:
        return
    place, experiment = values["place"].strip(), values["experiment"].strip() or None
    with app.open_workspace() as workspace:
        brought = await in_side_thread(lambda: workspace.bring_bundle(Path(place)))
        if brought is not None:
            new = sum(run.state == "new" for run in brought)
            said = f"{counted(new, 'new run')} of {len(brought)} in the bundle"
            app.notify(said, title="imported", timeout=8, markup=False)
            return
        app.notify(f"looking into {clean_name(place, 100)} ...", timeout=3, markup=False)
        found = await in_side_thread(lambda: list(workspace.find_runs(place)))
        bad = [one.trouble for one in found if one.trouble]
        found = [one for one in found if not one.trouble]
        if not found:
            words = clean(bad[0], 300) if bad else "nothing there is a log that can be read"
            app.notify(words, title="nothing to import", severity="warning", timeout=8, markup=False)
            return
        title = f"Import {counted(len(found), 'run')}?"
        if not await app.push_screen_wait(Confirm(title, listed(found, bad), do="import", destroys=False)):
            return
        app.notify(f"importing {counted(len(found), 'run')} ...", timeout=5, markup=False)
        done = await in_side_thread(lambda: list(workspace.bring_runs(place, experiment)))
    app.notify(summary(done), title="imported", timeout=8, markup=False)


def command_line(values: Mapping[str, str]) -> str:
    """The command that does the same."""
    words = ["wb", "run", "import", values["place"].strip() or "PLACE"]
    if values["experiment"].strip():
        words += ["--experiment", values["experiment"].strip()]
    return shlex.join(words)


def listed(found: list[FoundRun], bad: Sequence[str] = ()) -> str:
    """What was found, in words: how many of which form, the first by name; what of bad cannot be read."""
    forms = Counter(form for one in found for form in one.forms)
    lines = [", ".join(f"{count} {clean_name(form, 40)}" for form, count in forms.most_common())]
    known = sum(one.known for one in found)
    if known:
        lines.append(f"Here already: {known}; what is new of those is added.")
    lines += [f"  {clean_name(one.name, 70)}" for one in found[:NAMED]]
    if len(found) > NAMED:
        lines.append(f"  and {len(found) - NAMED} more")
    if bad:
        lines.append(f"Left out: {clean(bad[0], 200)}" + (f", and {len(bad) - 1} more" if bad[1:] else ""))
    return "\n".join(lines)


def summary(done: list[Imported]) -> str:
    """How it went."""
    new = sum(one.new for one in done)
    text = f"{counted(new, 'new run')}, {counted(sum(one.entries for one in done), 'record')}"
    skipped = sum(one.skipped for one in done)
    if skipped:
        text += f"; {counted(skipped, 'damaged piece')} passed over"
    unread = sum(not one.run for one in done)
    if unread:
        text += f"; {counted(unread, 'log')} could not be read"
    troubles = [trouble for one in done for trouble in one.troubles]
    return f"{text}\n{clean(troubles[0], 300)}" if troubles else text


def _wrong(values: Mapping[str, str]) -> dict[str, str]:
    wrong = {}
    if not values["place"].strip():
        wrong["place"] = "a folder or file, or one of a machine: gpu1:~/runs"
    if values["experiment"].strip() and not valid_experiment_name(values["experiment"].strip()):
        wrong["experiment"] = "letters, digits, - and _"
    return wrong
