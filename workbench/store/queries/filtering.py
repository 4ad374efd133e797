"""A filter of runs as SQL: conditions on a row r of the table of runs. What a user wrote is only a parameter.

The tree is asked without Not, so a condition has to say only where it is surely true: where a value is absent
SQL's NULL fits nothing, which is what the language says of it (`text/filter_tree.py`).
"""

from __future__ import annotations

import math
import sqlite3
from datetime import datetime
from typing import Any, NamedTuple

from workbench.entities.experiment import Goal, guess_goal
from workbench.errors import UsageError
from workbench.store.queries.filter_attributes import attribute, attribute_there
from workbench.store.queries.filter_text import Condition, any_of, search, text
from workbench.store.sqlite.codec import micros, plain_text
from workbench.text import filter_parse, filter_values
from workbench.text.filter_fields import steady
from workbench.text.filter_problem import FilterProblem
from workbench.text.filter_tree import (
    NUMERIC,
    ORDERED,
    And,
    Comparison,
    Field,
    Filter,
    Kind,
    Not,
    Presence,
    Words,
    conjuncts,
    leaves,
    mentions,
    positive,
)

TABLES = {
    Kind.METRIC: "run_metrics",
    Kind.PARAM: "run_params",
    Kind.TAG: "run_tags",
    Kind.PROPERTY: "run_properties",
}


LISTED = {"id", "name", "experiment", "target", "status", "created", "started", "ended", "duration", "age"}
"""Attributes that the index of the table of runs has."""


class Clause(NamedTuple):
    """A condition on r; runs, where there is an index for it: a query for the numbers of the runs it fits."""

    sql: str
    values: list[Any]
    runs: Condition | None = None
    joined: bool = False
    """It is on the joined row m and not on r: who lacks that row does not fit."""


def read(said: str) -> filter_parse.Parsed:
    """The filter a text means. Raises UsageError; its data say where: filter, start, stop."""
    try:
        return filter_parse.parse(said)
    except FilterProblem as problem:
        raise UsageError(
            f"column {problem.start + 1} of the filter: {problem.message}",
            problem.hint,
            filter=said,
            start=problem.start,
            stop=problem.stop,
        ) from problem


def holds_with_events(tree: Filter) -> bool:
    """Whether what fits stays until an event of runs or experiments."""
    return all(isinstance(leaf, Words) or steady(leaf.field) for leaf in leaves(tree))


def says_archived(tree: Filter) -> bool:
    """Whether the filter itself says which archived runs it wants."""
    return mentions(tree, "archived")


def clauses(
    connection: sqlite3.Connection, tree: Filter, now: datetime, joined: str | None = None
) -> list[Clause]:
    """Conditions that all have to hold. joined: a metric whose row is joined as m."""
    compiler = _Compiler(connection, micros(now), now)
    return [compiler.top(part, joined) for part in conjuncts(positive(tree)) if part != And(())]


class _Compiler:
    def __init__(self, connection: sqlite3.Connection, now: int, moment: datetime) -> None:
        self._connection = connection
        self._now = now
        self._moment = moment

    def top(self, part: Filter, joined: str | None) -> Clause:
        """A conjunct; one on the joined metric needs no look-up of its own."""
        if isinstance(part, Comparison) and part.field.name == joined and self._only_metric(part):
            sql, values = self._metric(part, "m")
            return Clause(sql, values, None, joined=True)
        found = self.clause(part)
        if joined is not None and isinstance(part, Comparison) and _listed(part.field):
            # By the index of the table of runs: else each run in the order of the metric is looked up for it.
            return found._replace(runs=(f"SELECT number FROM runs r WHERE {found.sql}", found.values))
        return found

    def clause(self, part: Filter) -> Clause:
        """Any part of a filter without Not."""
        if isinstance(part, Words):
            return Clause(*search(part.text, there=part.there))
        if isinstance(part, Presence):
            return self._presence(part)
        if isinstance(part, Comparison):
            return self._comparison(part)
        assert not isinstance(part, Not)  # they went into the leaves
        parts = [self.clause(each) for each in part.parts]
        if isinstance(part, And):
            sql, values = any_of([(each.sql, each.values) for each in parts], " AND ")
            return Clause(sql, values, next((each.runs for each in parts if each.runs), None))
        sql, values = any_of([(each.sql, each.values) for each in parts])
        sources = [each.runs for each in parts if each.runs is not None]
        if len(sources) < len(parts):
            return Clause(sql, values)
        union = " UNION ALL ".join(source for source, _ in sources)
        return Clause(sql, values, (union, [value for _, given in sources for value in given]))

    def _only_metric(self, leaf: Comparison) -> bool:
        return leaf.field.kind is Kind.METRIC or (
            leaf.field.kind is Kind.ANY and self._kinds(leaf) == [Kind.METRIC]
        )

    def _presence(self, leaf: Presence) -> Clause:
        field = leaf.field
        if field.kind is Kind.ATTRIBUTE:
            return Clause(*attribute_there(field.name, self._now, there=leaf.there))
        kinds = [field.kind] if field.kind is not Kind.ANY else list(TABLES)[:3]
        found = [_exists(kind, _named(kind, field), there=leaf.there) for kind in kinds]
        sql, values = any_of([(each.sql, each.values) for each in found], " OR " if leaf.there else " AND ")
        return Clause(sql, values, found[0].runs if leaf.there and len(found) == 1 else None)

    def _comparison(self, leaf: Comparison) -> Clause:
        if leaf.field.kind is Kind.ATTRIBUTE:
            return Clause(*attribute(self._connection, leaf, self._now, self._moment))
        if leaf.field.kind is not Kind.ANY:
            return self._lookup(leaf.field.kind, leaf)
        kinds = self._kinds(leaf)
        if len(kinds) == 1:
            return self._lookup(kinds[0], leaf)
        found: list[Condition] = []
        missing: list[Condition] = []
        for kind in kinds:
            fits = self._lookup(kind, leaf)
            found.append(any_of([*missing, (fits.sql, fits.values)], " AND "))
            lacks = _exists(kind, _named(kind, leaf.field), there=False)
            missing.append((lacks.sql, lacks.values))
        return Clause(*(any_of(found) if found else ("0", [])))

    def _kinds(self, leaf: Comparison) -> list[Kind]:
        """What a bare name may be, of what the store has: a metric first, where numbers are compared."""
        numbers = all(filter_values.number(value) is not None for value in leaf.values)
        kinds = [Kind.METRIC] if numbers and leaf.operator in NUMERIC else []
        kinds.append(Kind.PARAM)
        kinds += [Kind.TAG] if leaf.operator not in ORDERED else []
        return [kind for kind in kinds if self._known(kind, leaf.field)]

    def _known(self, kind: Kind, field: Field) -> bool:
        sql, values = _named(kind, field)
        asked = self._connection.execute(f"SELECT 1 FROM {TABLES[kind]} c WHERE {sql} LIMIT 1", values)
        return asked.fetchone() is not None

    def _lookup(self, kind: Kind, leaf: Comparison) -> Clause:
        if kind is Kind.METRIC:
            sql, values = self._metric(leaf, "c")
        elif kind is Kind.PARAM:
            sql, values = _param(leaf)
        else:
            sql, values = text("c.value", leaf.operator, leaf.values)
        named, name = _named(kind, leaf.field)
        found = _exists(kind, (f"{named} AND {sql}", [*name, *values]), there=True)
        # The best figure may be asked by the run's experiment, which a query without runs does not know.
        return found._replace(runs=None) if leaf.field.figure == "best" else found

    def _metric(self, leaf: Comparison, row: str) -> Condition:
        column = self._figure(leaf.field, row)
        numbers = [float(value) for value in leaf.values]
        plain = [number for number in numbers if not math.isnan(number)]
        found: list[Condition] = []
        if leaf.operator not in ("=", "!="):
            return f"{column} {leaf.operator} ?", plain
        equal = leaf.operator == "="
        if plain:
            found.append((f"{column} {'' if equal else 'NOT '}IN ({_marks(plain)})", list(plain)))
        if len(plain) < len(numbers):
            found.append((f"{column} IS {'' if equal else 'NOT '}NULL", []))
        return any_of(found, " OR " if equal else " AND ")

    def _figure(self, field: Field, row: str) -> str:
        """The column of a figure; the best one as the experiment sees it, else as the name suggests."""
        if field.figure != "best":
            return f"{row}.{field.figure}"
        goal = guess_goal(field.name)
        usual, other = ("max", "min") if goal is Goal.MAXIMIZE else ("min", "max")
        differing = self._connection.execute(
            "SELECT number FROM experiments WHERE primary_metric = ? AND goal != ?",
            (plain_text(field.name), goal.value),
        ).fetchall()
        if not differing:
            return f"{row}.{usual}"
        among = ",".join(str(int(number)) for (number,) in differing)
        return f"(CASE WHEN r.experiment IN ({among}) THEN {row}.{other} ELSE {row}.{usual} END)"


def _listed(field: Field) -> bool:
    return field.kind is Kind.ATTRIBUTE and field.name in LISTED


def _param(leaf: Comparison) -> Condition:
    """Numbers beside the number a param spells, other texts beside its text."""
    if leaf.operator in ORDERED:
        sql = f"c.number IS NOT NULL AND c.number {leaf.operator} ?"
        return sql, [filter_values.number(leaf.values[0])]
    if leaf.operator not in ("=", "!="):
        return text("c.value", leaf.operator, leaf.values)
    read = [(value, filter_values.finite(value)) for value in leaf.values]
    numbers = [number for _, number in read if number is not None]
    texts = [value for value, number in read if number is None]
    equal = leaf.operator == "="
    found: list[Condition] = []
    if numbers and equal:
        found.append((f"c.number IS NOT NULL AND c.number IN ({_marks(numbers)})", [*numbers]))
    elif numbers:
        found.append((f"(c.number IS NULL OR c.number NOT IN ({_marks(numbers)}))", [*numbers]))
    if texts:
        found.append(text("c.value", leaf.operator, texts))
    return any_of(found, " OR " if equal else " AND ")


def _named(kind: Kind, field: Field) -> Condition:
    """The condition on c that it is the row of a field."""
    return "c.name = ?", [plain_text(field.name if kind is Kind.METRIC else field.whole)]


def _exists(kind: Kind, condition: Condition, *, there: bool) -> Clause:
    sql, values = condition
    table = TABLES[kind]
    found = f"{'' if there else 'NOT '}EXISTS (SELECT 1 FROM {table} c WHERE c.run = r.number AND {sql})"
    return Clause(found, values, (f"SELECT run FROM {table} c WHERE {sql}", values) if there else None)


def _marks(values: list[float]) -> str:
    return ", ".join("?" * len(values))
