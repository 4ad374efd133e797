"""Tags and the note of runs, in a form."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.form import Field, Form, Values
from workbench.tui.model.dirty import Dirty
from workbench.tui.model.each import each, told_once

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

MOST_NAMED = 5
"""Runs that the command line below the form names; there may be thousands."""


def read(text: str) -> tuple[dict[str, str | None], list[str]]:
    """Tags to set and names to take away: `best arch=vit -old` sets two and takes one away. ValueError."""
    wanted: dict[str, str | None] = {}
    gone = []
    for word in shlex.split(text):
        name, equals, value = word.partition("=")
        if word.startswith("-") and len(word) > 1:
            gone.append(word[1:])
        elif not name:
            raise ValueError(f"{word} has no name before the =")
        else:
            wanted[name] = value if equals else None
    return wanted, gone


def written(tags: Mapping[str, Any]) -> str:
    """Tags as one types them."""
    return shlex.join(name if value is None else f"{name}={value}" for name, value in tags.items())


async def tag(app: Dashboard, rows: Sequence[Mapping[str, Any]]) -> None:
    """Ask for tags of runs and set them; what they were can come back. For a worker."""
    names = clean_name(rows[0]["name"]) if len(rows) == 1 else f"{len(rows)} runs"

    def check(values: Values) -> dict[str, str]:
        try:
            found = read(values["tags"])
        except ValueError as problem:
            return {"tags": str(problem)}
        return {} if any(found) else {"tags": "name a tag, or -NAME to take one away"}

    def command(values: Values) -> str:
        try:
            wanted, gone = read(values["tags"])
        except ValueError:
            return "wb run tag"
        words = [written({name: value}) for name, value in wanted.items()]
        words += [f"--remove {shlex.quote(name)}" for name in gone]
        said = [shlex.quote(row["name"]) for row in rows[:MOST_NAMED]]
        if len(rows) > MOST_NAMED:
            said.append(f"... ({len(rows) - MOST_NAMED} more)")
        return " ".join(["wb run tag", *said, *words])

    now = written(rows[0].get("tags") or {}) if len(rows) == 1 else ""
    field = Field("tags", "tags", now, "best arch=vit -old")
    values = await app.push_screen_wait(
        Form(f"Tags of {names}", [field], do="tag", check=check, command=command)
    )
    if values is None:
        return
    wanted, gone = read(values["tags"])
    before = {row["id"]: dict(row.get("tags") or {}) for row in rows}
    done, failed = await each(
        lambda run: app.services.call("runs", "tag", run=run, set=wanted, remove=gone), list(before)
    )
    _tell(app, before, failed, names)
    if len(done) > 1:  # of one run its row shows them, or its page
        app.notify(f"{len(done)} runs have other tags; z takes it back", timeout=4, markup=False)

    async def back() -> None:
        def restored(run: str) -> Any:
            new = [name for name in wanted if name not in before[run]]
            return app.services.call("runs", "tag", run=run, set=before[run], remove=new)

        _, failed = await each(restored, list(done))
        _tell(app, done, failed, names)

    if done:
        app.undo.add(f"tags of {names}", back)


def _tell(app: Dashboard, runs: Iterable[str], failed: Sequence[WorkbenchError], names: str) -> None:
    """Let pages look again; say what failed, and of how many."""
    for error in told_once(failed):
        app.complain(error)
    if len(failed) > 1:
        said = f"{len(failed)} of {names} kept the tags they had"
        app.notify(said, severity="warning", markup=False)
    app.tell(Dirty(runs=set(runs)))
