"""The file that ties a folder to a workspace: where it is looked for, what is read of it, what is written.

The names and their order are those of the cloud's SDK (AZ-2): in the folder, then in each one above it,
.azureml/config.json, aml_config/config.json, config.json; beside each its older name, project.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from workbench.errors import ConfigurationError, NotFound, StoreError

FOLDER = ".azureml"
NAME = "config.json"
OLDER = "project.json"
PLACES = (
    f"{FOLDER}/{NAME}",
    f"{FOLDER}/{OLDER}",
    f"aml_config/{NAME}",
    f"aml_config/{OLDER}",
    NAME,
    OLDER,
)
KEYS = ("workspace_name", "Name")
"""What names the workspace, the newer first."""
SCOPE, SCOPE_NAME = "Scope", re.compile("(?i)/workspaces/([^/]+)")
"""Of the oldest form: the workspace's whole path in the cloud, .../workspaces/NAME."""
LARGEST = 1 << 16
"""Bytes; a config.json of another tool that is larger is none of ours."""


class ConfigFile(NamedTuple):
    """A file that names a workspace."""

    path: Path
    workspace: str


def find(start: Path) -> ConfigFile | None:
    """The first such file in start, or in the nearest folder above it; None where there is none.

    A bare file that names no workspace is another tool's and passed over; one in a folder of its own that
    cannot be read raises ConfigurationError.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        for place in PLACES:
            path = folder / place
            if path.is_file():
                found = read(path, ours="/" in place)
                if found is not None:
                    return found
    return None


def read(path: Path, *, ours: bool = True) -> ConfigFile | None:
    """What a file says; ours: raise ConfigurationError for one that names no workspace, else None."""
    problem = "it names no workspace"
    try:
        data = path.read_bytes()[: LARGEST + 1]
        said = json.loads(data) if len(data) <= LARGEST else None
        # A bare project.json is many tools' and one with a "Name" is anybody's.
        keys = KEYS if ours or path.name != OLDER else KEYS[:1]
        if isinstance(said, dict) and (name := _named(said, keys)):
            return ConfigFile(path, name)
    except OSError as error:
        problem = error.strerror or "it cannot be read"
    except (ValueError, RecursionError):
        problem = "it is no JSON"
    if not ours:
        return None
    raise ConfigurationError(f"{path}: {problem}", f'such a file holds {{"{KEYS[0]}": "NAME"}}')


def _named(said: dict[str, object], keys: Sequence[str]) -> str | None:
    """The workspace that a file names; None where it names none."""
    for key in keys:
        name = said.get(key)
        if isinstance(name, str):
            return name
    found = SCOPE_NAME.search(str(said.get(SCOPE) or ""))
    return None if found is None else found[1]


def config_of(path: Path | None, here: Path) -> ConfigFile:
    """The file that path names (a file, or a folder to search from), else what is found from `here` on.

    Raises NotFound that names the folder searched (AZ-3), ConfigurationError.
    """
    if path is not None and path.is_file():
        found = read(path)
        assert found is not None
        return found
    start = here if path is None else path
    found = find(start)
    if found is None:
        raise NotFound(
            f"no workspace is named by a {FOLDER}/{NAME} in {start.absolute()} or a folder above it",
            "write one: Workspace.open(NAME).write_config()",
        )
    return found


def write(folder: Path, workspace: str, name: str = NAME) -> Path:
    """Write the file below a folder (AZ-4); other keys of one that is there stay. Raises StoreError."""
    path = folder / FOLDER / name
    kept: dict[str, object] = {}
    try:
        if path.is_file():
            said = json.loads(path.read_bytes()[:LARGEST])
            kept = said if isinstance(said, dict) else {}
    except (OSError, ValueError, RecursionError):
        kept = {}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        partial.write_text(json.dumps({**kept, KEYS[0]: workspace}, indent=2) + "\n", "utf-8")
        partial.replace(path)
    except OSError as problem:
        raise StoreError(f"cannot write {path}: {problem.strerror}", "name another folder") from problem
    return path
