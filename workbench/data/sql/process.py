"""A query in its own process: its columns, then its rows as they come; ended when nobody wants more."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from workbench.entities.dataset import ColumnType
from workbench.errors import RemoteError, Unreachable, UsageError, WorkbenchError
from workbench.remote.processes.masking import masked_text
from workbench.text.sanitize import clean_name

CHILD = "workbench.data.sql.child"
BLOCK = 1 << 18
LONGEST_LINE = 64 << 20
LAST_WORDS = 1 << 16
START = 10.0
"""Seconds that the process itself may take to start, and to get in."""


class Rows(NamedTuple):
    """What a query brings."""

    columns: list[ColumnType]
    """Types by its first rows."""
    lines: AsyncIterator[bytes]
    """Blocks of lines of JSON, one row a line; a block may end within a line."""


class Database(NamedTuple):
    """Where one is, and what lets one in. name: the datastore's."""

    name: str
    url: str
    password: str | None
    hidden: tuple[str, ...]
    """What is never told."""


@asynccontextmanager
async def query(
    database: Database, text: str, patience: float, rows: int | None = None
) -> AsyncIterator[Rows]:
    """Run a query. patience: seconds that its next rows may take. rows: no more than so many.

    Raises UsageError for what the database says against it, Unreachable, RemoteError when it takes too long.
    """
    asked = {"url": database.url, "password": database.password, "query": text, "rows": rows}
    async with _child(database, asked, patience) as (child, first):
        columns = [
            ColumnType(name=str(item["name"]), type=str(item["type"])) for item in first.get("columns") or []
        ]
        yield Rows(columns, _lines(database, child, patience))


async def tables(database: Database, patience: float) -> list[str]:
    """Names of its tables and views; raises Unreachable, UsageError."""
    asked = {"url": database.url, "password": database.password}
    async with _child(database, asked, patience) as (_, first):
        return [str(name) for name in first.get("tables") or []]


class _Child(NamedTuple):
    """A process that answers; the end of its stderr is read all the time: a full pipe would stop it."""

    process: asyncio.subprocess.Process
    answer: asyncio.StreamReader
    words: asyncio.Task[bytes]


@asynccontextmanager
async def _child(
    database: Database, asked: dict[str, Any], patience: float
) -> AsyncIterator[tuple[_Child, dict[str, Any]]]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", CHILD, stdin=pipe, stdout=pipe, stderr=pipe, limit=LONGEST_LINE,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    child = _Child(process, process.stdout, asyncio.create_task(_last_words(process.stderr)))
    try:
        process.stdin.write(json.dumps(asked).encode("ascii") + b"\n")
        process.stdin.close()
        try:
            line = await asyncio.wait_for(child.answer.readline(), patience + START)
        except TimeoutError:
            raise _late(database, patience) from None
        if not line:
            raise await _problem(database, child)
        yield child, json.loads(line)
    finally:
        if process.returncode is None:
            # With what a driver started: that would hold the pipes open.
            os.killpg(process.pid, signal.SIGKILL)
        # What it still says is read, so that its pipes end; it is dead or ending.
        while await child.answer.read(BLOCK):
            pass
        await child.words
        await process.wait()


async def _last_words(stderr: asyncio.StreamReader) -> bytes:
    said = b""
    while block := await stderr.read(LAST_WORDS):
        said = (said + block)[-LAST_WORDS:]
    return said


async def _lines(database: Database, child: _Child, patience: float) -> AsyncGenerator[bytes, None]:
    while True:
        try:
            block = await asyncio.wait_for(child.answer.read(BLOCK), patience)
        except TimeoutError:
            raise _late(database, patience) from None
        if not block:
            break
        yield block
    if await child.process.wait() != 0:
        raise await _problem(database, child)


def _late(database: Database, patience: float) -> RemoteError:
    return RemoteError(
        f"{database.name}: the query brought no row for {patience:g} seconds",
        "give it longer: --sql-timeout SECONDS",
    )


async def _problem(database: Database, child: _Child) -> WorkbenchError:
    await child.process.wait()
    found: dict[str, Any] = {}
    for line in (await child.words).splitlines():  # a package's warnings may come before it
        try:
            read = json.loads(line)
        except ValueError:
            continue
        found = read if isinstance(read, dict) and "error" in read else found
    # Masked before it is cut: a part of a password would not be known as one.
    words = masked_text(str(found.get("error") or "the query's process ended"), database.hidden)
    text = clean_name(words, 500)
    kind = found.get("kind")
    if kind == "missing":
        hint = "pip install 'mlworkbench[sql]'" if text == "sqlalchemy" else f"pip install {text}"
        hint = "pip install the database's package" if " " in text else hint
        return UsageError(f"{database.name}: this needs the package {text}", hint)
    if kind == "unreachable":
        hint = f"its address and secret: wb datastore show {database.name}"
        return Unreachable(f"{database.name}: {text}", hint)
    return UsageError(f"{database.name}: {text}", "the query is the database's own language")
