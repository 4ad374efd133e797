"""What is done with runs from lists and from their own page: one body for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.text.location import Location
from workbench.text.sanitize import clean_name
from workbench.text.states import ACTIVE_RUN
from workbench.tui.model.dirty import Dirty
from workbench.tui.model.each import each, told_once

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

Runs = Sequence[Mapping[str, Any]]
MOST_COMPARED = 20


def why_not(action: str, rows: Runs) -> str | None:
    """Why an action cannot be done with these runs now."""
    if not rows:
        return "there is no run under the cursor"
    active = [row for row in rows if row.get("status") in ACTIVE_RUN]
    if action == "runs.cancel" and not active:
        return f"{_names(rows)} ended already"
    if action == "runs.remove" and active:
        return f"{_go_on(active, rows)}; x ends {'it' if len(active) == 1 else 'them'} first"
    below = (rows[0].get("children") or {}).get("count", 0) if len(rows) == 1 else 0
    if action == "runs.export" and active:
        return f"{_go_on(active, rows)}; what is over is handed on"
    if action == "runs.compare" and not 2 <= (below or len(rows)) <= MOST_COMPARED:
        return "space marks the runs to compare, two at least" if len(rows) < 2 else "at most 20 runs compare"
    if action == "runs.again" and len(rows) != 1:
        return "one run at a time is run again"
    if action in ("runs.tensorboard", "runs.jupyter") and len(rows) != 1:
        return "one run at a time is looked into"
    if action == "runs.stack" and len(rows) != 1:
        return "one run at a time is looked into"
    if action == "runs.stack" and not active:
        return f"{_names(rows)} ended already"
    if action == "runs.children" and not rows[0].get("children"):
        return f"{clean_name(rows[0]['name'])} has no runs below it"
    if action == "runs.promote" and len(rows) != 1:
        return "one run at a time becomes a version"
    if action == "runs.note" and len(rows) != 1:
        return "one run at a time gets a note"
    return None


def _go_on(active: Runs, rows: Runs) -> str:
    """That these of the rows do; of many only some may be here, so that their number is not known."""
    if len(active) == 1:
        return f"{clean_name(active[0]['name'])} goes on"
    return "they all go on" if len(active) == len(rows) else "some of them go on"


def _names(rows: Runs) -> str:
    return clean_name(rows[0]["name"]) if len(rows) == 1 else f"{len(rows)} runs"


async def cancel(app: Dashboard, rows: Runs) -> None:
    """End runs, after a yes."""
    from workbench.tui.dialogs.confirm import Confirm

    active = [row for row in rows if row.get("status") in ACTIVE_RUN]
    where = ", ".join(dict.fromkeys(clean_name(row["target"]) for row in active))
    said = (
        f"{_names(active)} on {where}: TERM first, then KILL of whatever is left after the grace period. "
        "What it wrote stays."
    )

    def done(yes: bool | None) -> None:
        if yes:
            ids = [row["id"] for row in active]
            app.run_worker(_each(app, "cancel", ids, "asked to end"), group="doing", exit_on_error=True)

    app.push_screen(
        Confirm(f"End {_names(active)}?", said, do="end it" if len(active) == 1 else "end them"), done
    )


ARCHIVED = ("archived; / archived=yes finds it", "archived; / archived=yes finds them")


async def archive(app: Dashboard, rows: Runs) -> None:
    """Take runs out of lists; `archived=yes` in the filter shows them, and the same key brings them back."""
    back = all(row.get("archived") for row in rows)
    ids = [row["id"] for row in rows]
    words = "back" if back else ARCHIVED[len(rows) > 1]
    await _each(app, "archive", ids, words, archived=not back)

    async def undone() -> None:
        await _each(app, "archive", ids, "archived" if back else "back", archived=back)

    app.undo.add(f"{_names(rows)} {'brought back' if back else 'archived'}", undone)


async def _each(app: Dashboard, method: str, ids: Sequence[str], words: str, **parameters: Any) -> None:
    """One call a run; what failed is told, what was done in one line."""
    answers, failed = await each(lambda run: app.services.call("runs", method, run=run, **parameters), ids)
    done = [item for item in answers.values() if isinstance(item, Mapping)]
    for error in told_once(failed):
        app.complain(error)
    if done:
        be = "is" if len(done) == 1 else "are"
        app.notify(f"{_names(done)} {be} {words}", timeout=4, markup=False)
    app.tell(Dirty(runs=set(ids), listed=set(ids) if method == "archive" else set()))


async def again(app: Dashboard, row: Mapping[str, Any]) -> None:
    """Run one again, as it was."""
    from workbench.tui.submitting.sending import run_again

    await run_again(app, row["id"])


async def new(app: Dashboard, *, experiment: str | None = None, target: str | None = None) -> None:
    """Ask for a new run."""
    from workbench.tui.submitting.sending import new_run

    await new_run(app, experiment=experiment or "", target=target or "")


async def compare(app: Dashboard, rows: Runs) -> None:
    """Open the comparison of runs; of one alone that of its children."""
    if len(rows) == 1:
        rows = await app.services.call("runs", "children", run=rows[0]["id"])
    together = {row["experiment"] for row in rows}
    path = (together.pop(),) if len(together) == 1 else ()
    await app.visit(Location("runs", path, {"compare": ",".join(row["id"] for row in rows)}))
