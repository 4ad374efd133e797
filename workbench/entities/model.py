"""Models: named families of versions, what each version is, who promoted it, and the gate it went through."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from workbench.entities.base import Entity
from workbench.entities.configuration import RunConfiguration


class ModelDataset(Entity, frozen=True, kw_only=True):
    """A dataset that a model has to do with (AZ-171)."""

    relation: str
    """Such as "training data"."""
    name: str
    version: int | None = None


class ModelVersion(Entity, frozen=True, kw_only=True):
    """One version of a model: files that never change, and what is known of them (AZ-164)."""

    name: str
    version: int
    created: datetime
    created_by: str | None = None
    manifest: str
    """Names its set of files by their contents, as a snapshot's id does."""
    files: int
    size: int
    """Bytes of all files."""
    framework: str | None = None
    """Such as scikit-learn."""
    framework_version: str | None = None
    """Never without a framework (AZ-168)."""
    format: str | None = None
    """How it is kept: mlflow, pickle, joblib, torch, safetensors, onnx, skops ...; absent = not known."""
    runs_code: list[str] = []
    """Its files that run code when they are loaded; none is ever loaded by us."""
    description: str | None = None
    tags: dict[str, str | None] = {}
    properties: dict[str, str] = {}
    """Added, never changed (AZ-166)."""
    run: str | None = None
    """The id of the run that made it."""
    run_name: str | None = None
    experiment: str | None = None
    path: str | None = None
    """Where its files came from: a path of the run, or a name here."""
    datasets: list[ModelDataset] = []
    metrics: dict[str, float] = {}
    """The last values that its run logged; of a run that was not over, as they are now."""
    aliases: list[str] = []
    deployments: list[str] = []
    """What uses it, so that it cannot be removed (AZ-169)."""
    one_file: bool = False
    """Whether it is one file rather than a folder (AZ-165)."""


class ModelDetails(Entity, frozen=True, kw_only=True):
    """What is known of a version beyond its row: larger, and asked for one at a time."""

    signature: dict[str, Any] | None = None
    """{"inputs", "outputs", "params"}: columns or tensors, as MLflow writes them."""
    input_example: Any = None
    requirements: str | None = None
    """Text of its requirements file."""
    flavors: dict[str, Any] | None = None
    """Of an MLflow model: how its tools would load it."""
    formats: dict[str, str] = {}
    """What each file that was recognised is, by its path."""
    ranges: dict[str, list[float]] | None = None
    """The lowest and highest finite value of each metric of its run; absent = it came from no run."""


CHANGED_AFTER_RUN = "changed_after_run"
"""The property that names files of a version which were written after the run ended whose metrics it has."""


class ModelFacts(Entity, frozen=True, kw_only=True):
    """What somebody says of a version while registering it; what is absent is taken from its files."""

    framework: str | None = None
    framework_version: str | None = None
    description: str | None = None
    tags: dict[str, str | None] = {}
    properties: dict[str, str] = {}
    datasets: list[ModelDataset] = []
    signature: dict[str, Any] | None = None
    input_example: Any = None
    created_by: str | None = None


class Model(Entity, frozen=True, kw_only=True):
    """A name with its versions."""

    name: str
    created: datetime
    description: str | None = None
    tags: dict[str, str | None] = {}
    versions: int = 0
    latest: int | None = None
    """The newest version; absent where all were removed."""
    aliases: dict[str, int] = {}
    gate: list[str] = []
    """Rules that a version has to fit to be promoted."""
    protected: list[str] = []
    """Aliases that only move through the gate."""


class MoveAction(StrEnum):
    """What moved an alias."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    SET = "set"
    REMOVE = "remove"


class RuleVerdict(Entity, frozen=True, kw_only=True):
    """What a gate's rule says of a version."""

    rule: str
    passed: bool
    said: str
    """Why, with the figures it was judged by."""
    run: str | None = None
    """The id of the evaluation that was judged."""


class Verdict(Entity, frozen=True, kw_only=True):
    """What the whole gate says of a version that is to get an alias."""

    name: str
    version: int
    alias: str
    passed: bool
    lines: list[RuleVerdict] = []
    champion: int | None = None
    current: int | None = None
    """The version that has the alias now; absent where none has."""
    protected: bool = False
    time: datetime


class AliasMove(Entity, frozen=True, kw_only=True):
    """One step in the history of an alias."""

    id: int
    name: str
    alias: str
    version: int | None = None
    """Absent when the alias was taken away."""
    previous: int | None = None
    action: MoveAction
    time: datetime
    who: str
    why: str | None = None
    forced: bool = False
    """Whether it moved although the gate said no."""
    unjudged: bool = False
    """Whether it is a protected alias that moved without its gate, which only a rollback does."""
    approver: str | None = None
    """Who else agreed."""
    undoes: int | None = None
    """The id of the move that a rollback took back."""
    verdict: Verdict | None = None


class EvaluationRecipe(Entity, frozen=True, kw_only=True):
    """How an evaluation is run: a job file's configuration, and its code, which was taken in before."""

    configuration: RunConfiguration
    snapshot: str | None = None
    """The id of its code; absent = it has none."""


class Evaluation(Entity, frozen=True, kw_only=True):
    """A run that measured a version on a dataset version, for a rule of a gate."""

    name: str
    version: int
    recipe: str
    """The rule's words for how it was asked for: EXPERIMENT/RUN or job:FILE."""
    dataset: str
    """NAME:VERSION."""
    run: str
    """The id of the evaluation's run."""
    run_name: str | None = None
    status: str
    metrics: dict[str, float] = {}
