"""Submitting beside the loop: a tree is read and sent in a thread, the screen goes on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.text.location import Location
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.form import Form
from workbench.tui.here import here
from workbench.tui.model.dirty import Dirty
from workbench.tui.submitting import form

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard
    from workbench.workspace import Workspace


async def new_run(
    app: Dashboard,
    *,
    target: str = "",
    experiment: str = "",
    command: str = "",
    code: str = "",
    gpus: str = "",
) -> None:
    """Ask for a new run and start it."""
    machines = await app.services.call("compute", "list")
    experiments = [item["name"] for item in await app.services.call("experiments", "list")]
    environments = [
        str(item["name"])
        for method in ("list", "presets")
        for item in await app.services.call("environments", method)
    ]
    last = app.memory.get("submit", {})
    asked = form.fields(
        code=code or _short(str(here())),
        command=command or str(last.get("command", "")),
        target=target,
        experiment=experiment,
        gpus=gpus,
        default=next((clean_name(item["name"]) for item in machines if item.get("default")), ""),
        targets=[item["name"] for item in machines],
        experiments=experiments,
        environments=[*dict.fromkeys(environments)],
    )
    dialog = Form("New run", asked, do="submit", check=form.check, command=form.command_line, first="command")

    def done(values: dict[str, str] | None) -> None:
        if values is not None:
            app.memory.keep("submit", {"command": values["command"]})
            app.run_worker(_submit(app, values), name="submit", group="submit", exit_on_error=True)

    app.push_screen(dialog, done)


def _short(path: str) -> str:
    home = os.path.expanduser("~")
    return "~" + path[len(home) :] if path == home or path.startswith(home + os.sep) else path


async def _submit(app: Dashboard, values: Mapping[str, str]) -> None:
    def work(workspace: Workspace, notice: Callable[[str], None]) -> dict[str, Any]:
        said = form.options(values)
        configuration = workspace.configure(command=form.command_of(values["command"]), **said)
        return workspace.submit(configuration, on_notice=notice)

    run = await _beside(app, work, "submitting")
    if run is not None and values.get("follow"):
        await app.visit(Location("runs", (run["experiment"], run["id"]), {"tab": "logs"}))


async def run_again(
    app: Dashboard, run: str, *, target: str | None = None, sets: tuple[str, ...] = ()
) -> None:
    """Start a run once more, as it was."""

    def work(workspace: Workspace, notice: Callable[[str], None]) -> dict[str, Any]:
        return workspace.rerun(run, target=target, sets=sets, on_notice=notice)

    app.run_worker(_beside(app, work, "submitting"), name="rerun", group="submit", exit_on_error=True)


async def _beside(
    app: Dashboard, work: Callable[[Workspace, Callable[[str], None]], dict[str, Any]], words: str
) -> dict[str, Any] | None:
    """Do what makes a run in a thread; says how it went. None when it did not."""
    loop = asyncio.get_running_loop()

    def notice(text: str) -> None:
        loop.call_soon_threadsafe(lambda: app.notify(clean_name(text, 300), severity="warning", markup=False))

    def thread() -> dict[str, Any]:
        with app.open_workspace() as workspace:
            return work(workspace, notice)

    app.notify(f"{words} ...", timeout=2)
    try:
        run = await asyncio.to_thread(thread)
    except WorkbenchError as problem:
        app.complain(problem)
        return None
    app.notify(f"{clean_name(run['name'])} goes to {clean_name(run['target'])}", timeout=5, markup=False)
    app.tell(Dirty(runs={run["id"]}, listed={run["id"]}))
    return run
