"""What else is done with models: aliases past the gate, the gate itself, tags, downloads, removal."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import NotFound, UsageError, WorkbenchError
from workbench.home import user_at_host
from workbench.side_thread import in_side_thread
from workbench.text.asset_reference import checked_alias, checked_name
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.confirm import Confirm
from workbench.tui.dialogs.form import Field, Form, Values
from workbench.tui.here import here
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.models.evaluating import recipes
from workbench.views import models as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

SPARE = 2
"""Empty fields for further rules."""


async def alias(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Give the version an alias past the gate; one that it has is taken away. Raises WorkbenchError."""
    name, has = str(version["name"]), list(version["aliases"])
    said = f"it has {', '.join(has)}; naming one of them takes it away" if has else ""

    def check(values: Values) -> dict[str, str]:
        return _problem("alias", checked_alias, values["alias"].strip())

    def command(values: Values) -> str:
        chosen = values["alias"].strip() or "ALIAS"
        end = " --remove" if chosen in has else ""
        return f"wb model alias {name if end else look.reference(version)} {chosen}{end}"

    fields = [
        # Enter must not take away what it has
        Field("alias", "alias", "" if has else "candidate", "candidate or another", ["candidate", *has]),
        Field("why", "why", "", "for the history"),
    ]
    form = Form(
        f"Alias of {look.reference(version)}", fields, do="set", said=said, check=check, command=command
    )
    values = await app.push_screen_wait(form)
    if values is None:
        return
    chosen = values["alias"].strip()
    to = None if chosen in has else version["version"]
    why = values["why"].strip() or None
    await app.services.call(
        "models", "alias", name=name, alias=chosen, version=to, by=user_at_host(), why=why
    )
    app.tell(Dirty(models={name}))


async def gate(app: Dashboard, name: str) -> None:
    """Change a model's rules and protected aliases; a rule that cannot be read is said at once."""
    model = await app.services.call("models", "get", name=name)
    rules = list(model["gate"])
    words = ["acc >= champion.acc", "safe", "tag:reviewed"]
    hints = ("acc >= champion.acc - 0.002", "latency_ms < 20", "safe", "tag:reviewed")
    fields = [
        Field(f"rule{at}", f"rule {at + 1}", rule, hints[at] if at < len(hints) else "another rule", words)
        for at, rule in enumerate([*rules, *[""] * SPARE])
    ]
    fields.append(Field("protected", "protected", " ".join(model["protected"]), "aliases, such as champion"))
    while True:
        form = Form(
            f"Gate of {clean_name(name, 60)}", fields, do="set", command=lambda values: _command(name, values)
        )
        values = await app.push_screen_wait(form)
        if values is None:
            return
        wanted = values["protected"].replace(",", " ").split()
        try:
            named = _rules(values)
            jobs = await recipes(app, named, rules) if any("job:" in rule for rule in named) else {}
            await app.services.call(
                "models",
                "set",
                name=name,
                gate=named,
                recipes=jobs or None,
                protect=wanted or None,
                unprotect=[one for one in model["protected"] if one not in wanted] or None,
            )
        except (UsageError, NotFound) as problem:
            app.complain(problem)
            fields = [field._replace(value=values[field.id]) for field in fields]
            continue
        app.tell(Dirty(models={name}))
        return


def _rules(values: Values) -> list[str]:
    return [text.strip() for key, text in values.items() if key.startswith("rule") and text.strip()]


def _command(name: str, values: Values) -> str:
    rules = "".join(f" --gate {shlex.quote(rule)}" for rule in _rules(values)) or " --no-gate"
    protect = "".join(f" --protect {one}" for one in values["protected"].replace(",", " ").split())
    return f"wb model set {name}{rules}{protect}"


async def tag(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Tags of a version, as one line. Raises WorkbenchError."""
    now = {str(key): value for key, value in (version.get("tags") or {}).items()}
    line = " ".join(key if value is None else f"{key}={value}" for key, value in now.items())
    fields = [Field("tags", "tags", line, "KEY=VALUE or KEY, with spaces between")]
    form = Form(f"Tags of {look.reference(version)}", fields, do="set")
    values = await app.push_screen_wait(form)
    if values is None:
        return
    wanted: dict[str, str | None] = {}
    for word in values["tags"].split():
        key, equals, value = word.partition("=")
        if key:
            wanted[key] = value if equals else None
    model = f"{version['name']}:{version['version']}"
    gone = [key for key in now if key not in wanted and " " not in key]
    await app.services.call("models", "tag", model=model, set=wanted or None, remove=gone or None)
    app.tell(Dirty(models={str(version["name"])}))


async def fetch(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Save a version's files in a folder of its own in the directory the dashboard was started in."""
    from workbench.workspace import model_files

    model = f"{version['name']}:{version['version']}"
    to = here() / f"{version['name']}-{version['version']}"

    def thread() -> int:
        with app.open_workspace() as workspace:
            return len(model_files.download(workspace.client, model, to))

    try:
        count = await in_side_thread(thread)
    except WorkbenchError as problem:
        app.complain(problem)
        return
    app.notify(f"{counted(count, 'file')} of {look.reference(version)} saved in {to}", markup=False)


async def remove(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Remove a version for good, once its name was typed. Raises WorkbenchError."""
    model = look.reference(version)
    said = f"{counted(int(version['files']), 'file')}; its number is not given out again."
    if await app.push_screen_wait(Confirm(f"Remove {model} for good?", said, do="remove", name=model)):
        await app.services.call("models", "remove", model=f"{version['name']}:{version['version']}")
        app.tell(Dirty(models={str(version["name"])}))


async def of_run(app: Dashboard, run: Mapping[str, Any]) -> None:
    """Register a run's files as a version and promote it, if one likes; or promote one that is there."""
    from workbench.tui.screens.models.promoting import promote

    there = await app.services.call("models", "versions", run=run["id"])
    names = [str(model["name"]) for model in await app.services.call("models", "list")]
    first = str(there[0]["name"]) if there else clean_name(str(run.get("experiment") or ""), 100)
    path = str(there[0].get("path") or "outputs/model") if there else "outputs/model"
    said = f"registered already: {', '.join(look.reference(one) for one in there[:5])}" if there else ""

    def check(values: Values) -> dict[str, str]:
        return _problem("name", checked_name, values["name"].strip())

    def command(values: Values) -> str:
        said = [values["name"].strip() or "NAME", "--run", str(run["name"]), "--path", values["path"].strip()]
        return f"wb model register {shlex.join(said)}"

    fields = [
        Field("name", "model", first, "its name", names),
        Field("path", "path", path, "a file or folder of the run"),
        Field("promote", "", "yes" if there else "", "and promote it", switch=True),
    ]
    title = f"Register {clean_name(str(run.get('name') or ''), 60)}"
    values = await app.push_screen_wait(
        Form(title, fields, do="register", said=said, check=check, command=command)
    )
    if values is None:
        return
    name, path = values["name"].strip(), values["path"].strip()
    same = [one for one in there if (one["name"], one.get("path")) == (name, path)]
    version = same[0] if same else await _register(app, name, run, path)
    if values["promote"]:
        await promote(app, version)


async def _register(app: Dashboard, name: str, run: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    version: Mapping[str, Any] = {}
    told = -1
    facts = {"created_by": user_at_host()}
    async for item in app.services.items(
        "models", "register_run", name=name, run=run["id"], path=path, facts=facts
    ):
        if "version" in item:
            version = item["version"]
        elif (share := 10 * int(item["done"]) // max(1, int(item["total"]))) != told and item[
            "total"
        ] > 1 << 20:
            told = share
            app.notify(f"{clean_name(str(item['file']), 60)} {share * 10}%", timeout=1, markup=False)
    app.tell(Dirty(models={name}))
    app.notify(f"{look.reference(version)} is registered   (3 shows models)", timeout=5, markup=False)
    if late := look.written_late(version):
        app.notify(late, severity="warning", timeout=15, markup=False)
    return version


def _problem(field: str, check: Any, text: str) -> dict[str, str]:
    try:
        check(text)
    except UsageError as problem:
        return {field: f"{problem.message}: {problem.hint}"}
    return {}
