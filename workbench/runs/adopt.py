"""Rebuilding rows from a machine: the laptop can be lost (law 10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from workbench.compute.link import Link
from workbench.entities.configuration import RunConfiguration
from workbench.entities.experiment import valid_experiment_name
from workbench.entities.run import Run
from workbench.errors import NotFound, RemoteError
from workbench.remote.forms import protocol
from workbench.remote.runs.run_status import is_unknown
from workbench.remote.supervision.withdrawing import is_withdrawn
from workbench.runs.spec import run_from_spec
from workbench.text.sanitize import clean_name


class Found(NamedTuple):
    """What a machine has of runs."""

    unknown: list[tuple[Run, RunConfiguration]]
    known: int
    broken: list[str]
    """Ids of run folders whose spec cannot be read."""
    others: dict[str, int]
    """How many runs were left to the workspaces they were submitted from, by these workspaces' names."""


async def find_runs(link: Link, target: str, known: set[str], wanted: Callable[[str], bool]) -> Found:
    """The machine's runs; those in known, and those of workspaces that are not wanted, are only counted.

    A run that names no workspace is anybody's. Raises Unreachable, RemoteError.
    """
    unknown: list[tuple[Run, RunConfiguration]] = []
    broken: list[str] = []
    others: Counter[str] = Counter()
    seen = 0
    listing: Any = (await link.call("list")).get("runs")
    for entry in listing if isinstance(listing, list) else []:
        run_id = entry.get("run") if isinstance(entry, dict) else None
        if not protocol.valid_run_id(run_id):
            continue
        if _taken_back(entry):
            continue
        if run_id in known:
            seen += 1
            continue
        workspace = _workspace(entry)
        if workspace and not wanted(workspace):
            others[clean_name(workspace, 100)] += 1
            continue
        try:
            answer = await link.call("spec", {"run": run_id})
            found = run_from_spec(answer.get("spec") or answer, target)
            if found[0].id != run_id or not valid_experiment_name(found[0].experiment):
                raise RemoteError("the spec is that of another run, or of none")
            unknown.append(found)
        except (RemoteError, NotFound):
            broken.append(str(run_id))
    return Found(unknown, seen, broken, dict(others))


def _workspace(entry: dict[str, Any]) -> str:
    """The workspace a listed run was submitted from; empty when it does not say."""
    spec = entry.get("spec")
    name = spec.get("workspace") if isinstance(spec, dict) else None
    return name if isinstance(name, str) else ""


def _taken_back(entry: dict[str, Any]) -> bool:
    """Whether a listed run went to another machine before it started here, or never arrived."""
    status = entry.get("status")
    return isinstance(status, dict) and (is_withdrawn(status) or is_unknown(status))
