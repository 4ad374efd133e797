"""What a version's files are together: looked at by their contents, as a row and its details have it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from workbench.entities.snapshot import Entry, EntryKind
from workbench.errors import UsageError
from workbench.registry import formats, mlflow_model
from workbench.remote.forms.tree_paths import path_problem
from workbench.text.sanitize import clean

MOST_FILES = 10_000
LONGEST_REQUIREMENTS = 100_000
Blob = Callable[[str], Path]


class Contents(NamedTuple):
    """What was found."""

    format: str | None
    runs_code: list[str]
    formats: dict[str, str]
    mlflow: mlflow_model.MlflowModel | None
    example: Any
    requirements: str | None


def check_entries(entries: Sequence[Entry]) -> None:
    """Raise UsageError unless a model can have these files: ordinary ones with plain paths, none twice."""
    if not entries:
        raise UsageError("a model has at least one file", "name a file or folder that is not empty")
    if len(entries) > MOST_FILES:
        raise UsageError(f"a model has at most {MOST_FILES} files, not {len(entries)}")
    seen: dict[str, str] = {}
    for entry in entries:
        why = path_problem(entry.path, backslash=False)
        if why is None and clean(entry.path, len(entry.path) + 1) != entry.path:
            why = "contains control characters"
        if why is None and "\n" in entry.path:
            why = "contains a line break"
        if why is not None:
            raise UsageError(f"a model cannot have the file {entry.path[:100]!r}: the path {why}")
        if entry.kind is not EntryKind.FILE:
            raise UsageError(f"{entry.path} is no ordinary file", "a model has files only, no links")
        folded = entry.path.casefold()
        if folded in seen:
            raise UsageError(
                f"{seen[folded]} and {entry.path} are one file where capital letters do not count",
                "rename one of them: the model could not be saved on every machine",
            )
        seen[folded] = entry.path
    for entry in entries:
        parts = entry.path.casefold().split("/")
        if any("/".join(parts[:end]) in seen for end in range(1, len(parts))):
            raise UsageError(f"{entry.path} is below what is a file itself")


def look(entries: Sequence[Entry], blob: Blob) -> Contents:
    """What these files are; their contents are here. Raises UsageError (a damaged MLmodel file), OSError."""
    by_path = {entry.path: entry for entry in entries}
    found: dict[str, str] = {}
    risky: list[str] = []
    for entry in entries:
        with open(blob(entry.sha256), "rb") as source:
            known = formats.recognise(entry.path, source, os.fstat(source.fileno()).st_size)
        if known.format is not None:
            found[entry.path] = known.format
        if known.runs_code:
            risky.append(entry.path)
    described = None
    if mlflow_model.FILE in by_path:
        described = mlflow_model.read(_read(by_path[mlflow_model.FILE], blob, mlflow_model.LARGEST + 1))
    example = None
    if described is not None and described.example in by_path:
        entry = by_path[described.example]
        if entry.size <= mlflow_model.LARGEST:
            example = mlflow_model.example_of(_read(entry, blob, mlflow_model.LARGEST))
    requirements = by_path.get("requirements.txt")
    text = None
    if requirements is not None:
        raw = _read(requirements, blob, LONGEST_REQUIREMENTS).decode("utf-8", "replace")
        text = clean(raw, LONGEST_REQUIREMENTS)
    main = "mlflow" if described is not None else formats.main_format(list(found.values()))
    if described is None:
        # Python beside weights is code somebody may run; it is not loaded with them.
        risky = [path for path in risky if found.get(path) != "python"]
    return Contents(main, sorted(risky), found, described, example, text)


def _read(entry: Entry, blob: Blob, most: int) -> bytes:
    with open(blob(entry.sha256), "rb") as source:
        return source.read(most)
