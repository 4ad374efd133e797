"""Gates from the caller's side: job files that rules name are read here and their code is sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.entities.base import to_wire
from workbench.errors import UsageError
from workbench.registry.gate_parse import parse
from workbench.registry.gate_tree import JOB
from workbench.text.filter_problem import FilterProblem
from workbench.workspace.configuring import configure

if TYPE_CHECKING:
    from workbench.workspace.facade import Workspace

Recipes = dict[str, dict[str, Any]]


def recipes(workspace: Workspace, rules: Sequence[str], folder: Path, kept: Sequence[str] = ()) -> Recipes:
    """How the job files that rules name evaluate, their code sent, as `models.set` takes them.

    folder: what their paths are relative to. One that is not there is left out: the gate may keep it. kept:
    rules whose job files stay as they were. Raises ConfigurationError, UsageError, and what a submit raises.
    """
    stay = {job for rule in kept if (job := _job(rule)) is not None}
    found: Recipes = {}
    for rule in rules:
        job = _job(rule)
        if job is None or job in stay or f"{JOB}{job}" in found:
            continue
        place = folder / Path(job).expanduser()
        if place.is_file():
            found[f"{JOB}{job}"] = recipe(workspace, place)
    return found


def recipe(workspace: Workspace, file: Path) -> dict[str, Any]:
    """How one job file evaluates: {"configuration", "snapshot"}, its code sent."""
    configuration = configure(file, None, (), {})
    kept = {item["name"] for item in workspace.call("secrets", "list")} if configuration.secrets else set()
    for name in configuration.secrets:
        if name not in kept:
            raise UsageError(
                f"secret {name} of {file} is not in the workspace",
                f"an evaluation runs when nobody is here to have it: wb secret set {name}",
            )
    configuration, snapshot = workspace.take_in(configuration)
    return {"configuration": to_wire(configuration), "snapshot": snapshot}


def _job(rule: str) -> str | None:
    """The job file that a rule names; the service says what is wrong with one that cannot be read."""
    try:
        evaluated = parse(rule).evaluated
    except FilterProblem:
        return None
    return None if evaluated is None else evaluated.job
