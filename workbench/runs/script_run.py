"""A run of a script or a command, in the words of the cloud's ScriptRunConfig. A function, not a class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, cast

from workbench.entities.base import replace
from workbench.entities.configuration import Distribution, RunConfiguration
from workbench.errors import UsageError
from workbench.runs.estimators import Making, Words

_OTHERS = ("entry_script", "script_params", "distributed_training", "process_count_per_node")


def ScriptRunConfig(
    source_directory: str | os.PathLike[str] = ".",
    script: str | None = None,
    arguments: Sequence[Any] = (),
    *,
    command: Sequence[Any] | str | None = None,
    distributed_job_config: Distribution | None = None,
    **options: Any,
) -> RunConfiguration:
    """A run of a script with arguments, or of a command (AZ-128: one of both).

    arguments, and a command in words, may hold data: a dataset, a model's version or a Path becomes its path
    on the machine. A command in one text is a shell line. distributed_job_config: several processes of it.
    options: compute_target, environment, experiment, inputs, outputs, use_gpu, gpus, environment_variables,
    pip_packages ... as of `Estimator`. Raises UsageError, NotFound.
    """
    if (script is None) == (command is None):
        raise UsageError("a run has a script or a command", "script= with arguments=, or command=")
    if command is not None and arguments:
        raise UsageError("arguments belong to a script", "put them into the command")
    for name in _OTHERS:
        if name in options:
            raise UsageError(f"{name} belongs to an Estimator", "arguments= and distributed_job_config=")
    words = cast("Words", {"entry_script": script or "", **options})
    if distributed_job_config is not None:
        words["distributed_training"] = distributed_job_config
        words["process_count_per_node"] = distributed_job_config.processes
    making = Making("Estimator", source_directory, words)
    if isinstance(command, str):
        return replace(making.made([]), command=command)
    first = ["python", script] if script is not None else [*(command or [])]
    return making.made([*first, *arguments])
