"""The steps by which one table is made of another; each row passes all of them, one at a time. Pure."""

import random
from itertools import islice
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple

from workbench.remote.tabular import conditions

# What rows have: the columns in order, and the type of each.
Shape = NamedTuple("Shape", [("columns", List[str]), ("types", Dict[str, str])])
Rows = Iterator[List[Any]]


def check_step(step: Any) -> None:
    """Raise ValueError for what is no step."""
    if not isinstance(step, dict) or step.get("op") not in _CHECKS:
        raise ValueError("a step is one of %s" % ", ".join(sorted(_CHECKS)))
    _CHECKS[step["op"]](step)


def _count(step: Dict[str, Any]) -> None:
    value = step.get("n")
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("%s takes a number of rows, 0 or more" % step["op"])


def _share(step: Dict[str, Any]) -> None:
    for name in ("low", "high"):
        value = step.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise ValueError("a share of rows is between 0 and 1")
    if not isinstance(step.get("seed"), int):
        raise ValueError("a seed is a whole number")


def _columns(step: Dict[str, Any]) -> None:
    names = step.get("columns")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError("%s takes names of columns" % step["op"])


def _where(step: Dict[str, Any]) -> None:
    conditions.check(step.get("where"))


def _timestamps(step: Dict[str, Any]) -> None:
    named = [step.get("timestamp"), step.get("partition_timestamp")]
    if not any(named) or not all(name is None or isinstance(name, str) for name in named):
        raise ValueError("timestamp columns are named: timestamp, partition_timestamp")


_CHECKS: Dict[str, Callable[[Dict[str, Any]], None]] = {
    "take": _count,
    "skip": _count,
    "share": _share,
    "keep": _columns,
    "drop": _columns,
    "filter": _where,
    "timestamps": _timestamps,
}


def apply_steps(steps: Iterable[Dict[str, Any]], shape: Shape, rows: Rows) -> "Stepped":
    """Rows behind all steps, and what they have then. Raises ValueError for a column that is not there."""
    for step in steps:
        shape, rows = _STEPS[step["op"]](step, shape, rows)
    return Stepped(shape, rows)


Stepped = NamedTuple("Stepped", [("shape", Shape), ("rows", Rows)])


def _take(step: Dict[str, Any], shape: Shape, rows: Rows) -> Stepped:
    return Stepped(shape, islice(rows, step["n"]))


def _skip(step: Dict[str, Any], shape: Shape, rows: Rows) -> Stepped:
    return Stepped(shape, islice(rows, step["n"], None))


def _part(step: Dict[str, Any], shape: Shape, rows: Rows) -> Stepped:
    """Each row has its chance by its place alone: parts of one seed that do not overlap share no row."""
    low, high, chance = step["low"], step["high"], random.Random(step["seed"])

    def chosen() -> Rows:
        for row in rows:
            if low <= chance.random() < high:
                yield row

    return Stepped(shape, chosen())


def _places(step: Dict[str, Any], shape: Shape) -> List[int]:
    missing = [name for name in step["columns"] if name not in shape.columns]
    if missing:
        raise ValueError("there is no column %.60r; %s" % (missing[0], conditions.these(shape.columns)))
    return [shape.columns.index(name) for name in step["columns"]]


def _chosen(shape: Shape, rows: Rows, places: List[int]) -> Stepped:
    columns = [shape.columns[place] for place in places]
    types = {name: shape.types[name] for name in columns if name in shape.types}
    return Stepped(Shape(columns, types), ([row[place] for place in places] for row in rows))


def _keep(step: Dict[str, Any], shape: Shape, rows: Rows) -> Stepped:
    return _chosen(shape, rows, _places(step, shape))


def _drop(step: Dict[str, Any], shape: Shape, rows: Rows) -> Stepped:
    gone = set(_places(step, shape))
    return _chosen(shape, rows, [place for place in range(len(shape.columns)) if place not in gone])


def _filter(step: Dict[str, Any], shape: Shape, rows: Rows) -> Stepped:
    test = conditions.test_of(step["where"], shape.columns, shape.types)
    return Stepped(shape, (row for row in rows if test(row)))


def _timed(step: Dict[str, Any], shape: Shape, rows: Rows) -> Stepped:
    for name in (step.get("timestamp"), step.get("partition_timestamp")):
        if name is not None and shape.types.get(name) != "datetime":
            raise ValueError("the column %.60r holds no times" % name)
    return Stepped(shape, rows)


_STEPS: Dict[str, Callable[[Dict[str, Any], Shape, Rows], Stepped]] = {
    "take": _take,
    "skip": _skip,
    "share": _part,
    "keep": _keep,
    "drop": _drop,
    "filter": _filter,
    "timestamps": _timed,
}
