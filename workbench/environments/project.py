"""Projects: what pyproject.toml and uv.lock say that an environment is made of. Pure.

The project itself is never installed: its code travels with each run. So no build of it ever starts here.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, NamedTuple

from workbench.environments import requirement_lines as lines
from workbench.environments import requirements
from workbench.environments.requirement_lines import Bad
from workbench.environments.requirements import Requirements
from workbench.errors import ConfigurationError
from workbench.text.sanitize import clean_name

EXTRA = "extra:"
"""Before the name of an extra among the groups that are installed."""
_GROUP = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)
_ELSEWHERE = ("path", "git", "url", "workspace")


class Project(NamedTuple):
    """What a pyproject.toml says."""

    name: str | None
    requires_python: str | None
    groups: list[str]
    """Groups and extras that it has, extras as extra:NAME."""
    index_url: str | None
    """The index in place of the public one."""
    indexes: list[str]
    found: dict[str, Any]


def read(text: str) -> Project:
    """What a pyproject.toml says; raises ConfigurationError."""
    found = _loaded(text, "pyproject.toml")
    project = found.get("project")
    if not isinstance(project, dict):
        raise ConfigurationError("pyproject.toml has no [project]", "its dependencies stand there")
    extras = _table(project.get("optional-dependencies"))
    groups = _table(found.get("dependency-groups"))
    wanted = project.get("requires-python")
    return Project(
        str(project["name"]) if isinstance(project.get("name"), str) else None,
        wanted if isinstance(wanted, str) else None,
        sorted([*groups, *(EXTRA + name for name in extras)]),
        next(iter(_indexes(found, default=True)), None),
        _indexes(found, default=False),
        found,
    )


def check_groups(project: Project, groups: list[str]) -> None:
    """Raise ConfigurationError for a group or extra that the project has not."""
    known = {normal(name) for name in project.groups}
    for name in groups:
        plain = name.removeprefix(EXTRA)
        if not _GROUP.fullmatch(plain) or normal(name) not in known:
            have = ", ".join(project.groups) or "none"
            raise ConfigurationError(f"the project has no group {clean_name(name, 80)!r}", f"it has: {have}")


def normal(name: str) -> str:
    """A group's name as it is compared."""
    extra = EXTRA if name.startswith(EXTRA) else ""
    return extra + lines.normal_name(name.removeprefix(EXTRA))


def check_lock(text: str) -> None:
    """Raise ConfigurationError where a uv.lock holds what no other machine has, by its package."""
    problems: list[str] = []
    for package in _loaded(text, "uv.lock").get("package") or []:
        source = package.get("source") if isinstance(package, dict) else None
        if not isinstance(source, dict):
            continue
        name = clean_name(str(package.get("name")), 80)
        if source.keys() & {"git", "path", "directory"}:
            kind = next(key for key in ("git", "path", "directory") if key in source)
            problems.append(f"uv.lock: {name} comes from a {kind}, which no other machine has")
        if any(source.get(kind, ".") != "." for kind in ("editable", "virtual")):
            problems.append(f"uv.lock: {name} is another folder of this machine")
        problems += _address_problems(name, package, source)
    if problems:
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise ConfigurationError(
            problems[0] + more, "name a released version of it, then: uv lock", problems=problems[:50]
        )


def unlocked(project: Project, groups: list[str]) -> Requirements:
    """What a project without uv.lock asks for, by its static metadata; raises ConfigurationError."""
    table = project.found["project"]
    if "dependencies" in (table.get("dynamic") or []):
        raise ConfigurationError("the project's dependencies are dynamic", "lock them in its folder: uv lock")
    sources = _table(_table(_table(project.found.get("tool")).get("uv")).get("sources"))
    for name, source in sources.items():
        each = source if isinstance(source, list) else [source]
        if any(isinstance(item, dict) and item.keys() & set(_ELSEWHERE) for item in each):
            raise ConfigurationError(
                f"{clean_name(str(name), 80)} comes from a folder or repository that no other machine has",
                "name a released version of it",
            )
    asked = list(_texts(table.get("dependencies")))
    extras, own = _table(table.get("optional-dependencies")), _table(project.found.get("dependency-groups"))
    for name in groups:
        if name.startswith(EXTRA):
            asked += _texts(_named(extras, name.removeprefix(EXTRA)))
        else:
            asked += _of_group(own, name, ())
    return requirements.read("\n".join(asked), "pyproject.toml")


def _of_group(groups: dict[str, Any], name: str, above: tuple[str, ...]) -> list[str]:
    """A group's requirements with those of the groups it includes (PEP 735)."""
    if normal(name) in above:
        raise ConfigurationError(f"the group {clean_name(name, 80)} includes itself", "")
    found: list[str] = []
    for item in _named(groups, name) or []:
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict) and isinstance(item.get("include-group"), str):
            found += _of_group(groups, item["include-group"], (*above, normal(name)))
        else:
            raise ConfigurationError(
                f"the group {clean_name(name, 80)} cannot be read", "a list of requirements"
            )
    return found


def _named(table: dict[str, Any], name: str) -> Any:
    return next((value for key, value in table.items() if normal(key) == normal(name)), None)


def _texts(found: Any) -> list[str]:
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def _table(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _indexes(found: dict[str, Any], default: bool) -> list[str]:
    entries = _table(_table(found.get("tool")).get("uv")).get("index")
    kept = []
    for entry in entries if isinstance(entries, list) else []:
        url = entry.get("url") if isinstance(entry, dict) else None
        if isinstance(url, str) and (entry.get("default") is True) is default:
            try:
                kept.append(lines.index(url))
            except Bad as problem:
                raise ConfigurationError(f"pyproject.toml: {problem.words}", problem.hint) from problem
    return kept


def _address_problems(name: str, package: dict[str, Any], source: dict[str, Any]) -> list[str]:
    files = [package.get("sdist"), *(package.get("wheels") or [])]
    addresses = [source.get("registry"), source.get("url")]
    addresses += [item.get("url") for item in files if isinstance(item, dict)]
    for address in addresses:
        if isinstance(address, str) and "://" in address:
            try:
                lines.index(address)
            except Bad as problem:
                return [f"uv.lock: {name}: {problem.words}"]
        elif isinstance(address, str):
            return [f"uv.lock: {name} comes from a folder of this machine"]
    return []


def _loaded(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as problem:
        raise ConfigurationError(f"{name}: {clean_name(str(problem), 200)}", "") from problem
