"""What is compared of a run beside its params, metrics and code: one text a fact. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from workbench.entities.configuration import RunConfiguration
from workbench.entities.run import Run
from workbench.text import sizes
from workbench.text.numbers import counted
from workbench.text.patch import patch_files

if TYPE_CHECKING:
    from workbench.runs.compare import Side


MACHINE = ("hostname", "gpus", "cpus", "memory", "kernel")
"""The facts of a machine that runs are compared by."""


def facts_of(side: Side) -> dict[str, str | None]:
    """The facts of one run in the order they are shown; what is not known is None."""
    run = side.run
    return {
        "experiment": run.experiment,
        "target": run.target,
        **_machine(side),
        "command": run.command,
        **_asked(side.configuration),
        "environment": run.environment,
        "python": ", ".join(f"{python.version} {python.path}" for python in run.interpreters) or None,
        "platform": ", ".join(sorted({python.platform for python in run.interpreters})) or None,
        **_git(run, side.patch),
        "snapshot": run.snapshot,
        **_inputs(run, side.configuration),
        **_data(run),
        "submitted by": run.submitted_by,
        "exit code": _text(run.exit_code),
        "status": run.status.value,
    }


def _machine(side: Side) -> dict[str, str | None]:
    """What it ran on: models of its GPUs where it said which it had, else of all there are."""
    facts, given = side.machine, set(side.run.gpus)
    cards = [gpu for gpu in facts.get("gpus") or [] if isinstance(gpu, dict)]
    models: dict[str, int] = {}
    for card in cards:
        if not given or given & {str(card.get("uuid")), str(card.get("index"))}:
            name = str(card.get("name") or "GPU")
            models[name] = models.get(name, 0) + 1
    memory = facts.get("memory")
    return {
        "hostname": _text(facts.get("hostname")),
        "GPU models": ", ".join(f"{count} x {name}" for name, count in models.items()) or None,
        "GPUs": ", ".join(side.run.gpus) or None,
        "CPUs": _text(facts.get("cpus")),
        "memory": sizes.short(memory) if isinstance(memory, int) else None,
        "kernel": _text(facts.get("kernel")),
    }


def _asked(asked: RunConfiguration | None) -> dict[str, str | None]:
    """What the run was asked to be, where that says more than its command."""
    if asked is None:
        return {}
    variables = {f"env {name}": value for name, value in asked.environment_variables.items()}
    return {
        "GPUs asked for": _text(asked.gpus),
        "setup": "; ".join(asked.setup) or None,
        "timeout": _text(asked.timeout),
        **variables,
    }


def _git(run: Run, patch: str | None) -> dict[str, str | None]:
    git = run.git
    if git is None:
        return {}
    return {
        "git repository": git.repository_uri,
        "git branch": git.branch,
        "git commit": git.commit,
        "git dirty": _text(git.dirty),
        "git patch": _patch(patch),
    }


def _patch(patch: str | None) -> str | None:
    """A patch in a few words: how much, and a mark that is another for any other patch."""
    if not patch:
        return None
    files = patch_files(patch)
    added, removed = sum(file.added for file in files), sum(file.removed for file in files)
    mark = hashlib.sha256(patch.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{counted(len(files), 'file')} +{added} -{removed} ({mark})"


def _inputs(run: Run, asked: RunConfiguration | None) -> dict[str, str | None]:
    """Inputs as they were written, but for those that are params already."""
    if asked is None:
        return {}
    return {
        f"input {name}": asked.written.get(name, str(value))
        for name, value in asked.inputs.items()
        if name not in run.params
    }


def _data(run: Run) -> dict[str, str | None]:
    """What data it read: the version, else the place and a mark of what was there; and what it made."""
    rows = [(f"input {row.name}", row) for row in run.inputs]
    rows += [(f"output {row.name}", row) for row in run.outputs]
    found: dict[str, str | None] = {}
    for name, row in rows:
        mark = f" ({row.hash[:8]})" if row.hash and row.asset is None else ""
        found[name] = (row.asset or row.source or row.mechanism.value) + mark
    return found


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)
