"""Series of metrics as people read them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workbench.entities.base import Entity


class SeriesSummary(Entity, frozen=True, kw_only=True):
    """One row of `wb run metrics ID`: a series' plain figures."""

    name: str
    rank: int = 0
    attempt: int = 1
    count: int
    first_step: int
    last_step: int
    last: float
    """May be nan or infinite: the text nan, inf, -inf in JSON."""
    min: float | None = None
    """Over the finite points; absent when there are none."""
    max: float | None = None
    nan_count: int = 0
    last_time: datetime | None = None


class Points(Entity, frozen=True, kw_only=True):
    """The values of a series as columns of one length, by step."""

    steps: list[int]
    times: list[int]
    """Microseconds since 1970."""
    values: list[float]


class Bucket(Entity, frozen=True, kw_only=True):
    """The envelope of the points that fall on one pixel column: spikes survive."""

    first_step: int
    last_step: int
    min: float
    max: float
    last: float
    count: int
    first_x: float | None = None
    """Where it begins on an axis that does not count steps: seconds since 1970, or another metric's value."""
    last_x: float | None = None
    nans: int | None = None
    infs: int | None = None
    minus_infs: int | None = None
    """How many of the values are not finite; absent when none is."""


class Logged(Entity, frozen=True, kw_only=True):
    """What a run logged under a name besides series of numbers."""

    name: str
    kind: str
    """text, table, image, or the schema of an evaluation: confusion_matrix, accuracy_table ..."""
    count: int
    """How often it was logged; of a table how many rows or parts."""
    last_step: int | None = None
    path: str | None = None
    """Of an image: its place in the run's folder."""


class Evaluation(Entity, frozen=True, kw_only=True):
    """How well a model does, in a stated schema: a confusion matrix, accuracy table, residuals ..."""

    schema_type: str
    schema_version: str
    data: dict[str, Any]
