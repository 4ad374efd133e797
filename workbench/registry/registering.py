"""A new version's row: of its files, of what somebody says, and of the run that made it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from workbench.entities.model import CHANGED_AFTER_RUN, ModelDataset, ModelDetails, ModelFacts, ModelVersion
from workbench.entities.run import Run, RunFile
from workbench.entities.run_data import DataDirection, RunData
from workbench.entities.snapshot import Entry, Manifest
from workbench.errors import UsageError
from workbench.registry.contents import Contents
from workbench.text.asset_reference import parse, split_kind
from workbench.text.sanitize import clean, clean_name

SLACK = timedelta(seconds=2)
"""What a file system's own clock may differ by, and what is written while the end is being recorded."""


def lineage(said: Sequence[ModelDataset], rows: Sequence[RunData]) -> list[ModelDataset]:
    """The datasets of a version: those that somebody named, then its run's inputs by what they are called."""
    found = [*said]
    known = {item.name for item in said}
    for row in rows:
        kind, rest = split_kind(row.asset or "")
        if row.direction is not DataDirection.INPUT or kind != "data":
            continue
        try:
            dataset = parse(rest)
        except UsageError:  # of another release; a model is registered all the same
            continue
        if dataset.name not in known:
            relation = clean_name(row.name, 200)
            found.append(ModelDataset(relation=relation, name=dataset.name, version=dataset.version))
    return found


def written_after(run: Run, files: Iterable[RunFile]) -> dict[str, str]:
    """The property that names files which somebody wrote when their run was over, by its machine's clock."""
    if run.ended is None or not run.status.terminal:
        return {}
    end = run.ended + SLACK
    late = [file.path for file in files if file.modified is not None and file.modified > end]
    return {CHANGED_AFTER_RUN: clean(", ".join(late), 1000)} if late else {}


def described(
    name: str, entries: Sequence[Entry], contents: Contents, facts: ModelFacts, run: Run | None
) -> tuple[ModelVersion, ModelDetails]:
    """The row, without its number, and the details; what somebody says counts before what files say."""
    manifest = Manifest(entries=tuple(entries))
    mlflow = contents.mlflow
    framework, framework_version = facts.framework, facts.framework_version
    if framework is None and mlflow is not None:
        framework, framework_version = mlflow.framework, mlflow.framework_version
    version = ModelVersion(
        name=name,
        version=0,
        created=datetime.now(UTC),
        created_by=None if facts.created_by is None else clean_name(facts.created_by, 200),
        manifest=manifest.id,
        files=len(manifest.entries),
        size=manifest.size,
        framework=None if framework is None else clean_name(framework, 100),
        framework_version=None if framework_version is None else clean_name(framework_version, 100),
        format=contents.format,
        runs_code=contents.runs_code,
        description=None if facts.description is None else clean(facts.description, 1 << 20),
        tags=facts.tags,
        properties=facts.properties,
        run=None if run is None else run.id,
        experiment=None if run is None else run.experiment,
        datasets=facts.datasets,
        metrics={} if run is None else {key: value.last for key, value in run.metrics.items()},
    )
    details = ModelDetails(
        signature=facts.signature if facts.signature is not None else mlflow.signature if mlflow else None,
        input_example=facts.input_example if facts.input_example is not None else contents.example,
        requirements=contents.requirements,
        flavors=None if mlflow is None else mlflow.flavors,
        formats=contents.formats,
        ranges=None if run is None else _ranges(run),
    )
    return version, details


def _ranges(run: Run) -> dict[str, list[float]]:
    return {
        name: [value.min, value.max]
        for name, value in run.metrics.items()
        if value.min is not None and value.max is not None
    }
