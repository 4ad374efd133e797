"""What is done with a version's files: brought to a machine, looked at again, profiled, saved here."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.side_thread import in_side_thread
from workbench.text import sizes
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.form import Field, Form, Values
from workbench.tui.dialogs.pick import Choice, Pick
from workbench.tui.here import here
from workbench.tui.model.dirty import Dirty
from workbench.views import data as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

TENTH = 10


async def machine(app: Dashboard, title: str, do: str, preferred: str = "") -> str | None:
    """Ask which machine; None where nobody said. Raises WorkbenchError."""
    found = await app.services.call("compute", "list")
    choices = [
        Choice(str(one["name"]), str(one["name"]), str(one.get("state") or ""))
        for one in found
        if one.get("kind") != "pool"
    ]
    return await app.push_screen_wait(Pick(title, choices, current=preferred or None, do=do))


async def bring(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Have a version's files in a machine's cache, told in passing. Raises WorkbenchError."""
    named = look.reference(version)
    target = await machine(app, f"Bring {named} to which machine", "bring")
    if target is None:
        return
    app.notify(f"{named} is looked at, then brought to {clean_name(target)}   (7 shows it)", timeout=4)
    told, end = 0, {}
    asked = {"dataset": f"{version['name']}:{version['version']}", "target": target}
    async with aclosing(app.services.items("datasets", "bring", **asked)) as stages:
        async for item in stages:
            if "mechanism" in item:
                end = item
            elif item.get("total") and (share := TENTH * int(item["done"]) // int(item["total"])) > told:
                told = share
                app.notify(f"{named} to {clean_name(target)}: {share * 10}%", timeout=1)
    where = clean_name(str(end.get("location")), 300)
    if end.get("files") is None:
        app.notify(f"{named} lies on {clean_name(target)} already: {where}", timeout=6)
    else:
        app.notify(f"{named} is on {clean_name(target)}: {look.came(end)}\n{where}", timeout=6)


async def verify(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Look at a version's files where they lie; say whether they are the same. Raises WorkbenchError."""
    named = look.reference(version)
    seen = version.get("fingerprint") or {}
    choices = [
        Choice("times", "paths, sizes and times", "quick: nothing is read"),
        Choice("contents", "sha256 of what they hold", "reads every file where it lies"),
    ]
    current = "contents" if seen.get("content") else "times"
    how = await app.push_screen_wait(Pick(f"Verify {named} by", choices, current=current, do="look"))
    if how is None:
        return
    app.notify(f"looking at {named}   (7 shows how far it is)", timeout=3)
    end: Mapping[str, Any] = {}
    asked = {"dataset": f"{version['name']}:{version['version']}", "contents": how == "contents"}
    async with aclosing(app.services.items("datasets", "fingerprint", **asked)) as stages:
        async for item in stages:
            end = item if "version" in item else end
    app.tell(Dirty(data={str(version["name"])}))
    found = (end.get("version") or {}).get("fingerprint") or {}
    large = f"{counted(int(found.get('files') or 0), 'file')}, {sizes.short(found.get('bytes'))}"
    if end.get("same") is False:
        app.notify(f"{named} brings other rows than before: {large} now", severity="warning", timeout=10)
    elif end.get("same"):
        app.notify(f"{named} is what it was: {large}", timeout=6)
    elif how == "times" and seen.get("content"):
        app.notify(f"{named}: times are others than before; look at what they hold", timeout=10)
    else:
        app.notify(f"{named} was seen so for the first time: {large}", timeout=6)
    if end.get("left_out"):
        app.notify(
            f"{counted(int(end['left_out']), 'key')} left out: no path may be called so", severity="warning"
        )


async def profile(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Have a run profile a table. Raises WorkbenchError."""
    named = look.reference(version)
    names = [str(one["name"]) for one in await app.services.call("compute", "list")]
    fields = [
        Field("target", "machine", "", "where it lies", names),
        Field("python", "environment", "", "the machine's python; parquet needs pyarrow"),
    ]

    def command(values: Values) -> str:
        target = f" -t {values['target'].strip()}" if values["target"].strip() else ""
        python = f" --env {values['python'].strip()}" if values["python"].strip() else ""
        return f"wb data profile {named}{target}{python} --anew"

    said = "A run counts what its columns hold, where its files lie; the result stays with the version."
    form = Form(f"Profile {named}", fields, do="profile", said=said, command=command)
    values = await app.push_screen_wait(form)
    if values is None:
        return
    run = await app.services.call(
        "datasets",
        "make_profile",
        dataset=f"{version['name']}:{version['version']}",
        target=values["target"].strip() or None,
        python=values["python"].strip() or None,
    )
    app.tell(Dirty(data={str(version["name"])}))
    app.notify(f"the run {clean_name(str(run['name']), 60)} profiles it", timeout=5)


async def fetch(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Save a version's files in a folder of its own in the directory the dashboard was started in."""
    from workbench.workspace.data_transfer import DataTransfer

    named = f"{version['name']}:{version['version']}"
    to = here() / f"{version['name']}-{version['version']}"

    def thread() -> str:
        with app.open_workspace() as workspace:
            moved = DataTransfer(workspace.client).fetch_dataset(named, to)
            there = f", {moved.there} were here" if moved.there else ""
            return f"{counted(moved.files, 'file')}, {sizes.short(moved.bytes)}{there}"

    app.notify(f"saving {look.reference(version)} in {to}", timeout=3)
    try:
        told = await in_side_thread(thread)
    except WorkbenchError as problem:
        app.complain(problem)
        return
    app.notify(f"{look.reference(version)} saved in {to}: {told}", timeout=6)
