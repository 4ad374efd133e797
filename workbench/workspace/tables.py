"""Tables of datasets as a caller reads them: files of this side directly, others through the services."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import IO, Any, TypeVar

from workbench.errors import UsageError
from workbench.remote.data.selection import select
from workbench.remote.forms.tree_paths import encode
from workbench.remote.tabular.definition import SQL, SQLITE
from workbench.remote.tabular.reading import BadTable
from workbench.remote.tabular.table import File, Table
from workbench.remote.wire.problems import RequestError
from workbench.workspace.client import Client
from workbench.workspace.data_sources import HERE

T = TypeVar("T")
IN_MEMORY = 16 << 20
"""Bytes of a file that comes through the services; larger ones are kept in a temporary file meanwhile."""


def open_table(
    client: Client | None, reference: str | None, source: Mapping[str, Any], definition: Mapping[str, Any]
) -> Table:
    """The table of a registered version, or of a source of this side. Raises UsageError, NotFound.

    reference: NAME:VERSION; None: it is not registered, and is to lie on this machine.
    """
    if source.get("target") == HERE:
        return Table(dict(definition), _files_here(source["paths"]))
    if reference is None or client is None:
        raise UsageError("the data lies elsewhere, and is not registered", ".register(workspace, NAME) first")
    live = definition.get("format") == SQL and not definition.get("query")
    if live or (definition.get("format") == SQLITE and source.get("target")):
        found = File("result.jsonl", partial(_asked, client, reference))
        return Table({**definition, "format": SQL}, [found])
    alone = str((source.get("paths") or [""])[0]).rpartition("/")[2]
    files = [
        File(str(path) or alone, partial(_fetched, client, reference, str(path)))
        for part in client.items("datasets", "files", dataset=reference)
        for path, _ in part.get("entries", [])
    ]
    return Table(dict(definition), files)


def told(work: Callable[[], T]) -> T:
    """Do what reads a table; what is wrong with it is a UsageError."""
    try:
        return work()
    except (BadTable, ValueError) as problem:
        raise UsageError(
            f"it cannot be read as a table: {problem}", "docs/data.md says how tables are read"
        ) from problem
    except ImportError as problem:
        raise UsageError(str(problem), "install it beside the workbench: pip install ...") from problem


def _files_here(paths: list[str]) -> list[File]:
    try:
        chosen = select([os.path.expanduser(path) for path in paths])
    except RequestError as problem:
        raise UsageError(str(problem.message), problem.hint) from problem
    alone = os.path.basename(os.fsdecode(chosen.base))
    return [
        File(
            name or alone,
            partial(open, os.path.join(chosen.base, encode(name)) if name else chosen.base, "rb"),
        )
        for name, _, _ in chosen.files
    ]


def _asked(client: Client, dataset: str) -> IO[bytes]:
    """What a query brings, asked where its data lies."""
    return _kept(client.read("datasets", "result", dataset=dataset))


def _fetched(client: Client, dataset: str, path: str) -> IO[bytes]:
    return _kept(client.read("datasets", "read", dataset=dataset, path=path))


def _kept(blocks: Iterable[bytes]) -> IO[bytes]:
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - who opened it closes it
    try:
        for block in blocks:
            file.write(block)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file
