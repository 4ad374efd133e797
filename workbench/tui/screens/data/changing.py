"""What is said of versions: where they lie as well, what they are, tags, archives; and forgetting them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.text.numbers import counted, first_of
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.confirm import Confirm
from workbench.tui.dialogs.form import Field, Form, Values
from workbench.tui.model.dirty import Dirty
from workbench.tui.places import archiving
from workbench.views import data as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

FEW = 3
"""Names that are told one by one."""


async def locate(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Say where the same files lie on a machine; without a path they do not any more.

    Raises WorkbenchError.
    """
    named = look.reference(version)
    names = [str(one["name"]) for one in await app.services.call("compute", "list")]
    there: Mapping[str, Any] = version.get("locations") or {}
    first = next(iter(there), "")
    said = f"now: {look.locations(version)}" if there else "Runs on that machine use them in place."
    fields = [
        Field("target", "machine", first, "gpu1", names),
        Field("path", "path", str(there.get(first, "")), "/data/..., nothing: not there any more"),
    ]

    def check(values: Values) -> dict[str, str]:
        target, path = values["target"].strip(), values["path"].strip()
        if target not in names:
            return {"target": f"there is no machine {clean_name(target, 60) or 'without a name'}"}
        if path and not path.startswith(("/", "~")):
            return {"path": "a location is an absolute path, such as /data/scans"}
        return {} if path or target in there else {"path": "say where they lie there"}

    def command(values: Values) -> str:
        target, path = values["target"].strip() or "MACHINE", values["path"].strip()
        words = f"{shlex.quote(f'{target}={path}')}" if path else f"--remove {target}"
        return f"wb data locate {named} {words}"

    form = Form(f"Locations of {named}", fields, do="set", said=said, check=check, command=command)
    values = await app.push_screen_wait(form)
    if values is None:
        return
    target, path = values["target"].strip(), values["path"].strip()
    change: dict[str, Any] = {"set": {target: path}} if path else {"remove": [target]}
    await app.services.call("datasets", "locate", dataset=f"{version['name']}:{version['version']}", **change)
    app.tell(Dirty(data={str(version["name"])}))


async def describe(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Say what a version is. Raises WorkbenchError."""
    fields = [Field("text", "description", str(version.get("description") or ""), "what it is")]
    named = look.reference(version)
    form = Form(
        f"What {named} is",
        fields,
        do="set",
        command=lambda values: f"wb data describe {named} {shlex.quote(values['text'])}",
    )
    values = await app.push_screen_wait(form)
    if values is not None:
        said = values["text"].strip()
        named = f"{version['name']}:{version['version']}"
        await app.services.call("datasets", "describe", dataset=named, description=said or None)
        app.tell(Dirty(data={str(version["name"])}))


async def tag(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Tags of a version, as one line. Raises WorkbenchError."""
    from workbench.tui.screens.data.tag_line import read_tags, tag_line

    now = version.get("tags") or {}
    fields = [Field("tags", "tags", tag_line(now), "KEY=VALUE or KEY, with spaces between")]
    values = await app.push_screen_wait(Form(f"Tags of {look.reference(version)}", fields, do="set"))
    if values is None:
        return
    wanted, gone = read_tags(values["tags"], now)
    named = f"{version['name']}:{version['version']}"
    await app.services.call("datasets", "tag", dataset=named, set=wanted or None, remove=gone or None)
    app.tell(Dirty(data={str(version["name"])}))


async def archive(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Hide a version from lists and from latest, or bring it back; z undoes it. Raises WorkbenchError."""
    name, dataset = str(version["name"]), f"{version['name']}:{version['version']}"

    async def put(archived: bool) -> None:
        await app.services.call("datasets", "archive", dataset=dataset, archived=archived)
        app.tell(Dirty(data={name}))

    await archiving.archive(app, look.reference(version), not version.get("archived"), put)


async def remove(app: Dashboard, version: Mapping[str, Any], *, whole: bool) -> None:
    """Forget a version, or all of its dataset, once the name was typed. Raises WorkbenchError."""
    name, named = str(version["name"]), look.reference(version)
    found = await app.services.call("datasets", "lineage", dataset=f"{name}:{version['version']}")
    said = "The data itself stays; the number is not given out again."
    title = f"Forget {named}?"
    if whole:
        title, named = f"Forget {clean_name(name, 60)} with all its versions?", clean_name(name, 128)
        said = "The data itself stays."
    readers, models = found.get("read_by") or [], found.get("models") or []
    if readers:
        said += f" {counted(len(readers), 'run')} read the newest; their records keep its name."
    if models:
        names = [f"{clean_name(str(model['name']), 60)}:{model['version']}" for model in models]
        said += f" Models came of it: {first_of(names, FEW)}."
    if await app.push_screen_wait(Confirm(title, said, do="forget", name=named)):
        asked = name if whole else f"{name}:{version['version']}"
        await app.services.call("datasets", "remove", dataset=asked, all_versions=whole)
        app.tell(Dirty(data={name}))
