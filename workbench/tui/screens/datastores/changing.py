"""Datastores named, made the default, forgotten."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError
from workbench.text.asset_reference import checked_name
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.confirm import Confirm
from workbench.tui.dialogs.form import Field, Form, Values
from workbench.tui.model.dirty import Dirty
from workbench.views import data as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


async def add(app: Dashboard) -> None:
    """Ask for a name and a place; what will not do is said and asked again. Raises WorkbenchError."""
    from workbench.workspace.data_sources import place_named

    secrets = [str(one["name"]) for one in await app.services.call("secrets", "list")]
    fields = [
        Field("name", "name", "", "lake"),
        Field("place", "place", "", "/data/scans  gpu1:/raid/data  s3://bucket/prefix  gs://..."),
        Field("secret", "secret", "", "the name of the one that lets one in", secrets),
        Field("endpoint", "endpoint", "", "where S3 is spoken, when it is not AWS: https://..."),
        Field("read_only", "", "", "refuse to write there", switch=True),
    ]
    said = "Nothing of it is read or copied. Secrets are kept by: wb secret set NAME"
    while True:
        form = Form("Add a datastore", fields, do="add", said=said, check=_wrong, command=_command)
        values = await app.push_screen_wait(form)
        if values is None:
            return
        try:
            made = await app.services.call(
                "datastores",
                "add",
                name=values["name"].strip(),
                **place_named(values["place"].strip()),
                secret=values["secret"].strip() or None,
                endpoint=values["endpoint"].strip() or None,
                read_only=bool(values["read_only"]),
            )
        except UsageError as problem:
            app.complain(problem)
            fields = [field._replace(value=values[field.id]) for field in fields]
            continue
        app.tell(Dirty(datastores={str(made["name"])}))
        return


def _wrong(values: Values) -> dict[str, str]:
    """A sentence for each field that will not do."""
    from workbench.workspace.data_sources import place_named

    wrong: dict[str, str] = {}
    try:
        checked_name(values["name"].strip())
    except UsageError as problem:
        wrong["name"] = f"{problem.message}: {problem.hint}"
    try:
        if values["place"].strip():
            place_named(values["place"].strip())
        else:
            wrong["place"] = "say where it is"
    except UsageError as problem:
        wrong["place"] = f"{problem.message}: {problem.hint}"
    return wrong


def _command(values: Values) -> str:
    place = shlex.quote(values["place"].strip()) if values["place"].strip() else "PLACE"
    words = ["wb datastore add", values["name"].strip() or "NAME", place]
    for key in ("secret", "endpoint"):
        words += [f"--{key} {shlex.quote(values[key].strip())}"] if values[key].strip() else []
    return " ".join([*words, *(["--read-only"] if values["read_only"] else [])])


async def default(app: Dashboard, datastore: Mapping[str, Any]) -> None:
    """Let it be what is meant when none is named; can be taken back. Raises WorkbenchError."""
    name = str(datastore["name"])
    before = str((await app.services.call("datastores", "get"))["name"])
    await app.services.call("datastores", "default", name=name)
    app.tell(Dirty(datastores={name, before}))

    async def back() -> None:
        await app.services.call("datastores", "default", name=before)
        app.tell(Dirty(datastores={name, before}))

    app.undo.add(f"{clean_name(name, 60)} is the default datastore", back)
    app.notify(f"{clean_name(name, 60)} is the default datastore; z takes it back", timeout=5)


async def remove(app: Dashboard, datastore: Mapping[str, Any]) -> None:
    """Forget a datastore, once its name was typed. Raises WorkbenchError."""
    name = str(datastore["name"])
    found = await app.services.call("datasets", "list", archived=True)
    users = [str(one["name"]) for one in found if one["latest"]["source"].get("datastore") == name]
    said = f"What is in {look.place(datastore)} stays."
    if users:
        said += f" Datasets that refer to it can no longer be read: {clean_name(', '.join(users[:5]), 300)}."
    if await app.push_screen_wait(
        Confirm(f"Forget {clean_name(name, 60)}?", said, do="forget", name=clean_name(name, 128))
    ):
        await app.services.call("datastores", "remove", name=name)
        app.tell(Dirty(datastores={name}))
