"""What a script says of a model's version while it is registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Tags = Mapping[str, str | None]
Datasets = Sequence[tuple[str, str]]
"""Pairs of a relation, such as "training data", and a dataset: NAME or NAME:VERSION (AZ-171)."""


def facts(
    tags: Tags | None,
    properties: Mapping[str, str] | None,
    description: str | None,
    datasets: Datasets,
    framework: str | None,
    framework_version: str | None,
) -> dict[str, Any]:
    """What is said of a version while it is registered, as the service takes it."""
    related = []
    for relation, dataset in datasets:
        name, _, version = dataset.removeprefix("data:").partition(":")
        number = {"version": int(version)} if version.isdigit() else {}
        related.append({"relation": relation, "name": name, **number})
    return {
        "tags": dict(tags or {}),
        "properties": dict(properties or {}),
        "description": description,
        "datasets": related,
        "framework": framework,
        "framework_version": framework_version,
    }
