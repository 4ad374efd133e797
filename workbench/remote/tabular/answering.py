"""The rows of a query on SQLite files of this machine, for the other end of the link: as lines of JSON."""

import os
from functools import partial
from itertools import islice
from typing import Any, Dict, Iterable, Iterator, List

from workbench.remote.data.selection import select
from workbench.remote.forms.tree_paths import encode
from workbench.remote.tabular.definition import SQLITE, checked
from workbench.remote.tabular.queries import QueryProblem, line_of, looked_at, rows_of
from workbench.remote.tabular.reading import BadTable, names_of
from workbench.remote.tabular.table import File, Table
from workbench.remote.tabular.values import type_of
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import RequestError

TOGETHER = 1 << 16  # bytes of lines that go at once


def give_rows(exchange):
    # type: (Exchange) -> Any
    """params paths, query, query_timeout, rows?: EVENT {columns: [[name, type]]}, DATA lines; {rows}."""
    params = exchange.params
    most = None if params.get("rows") is None else parameters.offset(params, "rows")
    asked = {"format": SQLITE, "query": params.get("query"), "query_timeout": params.get("query_timeout")}
    try:
        definition = checked(asked)
    except ValueError as problem:
        raise RequestError("usage", str(problem))
    chosen = select(parameters.argument_list(params, "paths") or [])
    alone = os.path.basename(os.fsdecode(chosen.base))
    files = [File(name or alone, partial(_opened, chosen.base, name)) for name, _, _ in chosen.files]
    seen = []  # type: List[str]
    rows = _rows(definition, Table(definition, files).files, seen)
    if most is not None:
        rows = islice(rows, most)
    try:
        return {"rows": _send(exchange, rows, seen)}
    except (QueryProblem, BadTable) as problem:
        raise RequestError("usage", str(problem), "the query is SQLite's own language")


def _opened(base, name):
    # type: (bytes, str) -> Any
    return open(os.path.join(base, encode(name)) if name else base, "rb")


def _rows(definition, files, seen):
    # type: (Dict[str, Any], Iterable[File], List[str]) -> Iterator[List[Any]]
    for file in files:
        opened = file.open()
        try:
            asked = (definition["query"], definition["query_timeout"])
            for _, values in rows_of(opened, file.path, asked[0], asked[1], seen):
                yield values
        finally:
            opened.close()


def _send(exchange, rows, seen):
    # type: (Exchange, Iterator[List[Any]], List[str]) -> int
    first = looked_at(rows)
    columns = names_of(seen)
    types = [type_of(row[place] for row in first if place < len(row)) for place in range(len(columns))]
    exchange.event({"columns": [list(pair) for pair in zip(columns, types)]})
    sent, waiting, size = 0, [], 0
    for part in (first, rows):
        for values in part:
            line = line_of(columns, values)
            waiting.append(line)
            size += len(line)
            sent += 1
            if size >= TOGETHER:
                exchange.data(b"".join(waiting))
                waiting, size = [], 0
    exchange.data(b"".join(waiting))
    return sent
