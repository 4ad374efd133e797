"""What a caller's words say of where data is: paths of this side become this machine's."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from glob import iglob
from typing import Any

from workbench.errors import UsageError
from workbench.text.data_path import DataPath, read_data_path
from workbench.text.sanitize import clean_name

FORMATS = {
    "csv": ("delimited", ","),
    "tsv": ("delimited", "\t"),
    "parquet": ("parquet", None),
    "jsonl": ("json_lines", None),
}
"""What tables are kept as, in a word: the format of a table's definition, and what is between values."""
DATABASES = (
    "postgresql", "mysql", "mariadb", "mssql", "oracle", "sqlite", "duckdb", "snowflake", "bigquery",
    "redshift", "clickhouse", "databricks", "trino", "db2", "firebird", "cockroachdb",
)  # fmt: skip
"""Schemes of addresses that SQLAlchemy, or a package beside it, opens as databases."""
HERE = "local"
"""The compute target that this side is."""


def source_of(
    words: Sequence[str], *, datastore: str | None = None, target: str | None = None
) -> dict[str, Any]:
    """The DataSource that words name, as JSON. Raises UsageError for words of several places.

    datastore, target: where the paths are, when the words themselves do not say it.
    """
    if datastore is not None or target is not None:
        return {"datastore": datastore, "target": target, "paths": list(words)}
    found = [read_data_path(word) for word in words]
    if any(item.data or item.model for item in found):
        raise UsageError("a version is no place of data", "name files, folders or URLs")
    places = {(item.datastore, item.target or (HERE if _here(item) else None), item.url) for item in found}
    if len(places) > 1:
        raise UsageError(
            "the paths are of several places", "URLs alone, or paths of one datastore or machine alone"
        )
    chosen_store, chosen_target, _ = places.pop() if places else (None, None, True)
    paths = [absolute(item.path) if _here(item) else item.path for item in found]
    return {"datastore": chosen_store, "target": chosen_target, "paths": paths}


def absent(source: Mapping[str, Any]) -> list[str]:
    """The paths and patterns of a source of this side that nothing is at now."""
    if source["target"] != HERE:
        return []
    return [
        path for path in source["paths"] if not os.path.lexists(path) and not any(iglob(path, recursive=True))
    ]


def place_named(word: str) -> dict[str, Any]:
    """The kind, root and target of the datastore that a word means; raises UsageError."""
    found = read_data_path(word)
    if found.url:
        scheme = word.partition(":")[0].lower()
        if scheme.partition("+")[0] in DATABASES:
            return {"kind": "sql", "root": word}
        return {"kind": "s3" if scheme == "s3" else "fsspec", "root": word}
    if found.target is not None:
        return {"kind": "machine", "target": found.target, "root": found.path}
    if found.datastore is not None or found.data or found.model:
        raise UsageError(
            f"{clean_name(word, 80)} is no place of its own", "a folder, MACHINE:FOLDER, s3://BUCKET"
        )
    return {"kind": "folder", "root": absolute(found.path)}


def absolute(path: str) -> str:
    """A path or pattern of this side, as it is from everywhere."""
    return os.path.abspath(os.path.expanduser(path))


def _here(item: DataPath) -> bool:
    return not item.url and item.datastore is None and item.target is None


def _fits(pattern: str) -> bool:
    return any(True for _ in iglob(pattern, recursive=True))
