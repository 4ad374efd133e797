"""Evaluations that gates ask for: a run like one that was there, of another version and its data. Pure."""

from __future__ import annotations

from typing import Any

from workbench.entities.base import from_wire, replace
from workbench.entities.configuration import DataInput, RunConfiguration
from workbench.errors import UsageError
from workbench.text.asset_reference import AssetReference, split_kind

_JOB = "inputs: {model: {type: custom_model, path: model:NAME}, data: {path: data:NAME:1}}"


def check_recipe(configuration: RunConfiguration, recipe: str, dataset: str) -> None:
    """Raise UsageError unless a run asked for like this can be asked for with another model and data."""
    _names(configuration, recipe, dataset)


def evaluation_of(data: Any, model: AssetReference, dataset: str) -> RunConfiguration:
    """What is asked for to evaluate a version on a dataset version; data: a kept recipe's configuration."""
    configuration = from_wire(RunConfiguration, data)
    for_model, for_data = _names(configuration, str(model), dataset)
    inputs = dict(configuration.data_inputs)
    for name, path in ((for_model, f"model:{model}"), (for_data, f"data:{dataset}")):
        inputs[name] = replace(inputs[name], path=path, asset=path)
    return replace(
        configuration,
        data_inputs=inputs,
        name=None,
        tags={**configuration.tags, "evaluates": str(model)},
    )


def _names(configuration: RunConfiguration, recipe: str, dataset: str) -> tuple[str, str]:
    """Which of its inputs is the model, and which the data."""
    inputs = configuration.data_inputs
    models = [name for name, one in inputs.items() if _kind(one) == "model"]
    data = [name for name, one in inputs.items() if _kind(one) == "data"]
    wanted = dataset.partition(":")[0]
    named = [name for name in data if wanted in (name, _asset(inputs[name]))]
    chosen = named[:1] or (data if len(data) == 1 else [])
    if len(models) != 1 or not chosen:
        what = "one input that is a model" if len(models) != 1 else f"an input that is data, such as {wanted}"
        raise UsageError(f"{recipe} cannot evaluate models: it has not {what}", f"a job file says {_JOB}")
    return models[0], chosen[0]


def _kind(one: DataInput) -> str:
    if one.type.endswith("_model"):
        return "model"
    kind, _ = split_kind(one.asset or one.path)
    return "model" if kind == "model" else "data"


def _asset(one: DataInput) -> str:
    _, rest = split_kind((one.asset or one.path).removeprefix("azureml:"))
    return rest.partition(":")[0].partition("@")[0]
