"""What a dataset may refer to (AZ-48). Pure."""

from __future__ import annotations

import re
from typing import Any

from workbench.entities.dataset import DataSource
from workbench.errors import UsageError
from workbench.remote.tabular.definition import SQL, SQLITE, check_query
from workbench.text.data_path import URL, WEB
from workbench.text.sanitize import clean_name

MOST_PATHS = 10_000
LONGEST = 4096
PATTERN = re.compile(r"[*?\[]")
"""What makes a path a pattern."""


def checked_source(source: DataSource) -> DataSource:
    """The source, its paths in one form; raises UsageError for one that names nothing, or two things."""
    if source.datastore is not None and source.target is not None:
        raise UsageError("data is in a datastore or on a machine, not both")
    paths = [path.strip() for path in source.paths]
    if not paths or (source.datastore is None and not all(paths)):
        raise UsageError("a dataset refers to one path at least", "a file, a folder, a pattern or a URL")
    if len(paths) > MOST_PATHS:
        raise UsageError(
            f"{len(paths)} paths are too many", f"at most {MOST_PATHS}; a pattern may say them all"
        )
    if any(len(path) > LONGEST or "\0" in path for path in paths):
        raise UsageError("a path is too long, or has a NUL character in it")
    urls = [path for path in paths if URL.match(path)]
    if source.urls:
        for path in paths:
            if not URL.match(path):
                mixed = " a list has URLs alone or paths alone" if urls else ""
                raise UsageError(
                    f"{clean_name(path, 80)} is no URL:{mixed or ' name its datastore or machine'}",
                    "datastore:NAME/PATH or MACHINE:PATH",
                )
            if path.partition(":")[0].lower() not in WEB:
                raise UsageError(
                    f"{clean_name(path, 80)} is no address of the web", "add its place as a datastore"
                )
            if "@" in path.split("/")[2]:
                raise UsageError(
                    "a URL with a password in it is kept nowhere", "use a datastore with a secret"
                )
        return DataSource(paths=paths)
    if urls:
        raise UsageError(
            f"{clean_name(urls[0], 80)} is a URL: a list has URLs alone or paths of one place alone",
            "register them as two datasets",
        )
    if source.datastore is not None:
        paths = [checked_key(path.strip("/")) if path.strip("/") else "" for path in paths]
        return DataSource(datastore=source.datastore, paths=paths)
    for path in paths:
        if not path.startswith(("/", "~")):
            raise UsageError(f"{clean_name(path, 80)} is no absolute path", "begin it with / or ~/")
    return DataSource(target=source.target, paths=paths)


def checked_query(
    source: DataSource, table: dict[str, Any] | None, name: str
) -> tuple[DataSource, dict[str, Any]]:
    """The source and table of a query on a datastore that is a database; raises UsageError.

    What its files are below other datastores is the query here: the path says it.
    """
    hint = f"wb data register NAME datastore:{name} --sql 'SELECT ...'"
    asked = dict(table or {})
    text = asked.pop("query", None) or "".join(source.paths)
    if asked.get("format") not in (SQLITE, SQL) or (asked.get("format") == SQLITE and any(source.paths)):
        raise UsageError(f"{name} is a database: a dataset of it is a query", hint)
    try:
        check_query(text)
    except ValueError as problem:
        raise UsageError(str(problem), hint) from None
    return DataSource(datastore=source.datastore, paths=[text.strip()]), {**asked, "format": SQL}


def checked_key(key: str) -> str:
    """A path below a datastore's root as it may be used; raises UsageError for one that leads elsewhere.

    Keys of a bucket are any texts: one that would be written outside a folder is never taken for a name.
    """
    parts = key.split("/")
    if key.startswith("/") or "\0" in key or "\\" in key or any(part in ("", ".", "..") for part in parts):
        raise UsageError(f"{clean_name(key, 120)!r} is no path in a datastore", "names with / between them")
    if len(key.encode("utf-8", "surrogateescape")) > LONGEST or any(ord(character) < 32 for character in key):
        raise UsageError(
            f"{clean_name(key, 120)!r} is no path in a datastore", "it is too long, or unprintable"
        )
    return key


def told_size(text: str) -> int | None:
    """The bytes that a place tells a file has; None for what is no such number."""
    return int(text) if text.isdecimal() and len(text) <= 18 else None


def safe_key(key: str) -> bool:
    """Whether a key that a place told may be used as a path at all."""
    try:
        checked_key(key)
    except UsageError:
        return False
    return True
