"""Queries on SQLite databases: opened read-only, one statement that reads, rows one at a time.

Both the query and the database may be anybody's: nothing is written, no other file is opened, no extension is
loaded, nothing of the schema is trusted, and a query that brings no row for too long is ended.
"""

import os
import sqlite3
import tempfile
import time
from typing import Any, Dict, Iterator, List, Optional, Tuple
from urllib.parse import quote

from workbench.remote.tabular import value_limit
from workbench.remote.tabular.values import LOOKED_AT

MAGIC = b"SQLite format 3\0"
STEPS = 20000  # instructions of SQLite between two looks at the clock
LONGEST = 64 << 20  # bytes of one value, and of one row as it is told
LARGE = 8 << 20  # characters of first rows that are kept until types are known
READ, SELECT, FUNCTION, RECURSIVE = 20, 21, 31, 33  # what sqlite3.h calls the actions
ALLOWED = (READ, SELECT, RECURSIVE)
FORBIDDEN = ("load_extension", "fts3_tokenizer", "readfile", "writefile", "edit")
COPY = 1 << 20


class QueryProblem(ValueError):
    """What the database says against the query, or the file against being one."""


Rows = Iterator[Tuple[List[str], List[Any]]]


def rows_of(file: Any, name: str, query: str, patience: float, seen: Optional[List[str]] = None) -> Rows:
    """(names of columns, values) of each row of a query on a database in an open binary file.

    seen: is given the names, also where there is no row.

    patience: seconds that the next row may take. A file that has no place on this machine is copied to a
    temporary one first. Raises QueryProblem.
    """
    path = getattr(file, "name", None)
    if isinstance(path, (str, bytes)) and os.path.isfile(path):
        for row in _rows(os.fsdecode(path), name, query, patience, seen):
            yield row
        return
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as copy:
        while True:
            block = file.read(COPY)
            if not block:
                break
            copy.write(block)
        copy.flush()
        for row in _rows(copy.name, name, query, patience, seen):
            yield row


def _rows(path: str, name: str, query: str, patience: float, seen: Optional[List[str]]) -> Rows:
    still, before = _unlocked(path), _facts(path)
    clock = _Clock(patience)
    try:
        connection = sqlite3.connect(
            _address(path, still), timeout=patience, isolation_level=None, check_same_thread=False, uri=True
        )
    except sqlite3.Error as problem:
        raise QueryProblem("%.200s: %s" % (name, problem))
    try:
        _harden(connection)
        connection.set_progress_handler(clock.over, STEPS)
        clock.start()
        cursor = connection.execute(query)
        if cursor.description is None:
            raise QueryProblem("%.200s: the query brings no rows" % name)
        columns = [str(column[0]) for column in cursor.description]
        if seen is not None:
            seen[:] = columns
        while True:
            clock.start()  # for each row: many at once may take longer, though they come all the time
            row = cursor.fetchone()
            if row is None:
                break
            yield columns, list(row)
        if still and _facts(path) != before:
            raise QueryProblem("%.200s changed while it was read" % name)
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError, MemoryError) as problem:
        if isinstance(problem, QueryProblem):
            raise
        if clock.ended:
            raise QueryProblem("%.200s: the query brought no row for %g seconds" % (name, patience))
        if "authoriz" in str(problem):
            raise QueryProblem(
                "%.200s: not authorized: one statement that reads is all a query may be" % name
            )
        raise QueryProblem("%.200s: %.300s" % (name, problem))
    finally:
        connection.close()


class _Clock(object):
    """Ends a query that computes for too long; what happens to its rows meanwhile does not count."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._stop = 0.0
        self.ended = False

    def start(self) -> None:
        """From now on."""
        self._stop = time.monotonic() + self._patience

    def over(self) -> int:
        """What SQLite asks now and then: whether to end it."""
        self.ended = time.monotonic() > self._stop
        return 1 if self.ended else 0


def _harden(connection: sqlite3.Connection) -> None:
    for pragma in ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0"):
        connection.execute("PRAGMA " + pragma).fetchall()  # one that an older SQLite does not know is nothing
    value_limit.bound(connection, LONGEST)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    connection.set_authorizer(_allowed)


def _allowed(action: int, first: Any, second: Any, database: Any, trigger: Any) -> int:
    if action == FUNCTION:
        return sqlite3.SQLITE_DENY if str(second).lower() in FORBIDDEN else sqlite3.SQLITE_OK
    return sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY


def _address(path: str, still: bool) -> str:
    """Read-only; and as one that nobody writes to where it is to be read without locks."""
    whole = "file:" + quote(os.path.abspath(path)) + "?mode=ro"
    return whole + "&immutable=1" if still else whole


def _unlocked(path: str) -> bool:
    """Whether it is read without locks: in WAL mode, and without a log of changes beside it.

    Else SQLite would make files beside it, which a folder of data, or the cache, does not let one.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(20)
    except OSError as problem:
        raise QueryProblem("%.200s cannot be read: %s" % (path, problem.strerror))
    if len(head) and head[: len(MAGIC)] != MAGIC:
        raise QueryProblem("%.200s is no SQLite database" % os.path.basename(path))
    return head[18:20] == b"\2\2" and not os.path.exists(path + "-wal")


def _facts(path: str) -> "Tuple[int, int]":
    facts = os.stat(path)
    return facts.st_size, facts.st_mtime_ns


def as_json(value: Any) -> Any:
    """A value of a database as JSON has it: times as ISO texts, and what else there is as text."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)


def line_of(columns: List[str], values: List[Any]) -> bytes:
    """A row as a line of JSON; raises QueryProblem for one that is too large for whoever reads it."""
    import json

    row: Dict[str, Any] = {name: as_json(value) for name, value in zip(columns, values)}
    line = json.dumps(row, separators=(",", ":")).encode("ascii") + b"\n"
    if len(line) > LONGEST:
        words = "a row of the query has %d MB, and may have %d"
        raise QueryProblem(words % (len(line) // 1000000, LONGEST // 1000000))
    return line


def looked_at(rows: Iterator[List[Any]], seconds: Optional[float] = None) -> List[List[Any]]:
    """The first rows, which tell what types columns have: fewer where they are large, or come slowly.

    seconds: after which those that came are enough.
    """
    found: List[List[Any]] = []
    size = 0
    stop = None if seconds is None else time.monotonic() + seconds
    for row in rows:
        found.append(row)
        size += sum(len(value) for value in row if isinstance(value, (str, bytes)))
        if len(found) >= LOOKED_AT or size > LARGE or (stop is not None and time.monotonic() > stop):
            break
    return found
