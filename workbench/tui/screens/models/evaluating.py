"""Having a version measured from the dashboard: as its gate asks, or once by another job file."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.home import user_at_host
from workbench.side_thread import in_side_thread
from workbench.tui.dialogs.form import Field, Form, Values
from workbench.tui.here import here
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.models.promoting import evaluation_news
from workbench.views import models as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

GATES = "Without a job file: by what the gate asks for, the champion too where it is held against that."


async def evaluate(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Ask how, submit, and tell what came of it. Raises WorkbenchError; to be called from a worker."""
    named = look.reference(version)

    def check(values: Values) -> dict[str, str]:
        job, data = values["job"].strip(), values["data"].strip()
        if bool(job) == bool(data):
            return {}
        return {"data": "on which version"} if job else {"job": "by which job file"}

    def command(values: Values) -> str:
        job, data = values["job"].strip(), values["data"].strip()
        how = f" --job {shlex.quote(job)} --data {shlex.quote(data)}" if job or data else ""
        return f"wb model evaluate {named}{how}"

    fields = [
        Field("job", "job file", "", "eval.yml; empty: as the gate asks"),
        Field("data", "data", "", "NAME:VERSION of a dataset"),
    ]
    form = Form(f"Evaluate {named}", fields, do="evaluate", said=GATES, check=check, command=command)
    values = await app.push_screen_wait(form)
    if values is None:
        return
    model = f"{version['name']}:{version['version']}"
    asked: dict[str, Any] = {"model": model, "by": user_at_host()}
    if job := values["job"].strip():
        made = await recipe(app, job)
        asked |= {"job": made, "name": job, "dataset": values["data"].strip()}
    found: list[Mapping[str, Any]] = []
    told = ""
    async with aclosing(app.services.items("models", "evaluate", **asked)) as steps:
        async for item in steps:
            found = item.get("evaluations", found)
            if "evaluation" in item and (said := evaluation_news(item["evaluation"])) != told:
                told = said
                app.notify(said, timeout=4, markup=False)
    app.tell(Dirty(models={str(version["name"])}))
    lines = [f"{named}: {look.evaluation_line(one)}" for one in found]
    app.notify("\n".join(lines[:5]) or f"the gate of {version['name']} asks for none", markup=False)


async def recipe(app: Dashboard, file: str) -> dict[str, Any]:
    """How a job file of this side evaluates, its code sent."""
    from workbench.workspace import model_gates

    def thread() -> dict[str, Any]:
        with app.open_workspace() as workspace:
            return model_gates.recipe(workspace, here() / Path(file).expanduser())

    return await in_side_thread(thread)


async def recipes(app: Dashboard, rules: list[str], kept: list[str]) -> dict[str, Any]:
    """How the job files that rules name evaluate, but for those of kept rules, which stay."""
    from workbench.workspace import model_gates

    def thread() -> dict[str, Any]:
        with app.open_workspace() as workspace:
            return model_gates.recipes(workspace, rules, here(), kept)

    return await in_side_thread(thread)
