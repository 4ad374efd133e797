"""What a script says of a model's version while it is registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.aio.file_dataset import FileDataset
from workbench.aio.tabular_dataset import TabularDataset
from workbench.errors import UsageError
from workbench.text import asset_reference
from workbench.workspace.tag_texts import tag_texts

Tags = Mapping[str, str | None]
Wanted = Mapping[str, str | None] | Sequence[str | Sequence[str]]
"""What tags or properties are to be: {key: value or None}, or the cloud's list of keys and [key, value]."""
Datasets = Sequence[tuple[str, str | FileDataset | TabularDataset]]
"""Pairs of a relation, such as "training data", and a dataset: it, NAME or NAME:VERSION (AZ-171)."""


def facts(
    tags: Tags | None,
    properties: Mapping[str, str] | None,
    description: str | None,
    datasets: Datasets,
    framework: str | None,
    framework_version: str | None,
) -> dict[str, Any]:
    """What is said of a version while it is registered, as the service takes it."""
    related = [{"relation": relation, **_named(dataset)} for relation, dataset in datasets]
    return {
        "tags": tag_texts(tags),
        "properties": tag_texts(properties),
        "description": description,
        "datasets": related,
        "framework": framework,
        "framework_version": framework_version,
    }


def wanted(entries: Wanted | None) -> dict[str, str | None]:
    """Tags or properties that versions are to have; None for a value is that the key is there (AZ-167)."""
    if entries is None or isinstance(entries, Mapping):
        return dict(entries or {})
    found: dict[str, str | None] = {}
    for entry in [entries] if isinstance(entries, str) else entries:
        key, *value = [entry] if isinstance(entry, str) else entry
        if len(value) > 1:
            raise UsageError(f"{entry!r} is no tag", "write KEY or [KEY, VALUE]")
        found[key] = value[0] if value else None
    return found


def listed(names: str | Sequence[str] | None) -> list[str] | None:
    """Several names, where one alone may stand for itself."""
    if names is None:
        return None
    return [names] if isinstance(names, str) else [*names]


def _named(dataset: str | FileDataset | TabularDataset) -> dict[str, Any]:
    if not isinstance(dataset, str):
        if dataset.name is None or dataset.version is None:
            raise UsageError("the dataset is not registered", "dataset.register(workspace, NAME)")
        return {"name": dataset.name, "version": dataset.version}
    reference = asset_reference.parse(dataset.removeprefix("data:"))
    if reference.alias is not None:
        raise UsageError(f"{dataset!r} is no version of a dataset", f"write {reference.name}:1")
    return {"name": reference.name, **({} if reference.version is None else {"version": reference.version})}
