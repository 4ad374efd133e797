"""A form that registers a dataset, or the next version of one."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError
from workbench.home import user_at_host
from workbench.text.asset_reference import checked_name
from workbench.tui.dialogs.form import Field, Form, Values
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.data.tag_line import read_tags
from workbench.views import data as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


async def register(app: Dashboard, version: Mapping[str, Any] | None = None) -> None:
    """Ask for a name and paths and register them; what the service refuses is said and asked again.

    version: what the cursor is on; its name is proposed only on its own page. Raises WorkbenchError.
    """
    from workbench.workspace.data_sources import FORMATS, source_of

    fields = [
        Field("name", "name", "", "weather"),
        Field("paths", "paths", "", "./scans  gpu1:/data/**/*.csv  datastore:lake/raw  https://..."),
        Field("table", "table of", "", "nothing: files; csv, tsv, parquet, jsonl", tuple(FORMATS)),
        Field("description", "description", "", "what it is"),
        Field("tags", "tags", "", "KEY=VALUE or KEY, with spaces between"),
        Field("again", "", "", "the next version of a name that is there", switch=True),
    ]
    if version is not None and app.page is not None and app.page.location.path:
        source = look.source(version, 100).split(", ")
        given = {"name": str(version["name"]), "paths": shlex.join(source), "again": "yes"}
        fields = [field._replace(value=given.get(field.id, "")) for field in fields]
    while True:
        form = Form("Register a dataset", fields, do="register", check=_wrong, command=_command)
        values = await app.push_screen_wait(form)
        if values is None:
            return
        table = values["table"].strip()
        form_, separator = FORMATS.get(table, ("", None))
        try:
            made = await app.services.call(
                "datasets",
                "register",
                name=values["name"].strip(),
                source=source_of(shlex.split(values["paths"])),
                kind="tabular" if table else "file",
                table={"format": form_, **({"separator": separator} if separator else {})} if table else None,
                description=values["description"].strip() or None,
                tags=read_tags(values["tags"], {})[0],
                new_version=bool(values["again"]),
                created_by=user_at_host(),
            )
        except UsageError as problem:
            app.complain(problem)
            fields = [field._replace(value=values[field.id]) for field in fields]
            continue
        app.tell(Dirty(data={str(made["name"])}))
        app.notify(f"{look.reference(made)} is registered", timeout=4)
        return


def _wrong(values: Values) -> dict[str, str]:
    """A sentence for each field that will not do."""
    from workbench.workspace.data_sources import FORMATS, source_of

    wrong: dict[str, str] = {}
    try:
        checked_name(values["name"].strip())
    except UsageError as problem:
        wrong["name"] = f"{problem.message}: {problem.hint}"
    try:
        words = shlex.split(values["paths"])
        if words:
            source_of(words)
        else:
            wrong["paths"] = "say which files, folders, patterns or addresses"
    except ValueError:
        wrong["paths"] = "a quote is not closed"
    except UsageError as problem:
        wrong["paths"] = f"{problem.message}: {problem.hint}"
    if values["table"].strip() not in ("", *FORMATS):
        wrong["table"] = f"a table of {', '.join(FORMATS)}"
    return wrong


def _command(values: Values) -> str:
    words = ["wb data register", values["name"].strip() or "NAME", values["paths"].strip() or "PATH"]
    words += [f"--table {values['table'].strip()}"] if values["table"].strip() else []
    words += [f"--description {shlex.quote(values['description'])}"] if values["description"].strip() else []
    words += [f"--tag {shlex.quote(word)}" for word in values["tags"].split()]
    words += ["--new-version"] if values["again"] else []
    return " ".join(words)
