"""What a search for runs asks, and the SQL it becomes.

Scanning an index in the order asked for is quick when most runs fit, collecting the few that fit and sorting
them is quick when they are few. So each condition with an index of its own is first counted, up to NARROW;
below it, its runs become the only ones looked at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import msgspec

from workbench.entities.base import Entity
from workbench.entities.run import RunState
from workbench.errors import UsageError
from workbench.store import experiments
from workbench.store.codec import number_of, plain_text
from workbench.store.run_rows import among_numbers

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
    parent: str | None = None
    snapshot: str | None = None
    active: bool = False
    """Only runs that can still change."""
    archived: bool | None = False
    """False: none that is archived; True: only those; None: all."""
    limit: int = 50
    """-1: no limit."""
    offset: int = 0
    order_metric: str | None = None
    """Order by this metric's last value; runs without it, or with nan, come last. Absent: newest first."""
    descending: bool = False
    """Of the metric's order; the order by age is always newest first."""


Condition = tuple[str, list[Any]]


def find(connection: sqlite3.Connection, query: RunQuery) -> list[int]:
    """Row numbers of the runs that fit, in the order asked for. Raises NotFound (experiment), UsageError."""
    conditions, narrow = _conditions(connection, query)
    if narrow is not None:
        conditions.append((f"r.number IN {among_numbers(narrow)}", []))
    if query.order_metric is None:
        # The unary plus keeps a narrow search from walking the whole index of ages.
        order = "+r.created DESC, r.id DESC" if narrow is not None else "r.created DESC, r.id DESC"
        return _select(connection, "runs r", conditions, order, query.limit, query.offset)
    return _by_metric(connection, query, query.order_metric, conditions, narrow is not None)


def _by_metric(
    connection: sqlite3.Connection, query: RunQuery, metric: str, conditions: list[Condition], narrow: bool
) -> list[int]:
    way = "DESC" if query.descending else "ASC"
    having: list[Condition] = [("m.name = ?", [metric]), ("m.last IS NOT NULL", []), *conditions]
    having += [
        (f"m.last {_operator(condition.operator)} ?", [condition.value])
        for condition in query.metrics
        if condition.name == metric
    ]
    if narrow:
        source, order = "runs r CROSS JOIN run_metrics m ON m.run = r.number", f"+m.last {way}, m.run {way}"
    else:
        source, order = "run_metrics m CROSS JOIN runs r ON r.number = m.run", f"m.last {way}, m.run {way}"
    found = _select(connection, source, having, order, query.limit, query.offset)
    if (0 <= query.limit <= len(found)) or any(condition.name == metric for condition in query.metrics):
        return found
    lacking: Condition = (
        "NOT EXISTS (SELECT 1 FROM run_metrics m"
        " WHERE m.run = r.number AND m.name = ? AND m.last IS NOT NULL)",
        [metric],
    )
    passed = query.offset
    if query.offset and not found:
        where, values = _where(having)
        count = connection.execute(f"SELECT count(*) FROM {source} WHERE {where}", values).fetchone()[0]
        passed = min(count, query.offset)
    limit = query.limit - len(found) if query.limit >= 0 else -1
    rest = _select(
        connection,
        "runs r",
        [lacking, *conditions],
        "r.created DESC, r.id DESC",
        limit,
        query.offset - passed,
    )
    return found + rest


def _select(
    connection: sqlite3.Connection,
    source: str,
    conditions: list[Condition],
    order: str,
    limit: int,
    offset: int,
) -> list[int]:
    where, values = _where(conditions)
    sql = f"SELECT r.number FROM {source} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"
    return [row[0] for row in connection.execute(sql, [*values, limit, max(0, offset)])]


def _where(conditions: list[Condition]) -> Condition:
    if not conditions:
        return "1", []
    return " AND ".join(sql for sql, _ in conditions), [value for _, values in conditions for value in values]


def _conditions(connection: sqlite3.Connection, query: RunQuery) -> tuple[list[Condition], set[int] | None]:
    """Conditions on row r, and the few runs that can fit when one condition alone leaves few."""
    conditions = _columns(connection, query)
    narrow: set[int] | None = None
    for table, (sql, values) in _named(query):
        if narrow is None:
            narrow = _few(connection, f"SELECT run FROM {table} c WHERE {sql}", values)
            if narrow is not None:
                continue
        conditions.append((f"EXISTS (SELECT 1 FROM {table} c WHERE c.run = r.number AND {sql})", values))
    if query.experiment is not None and narrow is None:
        number = experiments.number(connection, query.experiment)
        narrow = _few(connection, "SELECT number FROM runs WHERE experiment = ?", [number])
    return conditions, narrow


def _few(connection: sqlite3.Connection, sql: str, values: list[Any]) -> set[int] | None:
    """The runs sql selects when they are at most NARROW, else None."""
    rows = connection.execute(f"{sql} LIMIT {NARROW + 1}", values).fetchall()
    return {row[0] for row in rows} if len(rows) <= NARROW else None


def _columns(connection: sqlite3.Connection, query: RunQuery) -> list[Condition]:
    """Conditions on columns of the run itself."""
    found: list[Condition] = []
    if query.archived is not None:
        found.append(("r.archived = ?", [int(query.archived)]))
    if query.experiment is not None:
        found.append(("r.experiment = ?", [experiments.number(connection, query.experiment)]))
    if query.statuses:
        marks = ", ".join("?" * len(query.statuses))
        found.append((f"r.status IN ({marks})", [status.value for status in query.statuses]))
    if query.active:
        found.append((_ACTIVE, []))
    for column in ("target", "parent", "snapshot"):
        value = getattr(query, column)
        if value is not None:
            found.append((f"r.{column} = ?", [plain_text(value)]))
    if query.text:
        escaped = plain_text(query.text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        columns = ("id", "name", "description", "command")
        likes = " OR ".join(f"r.{column} LIKE ? ESCAPE '\\'" for column in columns)
        found.append((f"({likes})", [f"%{escaped}%"] * len(columns)))
    return found


def _named(query: RunQuery) -> list[tuple[str, Condition]]:
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
        if metric.name != query.order_metric:
            sql = f"c.name = ? AND c.last {_operator(metric.operator)} ?"
            found.append(("run_metrics", (sql, [plain_text(metric.name), metric.value])))
    return found


def _operator(operator: str) -> str:
    if operator not in _OPERATORS:
        raise UsageError(f"{operator!r} compares nothing", "use one of " + " ".join(_OPERATORS))
    return operator
