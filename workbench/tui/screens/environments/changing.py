"""What is done with environments: registered, called, tagged, archived, held against each other."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text

from workbench.errors import UsageError
from workbench.side_thread import in_side_thread
from workbench.text.asset_reference import LATEST, checked_alias
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.form import Field, Form, Values
from workbench.tui.dialogs.window import Window
from workbench.tui.model.dirty import Dirty
from workbench.tui.places import archiving
from workbench.tui.screens.data.tag_line import read_tags, tag_line
from workbench.tui.themes.palette import palette_of
from workbench.views.comparison import diff_role
from workbench.views.environment_diff import difference

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

LINES = 5000
ROLES = {"good": "added", "bad": "removed"}


def reference(version: Mapping[str, Any]) -> str:
    """NAME:VERSION, to be shown."""
    return f"{clean_name(str(version['name']), 128)}:{version['version']}"


async def register(app: Dashboard, version: Mapping[str, Any] | None) -> None:
    """Make a version of a file, image, preset or interpreter, resolved now. Raises WorkbenchError.

    version: the one under the cursor, whose name is proposed.
    """
    presets = [str(one["name"]) for one in await app.services.call("environments", "presets")]
    fields = [
        Field("what", "made of", "", "a .txt, conda.yml, a folder, image:NAME, /PYTHON", presets),
        Field("name", "name", "" if version is None else str(version["name"]), "else the file's own"),
        Field("python", "python", "", "3.11; nothing: any"),
        Field("description", "description", "", "what it is for"),
        Field("upgrade", "", "", "take what came since: resolve anew", switch=True),
    ]

    def check(values: Values) -> dict[str, str]:
        return {} if values["what"].strip() else {"what": "say what it is made of"}

    def command(values: Values) -> str:
        words = ["wb env register", shlex.quote(values["what"].strip()) if values["what"].strip() else "FILE"]
        for key in ("name", "python", "description"):
            words += [f"--{key} {shlex.quote(values[key].strip())}"] if values[key].strip() else []
        return " ".join([*words, *(["--upgrade"] if values["upgrade"] else [])])

    while True:
        form = Form("Register an environment", fields, do="register", check=check, command=command)
        values = await app.push_screen_wait(form)
        if values is None:
            return
        asked = {key: values[key].strip() or None for key in ("name", "python", "description")}
        what, upgrade = values["what"].strip(), bool(values["upgrade"])

        def thread(what: str = what, asked: Mapping[str, Any] = asked, upgrade: bool = upgrade) -> Any:
            with app.open_workspace() as workspace:
                made = workspace.environments.register(what, upgrade=upgrade, **asked)
                return made, workspace.environments.notes(made)

        app.notify("its packages are resolved   (7 shows it)", timeout=4)
        try:
            made, notes = await in_side_thread(thread)
        except UsageError as problem:
            app.complain(problem)
            fields = [field._replace(value=values[field.id]) for field in fields]
            continue
        app.tell(Dirty(environments={str(made["name"])}))
        app.notify("\n".join([f"{reference(made)} is registered", *notes]), timeout=5)
        return


async def alias(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Let an alias mean a version; one that it has is taken away. Raises WorkbenchError."""
    has = [str(one) for one in version.get("aliases") or [] if one != LATEST]
    said = f"it has {', '.join(has)}; naming one of them takes it away" if has else ""
    named = reference(version)

    def check(values: Values) -> dict[str, str]:
        try:
            checked_alias(values["alias"].strip())
        except UsageError as problem:
            return {"alias": f"{problem.message}: {problem.hint}"}
        return {"alias": "latest always means the newest"} if values["alias"].strip() == LATEST else {}

    def command(values: Values) -> str:
        chosen = values["alias"].strip() or "ALIAS"
        return f"wb env alias {named} {chosen}{' --remove' if chosen in has else ''}"

    fields = [Field("alias", "alias", "", "stable", ["stable", *has])]
    form = Form(f"Alias of {named}", fields, do="set", said=said, check=check, command=command)
    values = await app.push_screen_wait(form)
    if values is None:
        return
    chosen, name = values["alias"].strip(), str(version["name"])
    if chosen in has:
        await app.services.call("environments", "remove_alias", name=name, alias=chosen)
    else:
        environment = f"{name}:{version['version']}"
        await app.services.call("environments", "set_alias", environment=environment, alias=chosen)
    app.tell(Dirty(environments={name}))


async def tag(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Tags of a version and what it is for. Raises WorkbenchError."""
    now = version.get("tags") or {}
    fields = [
        Field("tags", "tags", tag_line(now), "KEY=VALUE or KEY, with spaces between"),
        Field("description", "description", str(version.get("description") or ""), "what it is for"),
    ]
    values = await app.push_screen_wait(Form(f"Tags of {reference(version)}", fields, do="set"))
    if values is None:
        return
    wanted, gone = read_tags(values["tags"], now)
    await app.services.call(
        "environments",
        "tag",
        environment=f"{version['name']}:{version['version']}",
        set=wanted or None,
        remove=gone or None,
        description=values["description"].strip() or None,
    )
    app.tell(Dirty(environments={str(version["name"])}))


async def archive(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Hide a version from lists and from latest, or bring it back; z undoes it. Raises WorkbenchError."""
    name, environment = str(version["name"]), f"{version['name']}:{version['version']}"

    async def put(archived: bool) -> None:
        await app.services.call("environments", "archive", environment=environment, archived=archived)
        app.tell(Dirty(environments={name}))

    await archiving.archive(app, reference(version), not version.get("archived"), put)


async def diff(app: Dashboard, one: str, other: str) -> None:
    """Show how two versions differ. Raises WorkbenchError."""
    both = [await app.services.call("environments", "get", environment=name) for name in (one, other)]
    lines = difference(*both)
    title = f"{reference(both[0])} against {reference(both[1])}"
    if not lines:
        app.notify(f"{title}: nothing differs", timeout=5)
        return
    palette, said = palette_of(app), Text()
    for line in lines[:LINES]:
        role = diff_role(line)
        said.append(f"{line}\n", palette.style(ROLES.get(role, role) or "text"))
    if len(lines) > LINES:
        said.append(f"{len(lines) - LINES} more lines: wb env diff {one} {other}\n", palette.style("warn"))
    await app.push_screen_wait(Window(title, said))
