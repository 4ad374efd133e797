"""What a search for runs asks, and the conditions in SQL it becomes; `ordering` puts what fits in order.

Scanning an index in the order asked for is quick when most runs fit, collecting the few that fit and sorting
them is quick when they are few. So each condition with an index of its own is first counted, up to NARROW;
below it, its runs become the only ones looked at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from workbench.entities.base import Entity
from workbench.entities.run import RunState
from workbench.errors import UsageError
from workbench.store.queries import filtering
from workbench.store.queries.filter_text import Condition, search
from workbench.store.sqlite.codec import number_of, plain_text
from workbench.store.workspace import experiments
from workbench.text.filter_tree import EVERYTHING, Filter

NARROW = 2000
_OPERATORS = ("=", "!=", "<", "<=", ">", ">=")
_ACTIVE = "r.status NOT IN ('Completed', 'Failed', 'Canceled')"


class MetricCondition(Entity, frozen=True, kw_only=True):
    """The last value of a metric compared with a number; nan fits nothing."""

    name: str
    operator: str
    """One of =, !=, <, <=, >, >=."""
    value: float


class ParamCondition(Entity, frozen=True, kw_only=True):
    """A param compared with a text; as numbers when the text is one, so 1e-3 equals 0.001."""

    name: str
    operator: str
    """One of =, !=, <, <=, >, >=; the last four want a number."""
    value: str


class RunQuery(Entity, frozen=True, kw_only=True):
    """Which runs, in what order. All conditions hold together (AZ-66, AZ-79)."""

    experiment: str | None = None
    statuses: tuple[RunState, ...] = ()
    """Any of these; empty = all."""
    target: str | None = None
    tags: Mapping[str, str | None] = msgspec.field(default_factory=dict)
    """None as a value: the tag is there, whatever its value."""
    properties: Mapping[str, str | None] = msgspec.field(default_factory=dict)
    params: tuple[ParamCondition, ...] = ()
    metrics: tuple[MetricCondition, ...] = ()
    text: str | None = None
    """Part of the id, name, description or command, in any case of ASCII letters."""
    filter: str | None = None
    """A filter in words, see docs/filters.md. One that says `archived` is asked instead of that field."""
    parent: str | None = None
    snapshot: str | None = None
    children: bool | None = None
    """Whether children of runs fit; None: where something narrower is asked than who, where and when."""
    submitted: bool = False
    """Only runs of their own, none that was made inside another."""
    active: bool = False
    """Only runs that can still change."""
    archived: bool | None = False
    """False: none that is archived; True: only those; None: all."""
    ids: tuple[str, ...] = ()
    """Only these; empty = all."""
    limit: int = 50
    """-1: no limit."""
    offset: int = 0
    order: str = "created"
    """What `ordering.find` sorts by; runs without it, or with nan, come last."""
    descending: bool | None = None
    """None: newest first by age, else the lowest first."""


class Selection(NamedTuple):
    """What a run, as row r of the table of runs, must fulfil."""

    conditions: list[Condition]
    few: bool
    """Whether the runs looked at are at most NARROW."""
    measured: bool = False
    """Whether they all have the joined metric."""

    def where(self, *more: Condition) -> Condition:
        """All conditions as one."""
        every = [*more, *self.conditions]
        if not every:
            return "1", []
        return " AND ".join(sql for sql, _ in every), [value for _, values in every for value in values]


def select(connection: sqlite3.Connection, query: RunQuery, joined: str | None = None) -> Selection:
    """The conditions of a query. Raises NotFound (experiment), UsageError.

    joined: a metric whose row is joined as m, so that conditions on it need no look-up of their own.
    """
    tree = filtering.read(query.filter).tree if query.filter else EVERYTHING
    conditions = _columns(connection, query, tree)
    narrow: set[int] | None = None
    clauses = filtering.clauses(connection, tree, datetime.now(UTC), joined)
    for clause in clauses:
        if narrow is None and clause.runs is not None:
            narrow = _few(connection, *clause.runs)
        # The runs of a part of a condition are only where to look for it.
        conditions.append((clause.sql, clause.values))
    for table, (sql, values) in _named(query, joined):
        if narrow is None:
            narrow = _few(connection, f"SELECT run FROM {table} c WHERE {sql}", values)
            if narrow is not None:
                continue
        conditions.append((f"EXISTS (SELECT 1 FROM {table} c WHERE c.run = r.number AND {sql})", values))
    if query.experiment is not None and narrow is None:
        number = experiments.number(connection, query.experiment)
        narrow = _few(connection, "SELECT number FROM runs WHERE experiment = ?", [number])
    if query.ids and narrow is None:
        narrow = _few(connection, f"SELECT number FROM runs WHERE id IN ({_marks(query.ids)})", [*query.ids])
    if narrow is not None:
        conditions.append((f"r.number IN {among_numbers(narrow)}", []))
    conditions += [
        (f"m.last {_operator(condition.operator)} ?", [condition.value])
        for condition in query.metrics
        if condition.name == joined
    ]
    measured = any(clause.joined for clause in clauses) or any(item.name == joined for item in query.metrics)
    return Selection(conditions, narrow is not None, measured)


def among_numbers(numbers: Iterable[int]) -> str:
    """Row numbers as the right side of IN; they are integers of ours, so no quoting is needed."""
    return "(" + ",".join(map(str, map(int, numbers))) + ")"


def _few(connection: sqlite3.Connection, sql: str, values: list[Any]) -> set[int] | None:
    """The runs sql selects when they are at most NARROW, else None."""
    rows = connection.execute(f"{sql} LIMIT {NARROW + 1}", values).fetchall()
    return {row[0] for row in rows} if len(rows) <= NARROW else None


def _columns(connection: sqlite3.Connection, query: RunQuery, tree: Filter) -> list[Condition]:
    """Conditions on columns of the run itself."""
    found: list[Condition] = []
    if query.archived is not None and not filtering.says_archived(tree):
        found.append(("r.archived = ?", [int(query.archived)]))
    if query.experiment is not None:
        found.append(("r.experiment = ?", [experiments.number(connection, query.experiment)]))
    if query.statuses:
        found.append((f"r.status IN ({_marks(query.statuses)})", [state.value for state in query.statuses]))
    if query.ids:
        found.append((f"r.id IN ({_marks(query.ids)})", [plain_text(run_id) for run_id in query.ids]))
    if query.active:
        found.append((_ACTIVE, []))
    for column in ("target", "parent", "snapshot"):
        value = getattr(query, column)
        if value is not None:
            found.append((f"r.{column} = ?", [plain_text(value)]))
    if query.text:
        found.append(search(query.text))
    if query.submitted:
        found.append(("r.inside IS NULL", []))
    elif not _with_children(query):
        found.append(("r.parent IS NULL", []))
    return found


def _with_children(query: RunQuery) -> bool:
    """Whether children of runs are looked at: who searches looks inside, who browses sees them folded."""
    if query.children is not None:
        return query.children
    narrow = (query.text, query.filter, query.tags, query.properties, query.params, query.metrics)
    return any(narrow) or bool(query.ids or query.parent or query.snapshot or query.archived)


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _named(query: RunQuery, joined: str | None) -> list[tuple[str, Condition]]:
    """Conditions on tables of named values: the table, and the condition on its row c."""
    found: list[tuple[str, Condition]] = []
    for table, pairs in (("run_tags", query.tags), ("run_properties", query.properties)):
        for name, value in pairs.items():
            if value is None:
                found.append((table, ("c.name = ?", [plain_text(name)])))
            else:
                found.append((table, ("c.name = ? AND c.value = ?", [plain_text(name), plain_text(value)])))
    for param in query.params:
        operator = _operator(param.operator)
        number = number_of(param.value)
        if number is not None:
            sql = f"c.name = ? AND c.number IS NOT NULL AND c.number {operator} ?"
            found.append(("run_params", (sql, [plain_text(param.name), number])))
        elif operator in ("=", "!="):
            sql = f"c.name = ? AND c.value {operator} ?"
            found.append(("run_params", (sql, [plain_text(param.name), plain_text(param.value)])))
        else:
            raise UsageError(f"{param.name} {operator} {param.value!r}: only numbers have an order")
    for metric in query.metrics:
        if metric.name != joined:
            sql = f"c.name = ? AND c.last {_operator(metric.operator)} ?"
            found.append(("run_metrics", (sql, [plain_text(metric.name), metric.value])))
    return found


def _operator(operator: str) -> str:
    if operator not in _OPERATORS:
        raise UsageError(f"{operator!r} compares nothing", "use one of " + " ".join(_OPERATORS))
    return operator
