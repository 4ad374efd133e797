"""A query on an SQLite file is ended when no row comes for too long, not when many take long together."""

from __future__ import annotations

import io
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.machines.inside import interpreters
from workbench.compute.payload import build_payload
from workbench.data.sql import child
from workbench.remote.tabular import queries

SLOW = (
    "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000)"
    " SELECT count(*) FROM n WHERE i > day - 1000)"
)
"""Of each row anew, since it asks for the row's day."""


def ticking(seconds: float) -> Callable[[], float]:
    """A clock on which that much passes at each look."""
    now = [0.0]

    def look() -> float:
        now[0] += seconds
        return now[0]

    return look


def test_rows_that_come_all_the_time_are_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "slow.db"
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE days (day INTEGER)")
    base.executemany("INSERT INTO days VALUES (?)", [(day,) for day in range(60)])
    base.commit()
    base.close()
    monkeypatch.setattr(queries.time, "monotonic", ticking(1.0))
    with path.open("rb") as file:
        rows = list(queries.rows_of(file, "slow.db", f"SELECT day, {SLOW} FROM days", 60.0))
    assert [values for _, values in rows] == [[day, 20000] for day in range(60)]
    with path.open("rb") as file, pytest.raises(queries.QueryProblem, match="no row for 60 seconds"):
        list(queries.rows_of(file, "slow.db", f"SELECT sum({SLOW}) FROM days", 60.0))


def test_a_query_of_nothing_but_comments_is_told_at_once() -> None:
    assert child.READS.match("/**/" * 200 + "DROP") is None
    assert child.READS.match("/* a */ -- b\n (SELECT 1)") is not None


def test_a_file_without_a_place_is_asked_as_a_copy(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "a.db")
    base.execute("CREATE TABLE t (x)")
    base.execute("INSERT INTO t VALUES (7)")
    base.commit()
    base.close()
    copy = io.BytesIO((tmp_path / "a.db").read_bytes())
    assert [values for _, values in queries.rows_of(copy, "a.db", "SELECT x FROM t", 30.0)] == [[7]]


ONE_VALUE = """
import sqlite3, sys
from workbench.remote.tabular.queries import LONGEST, QueryProblem, rows_of
with open(sys.argv[1], "rb") as file:
    try:
        for query in ("SELECT length(zeroblob(1000)) AS n", "SELECT hex(zeroblob(%d)) AS n" % LONGEST):
            for _, values in rows_of(file, "a.db", query, 30.0):
                print(values[0])
    except QueryProblem as problem:
        print(problem)
"""


@pytest.mark.parametrize("python", interpreters())
def test_one_value_is_bounded_under_every_python(tmp_path: Path, python: str) -> None:
    """Before 3.11 a connection cannot be told so by Python: its library is."""
    sqlite3.connect(tmp_path / "a.db").execute("CREATE TABLE t (x)").connection.close()
    payload = tmp_path / "payload.pyz"
    payload.write_bytes(build_payload().data)
    argv = [python, "-c", ONE_VALUE, str(tmp_path / "a.db")]
    told = subprocess.run(
        argv,
        env={"PYTHONPATH": str(payload)},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert told.stdout.splitlines() == ["1000", "a.db: string or blob too big"]


def test_rows_whose_types_are_found_are_bounded_together_and_one_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queries, "LARGE", 1000)
    many = iter([["x" * 300]] * 500)
    assert len(queries.looked_at(many)) == 4
    assert len(list(many)) == 496, "the others are read as they are sent"
    assert len(queries.looked_at(iter([[1]] * 500))) == 200
    monkeypatch.setattr(queries, "LONGEST", 1000)
    assert queries.line_of(["a"], ["x" * 900]).endswith(b'"}\n')
    with pytest.raises(queries.QueryProblem, match="a row of the query"):
        queries.line_of(["a", "b"], ["x" * 900, "y" * 900])
