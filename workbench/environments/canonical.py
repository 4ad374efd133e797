"""When two definitions are the same: the canonical form of one, and its hash (AZ-132, AZ-135). Pure."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable
from typing import Any

from workbench.entities.base import replace, to_wire
from workbench.entities.environment import EnvironmentDefinition

_TEXTS = ("requirements", "constraints", "conda", "dockerfile")
_WITH_COMMENTS = ("requirements", "constraints")
_OF_PROJECT = ("name", "dependencies", "optional-dependencies", "requires-python", "dynamic")
"""What of [project] an environment depends on: its version and its description change nothing."""


def canonical(definition: EnvironmentDefinition) -> EnvironmentDefinition:
    """The definition without what changes nothing: ends of lines, comments and order of requirements, and
    what a project's files say of other things than its packages."""
    changes: dict[str, str | None] = {}
    if definition.pyproject is not None:
        changes["pyproject"] = _toml(definition.pyproject, _project)
    if definition.uv_lock is not None:
        changes["uv_lock"] = _toml(definition.uv_lock, _locked)
    for name in _TEXTS:
        text: str | None = getattr(definition, name)
        if text is not None:
            changes[name] = _lines(text, comments=name in _WITH_COMMENTS)
    return replace(definition, groups=sorted(set(definition.groups)), **changes)


def definition_hash(definition: EnvironmentDefinition) -> str:
    """sha256 of the canonical definition; equal ones are one version."""
    whole = to_wire(canonical(definition))
    said = {key: value for key, value in whole.items() if value not in ([], {}, "", False)}
    plain = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def _lines(text: str, *, comments: bool) -> str:
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    if not comments:
        return "\n".join(lines).strip("\n") + "\n"
    joined = "\n".join(lines).replace("\\\n", " ")
    kept = (" ".join(line.split(" #", 1)[0].split()) for line in joined.split("\n"))
    return "\n".join(sorted({line for line in kept if line and not line.startswith("#")})) + "\n"


def _toml(text: str, needed: Callable[[dict[str, Any]], Any]) -> str:
    try:
        found = needed(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    return json.dumps(found, sort_keys=True, separators=(",", ":"), default=str)


def _project(found: dict[str, Any]) -> Any:
    project, tool = found.get("project"), found.get("tool")
    return {
        "project": {key: project[key] for key in _OF_PROJECT if key in project}
        if isinstance(project, dict)
        else {},
        "groups": found.get("dependency-groups"),
        "uv": tool.get("uv") if isinstance(tool, dict) else None,
    }


def _locked(found: dict[str, Any]) -> Any:
    """A uv.lock without the version of the project itself, which changes with each release of it."""
    packages = found.get("package")
    if not isinstance(packages, list):
        return found
    own = ({"editable": "."}, {"virtual": "."})
    return {
        **found,
        "package": [
            {key: value for key, value in package.items() if key != "version"}
            if isinstance(package, dict) and package.get("source") in own
            else package
            for package in packages
        ],
    }
