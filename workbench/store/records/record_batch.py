"""Reading the record files of runs: JSON lines of `remote/forms/protocol.py` as columns. Pure.

A file is one process of a run. Nothing in it is trusted: what does not parse is skipped and counted, names
are cleaned and capped, numbers held within what can be stored.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from workbench.remote.forms import protocol
from workbench.store.records import record_lines
from workbench.store.records.record_texts import clean_columns, clean_key, text_of
from workbench.text.sanitize import clean, clean_name

_SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Child(NamedTuple):
    """The child run, made inside a run, whose records a file holds."""

    id: str
    name: str | None = None
    parent: str | None = None
    """Absent: the run itself."""


class Header(NamedTuple):
    """Who wrote a record file. A time is `wall` plus a record's `t`, in seconds since 1970."""

    attempt: int = 1
    rank: int = 0
    wall: float = 0.0
    pid: int | None = None
    run: str | None = None
    child: Child | None = None


class Column:
    """The points of one metric in a batch, in the order written; a step of None means "the next one"."""

    __slots__ = ("steps", "times", "values")

    def __init__(self) -> None:
        self.steps: list[int | None] = []
        self.times: list[float] = []
        self.values: list[float] = []


class RowRecord(NamedTuple):
    """A row (values by column) or, with whole, a table (lists by column)."""

    name: str
    step: int | None
    time: float
    data: dict[str, Any]
    whole: bool


class EvaluationRecord(NamedTuple):
    """How well a model does, in a stated schema (`remote/tracking/schemas.py`)."""

    name: str
    time: float
    schema: str
    version: str
    data: dict[str, Any]


class EnvironmentRecord(NamedTuple):
    """A Python that the run used, as its machine found it."""

    place: int
    """Counts the run's interpreters from 0, in the order they were started."""
    path: str
    version: str
    platform: str
    distributions: dict[str, str] | None
    more: int
    """Distributions that are left out."""


class TextRecord(NamedTuple):
    """A metric whose value is a text or nothing."""

    name: str
    step: int | None
    time: float
    text: str | None


class ModelRecord(NamedTuple):
    """A model that the script asked to be registered when the run is Completed."""

    name: str
    path: str
    """Relative to the run's folder."""
    about: dict[str, Any]
    """tags, properties, framework, framework_version, description: those that were said."""


class RecordBatch:
    """Records that were read together, sorted by kind."""

    def __init__(self, header: Header | None = None) -> None:
        self.header = header or Header()
        self.metrics: dict[str, Column] = {}
        self.params: list[tuple[str, str]] = []
        self.tags: list[tuple[str, str | None]] = []
        self.untagged: set[str] = set()
        """Names that are no tags any more."""
        self.properties: list[tuple[str, str]] = []
        self.rows: list[RowRecord] = []
        self.evaluations: list[EvaluationRecord] = []
        self.environments: list[EnvironmentRecord] = []
        self.texts: list[TextRecord] = []
        self.artifacts: list[tuple[str, str]] = []
        """Label, path relative to the run's folder."""
        self.models: list[ModelRecord] = []
        self.warnings: list[str] = []
        self.statuses: list[tuple[str, float, str | None]] = []
        """What an interactive run, or a child, says of itself: state, time, message."""
        self.bad = 0
        """Lines that were skipped."""

    @property
    def points(self) -> int:
        """Points of all metrics."""
        return sum(len(column.values) for column in self.metrics.values())


def parse_records(data: bytes, header: Header | None) -> tuple[Header, RecordBatch, int]:
    """The records of whole lines: the file's header, a batch, and how many lines were skipped.

    header is what an earlier part of the same file gave, None at its start: then the first line is the
    header, and without one the defaults of `Header` stand. What follows the last newline is not looked at:
    a torn last line is left until it is complete.
    """
    records, bad = _decode(data[: data.rfind(b"\n") + 1])
    batch = RecordBatch(header)
    if header is None and records and isinstance(records[0], record_lines.Header):
        batch.header = _read_header(records.pop(0))
    batch.bad = bad
    _sort(records, batch)
    return batch.header, batch, batch.bad


def _decode(data: bytes) -> tuple[list[Any], int]:
    """Decoded lines, and the count of those that are no records. The whole block at once when all is well."""
    if len(data) <= protocol.MAX_RECORD:
        try:
            return record_lines.DECODER.decode_lines(data), 0
        except record_lines.BROKEN:
            pass  # one line at least is bad: find out which
    records: list[Any] = []
    bad = 0
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        if len(line) > protocol.MAX_RECORD:
            bad += 1
            continue
        try:
            records.append(record_lines.DECODER.decode(line))
        except record_lines.BROKEN:
            bad += 1
    return records, bad


def _read_header(record: record_lines.Header) -> Header:
    return Header(
        attempt=max(1, record.attempt),
        rank=record.rank,
        wall=record.wall,
        pid=record.pid,
        run=None if record.run is None else clean_name(record.run, 64),
        child=None if record.child is None else _read_child(record.child),
    )


def _read_child(child: record_lines.Child) -> Child:
    """A child as told; an id that is none stays, for who knows the other runs to refuse it."""
    name = None if child.name is None else clean_name(child.name, protocol.MAX_NAME) or None
    return Child(clean_name(child.id, 64), name, child.parent and clean_name(child.parent, 64))


def _sort(records: list[Any], batch: RecordBatch) -> None:
    """Put every record where it belongs; metrics, nearly all of them, by the shortest way."""
    wall = batch.header.wall
    columns: dict[str, Column] = {}
    for record in records:
        if record.__class__ is not record_lines.Metric:
            _put(record, batch)
            continue
        value = record.v
        if value.__class__ is not float:
            value = _number(value)
            if value is None:
                _put_text(record, batch)
                continue
        column = columns.get(record.n)
        if column is None:
            column = columns[record.n] = _column(record.n, batch)
        column.steps.append(record.s)
        column.times.append(wall + record.t)
        column.values.append(value)


def _column(name: str, batch: RecordBatch) -> Column:
    """The column of a metric; two hostile names that clean to the same share one."""
    return batch.metrics.setdefault(clean_key(name), Column())


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return float(value)
    return _SPECIAL.get(value) if isinstance(value, str) else None


def _put_text(record: record_lines.Metric, batch: RecordBatch) -> None:
    found = record.v if isinstance(record.v, str) else record.text
    text = None if found is None else clean(found, protocol.MAX_VALUE)
    batch.texts.append(TextRecord(clean_key(record.n), record.s, batch.header.wall + record.t, text))


def _put(record: Any, batch: RecordBatch) -> None:
    if isinstance(record, record_lines.Param):
        batch.params.append((clean_key(record.n), text_of(record.v)))
    elif isinstance(record, record_lines.Tag):
        _put_tag(record, batch)
    elif isinstance(record, record_lines.Property):
        batch.properties.append((clean_key(record.n), text_of(record.v)))
    elif isinstance(record, record_lines.Table) and record.schema is not None:
        _put_evaluation(record, record.schema, batch)
    elif isinstance(record, record_lines.Row | record_lines.Table):
        _put_row(record, batch)
    elif isinstance(record, record_lines.Artifact):
        batch.artifacts.append((clean_key(record.n), clean_name(record.path, 4096)))
        if record.model is not None:
            batch.models.append(_model(record.model, record))
    elif isinstance(record, record_lines.Warning):
        batch.warnings.append(clean(record.v, protocol.MAX_VALUE))
    elif isinstance(record, record_lines.Environment):
        batch.environments.append(_environment(record))
    elif isinstance(record, record_lines.Status):
        if record.v in protocol.STATES:
            message = None if record.message is None else clean(record.message, protocol.MAX_VALUE)
            batch.statuses.append((record.v, batch.header.wall + record.t, message))
        else:
            batch.bad += 1
    else:
        batch.bad += 1  # a second header: the file is not what it should be, what it says still counts


def _model(name: str, record: record_lines.Artifact) -> ModelRecord:
    about = record.about or record_lines.About()
    said: dict[str, Any] = {
        "tags": {
            clean_key(key): None if value is None else text_of(value) for key, value in about.tags.items()
        },
        "properties": {clean_key(key): text_of(value) for key, value in about.properties.items()},
        "framework": about.framework and clean_name(about.framework, 100),
        "framework_version": about.framework_version and clean_name(about.framework_version, 100),
        "description": about.description and clean(about.description, protocol.MAX_VALUE),
    }
    said = {key: value for key, value in said.items() if value}
    return ModelRecord(clean_name(name, 128), clean_name(record.path, 4096), said)


def _put_tag(record: record_lines.Tag, batch: RecordBatch) -> None:
    name = clean_key(record.n)
    if record.gone:
        batch.tags = [tag for tag in batch.tags if tag[0] != name]
        batch.untagged.add(name)
        return
    batch.untagged.discard(name)
    batch.tags.append((name, None if record.v is None else text_of(record.v)))


def _put_row(record: record_lines.Row | record_lines.Table, batch: RecordBatch) -> None:
    whole = isinstance(record, record_lines.Table)
    data = clean_columns(record.v)
    if data is None or (whole and not all(isinstance(column, list) for column in data.values())):
        batch.bad += 1
        return
    batch.rows.append(RowRecord(clean_key(record.n), record.s, batch.header.wall + record.t, data, whole))


def _put_evaluation(record: record_lines.Table, schema: str, batch: RecordBatch) -> None:
    data = clean_columns(record.v)
    if data is None:
        batch.bad += 1
        return
    kind, version = clean_name(schema, 100) or "?", clean_name(record.schema_version, 100)
    time = batch.header.wall + record.t
    batch.evaluations.append(EvaluationRecord(clean_key(record.n), time, kind, version, data))


def _environment(record: record_lines.Environment) -> EnvironmentRecord:
    found = None
    if record.distributions is not None:
        found = {clean_key(name): clean_name(version, 300) for name, version in record.distributions.items()}
    path, version = clean_name(record.python, 4096), clean_name(record.version, 100)
    return EnvironmentRecord(record.s, path, version, clean_name(record.platform, 100), found, record.more)
