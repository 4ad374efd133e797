"""`python -m workbench.data.sql.child`: one query on one database, by SQLAlchemy and the database's package.

A process of its own: what a package of a database does with memory, threads and time is its own business,
and it can be ended. Asked by one line of JSON on stdin, so that nothing that lets one in is in an argv.
Answers on stdout a line {"columns": [{name, type}]} (or {"tables": [..]}), then each row as a line of JSON;
what is wrong is a line {"error", "kind"} on stderr, and an exit code.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
import time
from collections.abc import Generator, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import Any

from workbench.remote.tabular.queries import QueryProblem, line_of, looked_at
from workbench.remote.tabular.reading import names_of, plain_value
from workbench.remote.tabular.values import type_of

AT_ONCE = 1000
OFTEN = 0.2
NOTICED = 2
"""Seconds after which a database may notice that nobody waits for a query any more."""
LOOKED_FOR = 1.0
"""Seconds after which types are those of the rows that came so far."""
MOST_TABLES = 10_000
READS = re.compile(r"(?is)(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/|\()*+(select|with|values|table|from|show)\b")
"""What a query begins with; whoever lets one in says what it may read, this only tells mistakes early."""
READ_ONLY = {"mysql": "SET SESSION TRANSACTION READ ONLY", "mariadb": "SET SESSION TRANSACTION READ ONLY",
             "oracle": "SET TRANSACTION READ ONLY", "sqlite": "PRAGMA query_only=ON"}  # fmt: skip


HELD: list[Any] = []
"""What is never closed unless all was read: some packages read the rest of a result before they close it."""


class Told(Exception):
    """What is told of a failure; kind: usage, unreachable or missing."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def main() -> int:
    """Answer what stdin asks: {url, password?, query?, rows?}; without a query which tables there are."""
    out = os.fdopen(os.dup(1), "wb", 1 << 18)
    os.dup2(2, 1)  # what packages print is none of the answer
    try:
        asked = json.loads(sys.stdin.readline())
        flushed = 0.0
        for line in answer(asked):
            out.write(line)
            if time.monotonic() - flushed > OFTEN:  # rows that come slowly are seen as they come
                out.flush()
                flushed = time.monotonic()
        out.flush()
    except Told as problem:
        return _failed(problem.kind, str(problem))
    except BrokenPipeError:
        return 0  # nobody wants more
    except Exception as problem:  # packages of databases raise what they like
        return _failed("usage", f"{type(problem).__name__}: {problem}")
    return 0


def _failed(kind: str, text: str) -> int:
    sys.stderr.write("\n" + json.dumps({"error": " ".join(text.split())[:2000], "kind": kind}) + "\n")
    sys.stderr.flush()
    return 1


def answer(asked: dict[str, Any]) -> Iterator[bytes]:
    """The lines of the answer; raises Told."""
    alchemy = _alchemy()
    engine = _engine(alchemy, asked["url"], asked.get("password"))
    try:
        connection = engine.connect()
    except Exception as problem:
        raise Told("unreachable", _plain(problem)) from problem
    HELD.append(connection)
    if asked.get("query") is None:
        yield json.dumps({"tables": _tables(alchemy, connection)}).encode("ascii") + b"\n"
    elif not (yield from _rows(connection, asked["query"], asked.get("rows"))):
        return
    connection.rollback()
    connection.close()


def _alchemy() -> Any:
    try:
        return importlib.import_module("sqlalchemy")
    except ImportError as problem:
        raise Told("missing", "sqlalchemy") from problem


def _engine(alchemy: Any, text: str, password: str | None) -> Any:
    url = alchemy.engine.make_url(text)
    if password is not None:
        url = url.set(password=password)
    try:
        return alchemy.create_engine(url, poolclass=alchemy.pool.NullPool)
    except ModuleNotFoundError as problem:
        raise Told("missing", str(problem.name)) from problem
    except alchemy.exc.NoSuchModuleError as problem:
        raise Told("missing", f"for {url.drivername}://") from problem


def _tables(alchemy: Any, connection: Any) -> list[str]:
    inspector = alchemy.inspect(connection)
    default = inspector.default_schema_name
    found: list[str] = []
    for schema in inspector.get_schema_names():
        if schema in ("information_schema", "pg_catalog", "pg_toast", "sys", "performance_schema", "mysql"):
            continue
        for name in _names(inspector, schema):
            found.append(str(name) if schema in (default, None) else f"{schema}.{name}")
            if len(found) >= MOST_TABLES:
                return sorted(found)
    return sorted(found)


def _names(inspector: Any, schema: str | None) -> list[str]:
    found = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    try:
        return [*found, *inspector.get_materialized_view_names(schema)]
    except NotImplementedError:  # a database that has none
        return found


def _watched(connection: Any) -> None:
    """Let PostgreSQL end the query when this process is gone: it would compute on until it has a row."""
    try:
        connection.exec_driver_sql(f"SET client_connection_check_interval = '{NOTICED}s'")
        connection.commit()
    except Exception:  # before version 14 there is none, and drivers have errors of their own
        connection.rollback()


def _rows(connection: Any, query: str, most: int | None) -> Generator[bytes, None, bool]:
    """The lines of a result, no more rows than most; at the end whether there can be no more."""
    if READS.match(query) is None:
        raise Told("usage", "the query reads nothing: it begins with SELECT or WITH")
    dialect = connection.dialect.name
    if dialect == "postgresql":
        _watched(connection)
        connection = connection.execution_options(postgresql_readonly=True)
    elif dialect in READ_ONLY:
        connection.exec_driver_sql(READ_ONLY[dialect])
    connection = connection.execution_options(stream_results=True, max_row_buffer=AT_ONCE, no_parameters=True)
    try:
        result = connection.exec_driver_sql(query)
    except Exception as problem:
        raise Told("usage", _plain(problem)) from problem
    HELD.append(result)
    if not result.returns_rows:
        raise Told("usage", "the query brings no rows")
    columns = names_of([str(name) for name in list(result.keys())])
    rows: Iterable[list[Any]] = ([value_of(value) for value in row] for row in result)
    if most is not None:
        rows = islice(rows, most)
    rows = iter(rows)
    first = looked_at(rows, LOOKED_FOR)
    types = [type_of(row[place] for row in first) for place in range(len(columns))]
    told = [{"name": name, "type": kind} for name, kind in zip(columns, types, strict=True)]
    yield json.dumps({"columns": told}).encode("ascii") + b"\n"
    told_rows = 0
    for row in chain(first, rows):
        try:
            yield line_of(columns, row)
        except QueryProblem as problem:
            raise Told("usage", str(problem)) from problem
        told_rows += 1
    return told_rows != most


def value_of(value: Any) -> Any:
    """A value of a database as tables have it: decimals as floats, dates as times, what else as text."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, memoryview | bytearray):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    if isinstance(value, date | datetime) or not hasattr(value, "year"):
        return plain_value(value)
    return str(value)


def _plain(problem: BaseException) -> str:
    """The database's own words, without the query that SQLAlchemy adds."""
    return str(getattr(problem, "orig", None) or problem)


if __name__ == "__main__":
    # At once: what a package does with an open result when Python ends may take as long as the query.
    os._exit(main())
