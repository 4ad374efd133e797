"""What is done with those who wait: hold, release, move, priority; what was refused is told with why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.form import Field, Form
from workbench.tui.model.dirty import Dirty
from workbench.views import queue as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

Entries = Sequence[Mapping[str, Any]]


def why_not(action: str, entries: Entries) -> str | None:
    """Why an action cannot be done with these now."""
    if not entries:
        return "there is nothing under the cursor that waits"
    if any(entry.get("kind") == "shell" for entry in entries):
        return "a shell holds its GPUs until it ends"
    others = [entry for entry in entries if not entry.get("mine", True)]
    if others:
        return f"{look.name(others[0]).text} is another user's"
    states = {entry.get("state") for entry in entries}
    if action == "queue.release":
        return None if "held" in states else "nothing of it is on hold"
    if states == {"running"}:
        return "it has what it wants; x ends it"
    if action == "queue.hold":
        return None if "waiting" in states else "it is on hold already; U lets it go"
    return None


def neighbour(entries: Entries, chosen: Entries, place: str) -> str | None:
    """The run of one's own that the chosen ones are put before, or after; None where there is none."""
    ids = {entry["run"] for entry in chosen}
    target = chosen[0]["target"]
    mine = [
        entry
        for entry in entries
        if entry["target"] == target and entry.get("mine", True) and entry.get("state") != "running"
    ]
    places = [at for at, entry in enumerate(mine) if entry["run"] in ids]
    if not places:
        return None
    if place == "before":
        ahead = [entry for entry in mine[: places[0]] if entry["run"] not in ids]
        return str(ahead[-1]["run"]) if ahead else None
    behind = [entry for entry in mine[places[-1] + 1 :] if entry["run"] not in ids]
    return str(behind[0]["run"]) if behind else None


async def asked_priority(app: Dashboard, entries: Entries) -> int | None:
    """Ask which priority; None where the user gave up."""

    def check(values: Mapping[str, str]) -> dict[str, str]:
        text = values["priority"].strip().removeprefix("-")
        return {} if text.isdecimal() else {"priority": "a whole number: higher goes first, 0 is usual"}

    def command(values: Mapping[str, str]) -> str:
        names = " ".join(look.name(entry).text for entry in entries[:5])
        return f"wb run priority {values['priority'].strip() or 'N'} {names}"

    now = str(entries[0].get("priority") or 0)
    fields = [Field("priority", "priority", now, "higher goes first, 0 is usual")]
    title = f"Priority of {_names(entries)}"
    values = await app.push_screen_wait(Form(title, fields, do="set", check=check, command=command))
    return None if values is None else int(values["priority"])


async def change(app: Dashboard, method: str, entries: Entries, words: str, **parameters: Any) -> None:
    """Have their machines do it, and say what became of it. Raises WorkbenchError."""
    runs = [entry["run"] for entry in entries]
    outcome = await app.services.call("queue", method, runs=runs, **parameters)
    changed, refused = outcome.get("changed") or [], outcome.get("refused") or {}
    names = {entry["run"]: look.name(entry).text for entry in entries}
    if changed:
        said = names[changed[0]] if len(changed) == 1 else counted(len(changed), "run")
        app.notify(f"{said} {words}", timeout=3, markup=False)
    for run, why in list(refused.items())[:3]:
        app.notify(f"{names.get(run, run)}: {clean_name(str(why), 200)}", severity="warning", timeout=6)
    if len(refused) > 3:
        app.notify(f"{len(refused) - 3} more were refused", severity="warning", timeout=6)
    app.tell(Dirty(runs=set(changed)))


def _names(entries: Entries) -> str:
    return look.name(entries[0]).text if len(entries) == 1 else counted(len(entries), "run")
