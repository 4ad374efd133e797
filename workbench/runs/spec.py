"""From what was asked (run, configuration, target) to what travels: the machine's spec.json, and back."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import Any

import msgspec

from workbench.entities.base import from_wire, replace, to_wire
from workbench.entities.configuration import RunConfiguration
from workbench.entities.run import GitFacts, Run
from workbench.entities.run_data import DataDirection
from workbench.entities.target import Target
from workbench.errors import RemoteError
from workbench.remote.forms import protocol
from workbench.runs.data.spec_rows import rows_of_spec


def make_spec(
    run: Run, configuration: RunConfiguration, target: Target, workspace: str, placement: int = 0
) -> dict[str, Any]:
    """The spec of run's current attempt on target: everything needed to run it and to rebuild its row.

    placement: the number of its placement among several machines; 0 where it was sent to one by name.
    """
    settings = target.settings
    timeout = configuration.timeout
    return {
        "v": protocol.VERSION,
        "run": run.id,
        "attempt": run.attempt,
        "placement": placement,
        "workspace": workspace,
        "submitted_by": run.submitted_by,
        "created": run.created.timestamp(),
        "name": run.name,
        "experiment": run.experiment,
        "tags": run.tags,
        "properties": run.properties,
        "params": run.params,
        "description": run.description,
        "configuration": to_wire(configuration),
        "git": to_wire(run.git) if run.git else None,
        "snapshot": run.snapshot,
        "command": configuration.command,
        "environment_variables": {**settings.environment_variables, **configuration.environment_variables},
        "python": interpreter_path(configuration.environment) or settings.python,
        "environment": None,
        "environment_build": None,
        "setup": [*settings.setup, *configuration.setup],
        "login_shell": settings.login_shell,
        "gpus": configuration.gpus if configuration.gpus is not None else (settings.gpus or None),
        "devices": settings.devices,
        "foreign_memory": settings.foreign_memory,
        "foreign_utilisation": settings.foreign_utilisation,
        "slots": settings.slots,
        "cpus": configuration.cpus,
        "distribution": to_wire(configuration.distribution) if configuration.distribution else None,
        "priority": configuration.priority,
        "timeout": timeout,
        "retries": to_wire(configuration.retries) if configuration.retries else None,
        "grace": configuration.grace if configuration.grace is not None else settings.grace,
        "stream_cap": settings.stream_cap,
        "outputs": configuration.collect_outputs,
        "ingest": configuration.ingest,
        "mlflow": configuration.mlflow,
        "on_end": [to_wire(entry) for entry in configuration.on_end],
    }


def interpreter_path(environment: str | None) -> str | None:
    """The interpreter on the target that a configuration's environment names; None for a version of ours."""
    return environment if environment is not None and environment.startswith(("/", "~")) else None


def run_from_spec(spec: dict[str, Any], target: str) -> tuple[Run, RunConfiguration]:
    """The row and configuration a machine's spec describes (adopt, law 10).

    Raises RemoteError when the spec is not one of ours.
    """
    try:
        configuration = from_wire(RunConfiguration, spec["configuration"])
        run = Run(
            id=str(spec["run"]),
            name=str(spec["name"]),
            experiment=str(spec["experiment"]),
            target=target,
            created=datetime.fromtimestamp(float(spec["created"]), UTC),
            attempt=int(spec.get("attempt", 1)),
            command=command_text(configuration.command),
            tags=dict(spec.get("tags") or {}),
            properties=dict(spec.get("properties") or {}),
            params=dict(spec.get("params") or {}),
            description=spec.get("description"),
            environment=configuration.environment,
            git=from_wire(GitFacts, spec["git"]) if spec.get("git") else None,
            snapshot=spec.get("snapshot"),
            snapshot_code=configuration.snapshot_code,
            collect_outputs=configuration.collect_outputs,
            submitted_by=spec.get("submitted_by"),
        )
    except (KeyError, TypeError, ValueError, OverflowError, OSError, msgspec.ValidationError) as problem:
        raise RemoteError(f"a run's spec on {target} cannot be read: {problem}") from problem
    if not protocol.valid_run_id(run.id):
        raise RemoteError(f"a run on {target} has no valid id")
    rows = rows_of_spec(run.id, spec, configuration)
    inputs = [row for row in rows if row.direction is DataDirection.INPUT]
    outputs = [row for row in rows if row.direction is DataDirection.OUTPUT]
    return replace(run, inputs=inputs, outputs=outputs), configuration


def command_text(command: list[str] | str) -> str:
    """A command as one would type it."""
    if isinstance(command, str):
        return command
    return shlex.join(command)
