"""What a machine says of its environments, as entities; it is not trusted to be well-formed. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from workbench.entities.environment import BuildState, EnvironmentBuild
from workbench.errors import RemoteError
from workbench.text.numbers import amount, whole_amount
from workbench.text.sanitize import clean, clean_name

MOST_PACKAGES = 5000
MOST = 10_000


def read_ready(answer: Any, target: str) -> EnvironmentBuild:
    """An environment that a machine says is ready. Raises RemoteError."""
    found = read_build({**answer, "state": "ready"}, target) if isinstance(answer, dict) else None
    if found is None:
        raise RemoteError(f"{target} did not say what it built")
    return found


def read_builds(answer: Any, target: str) -> list[EnvironmentBuild]:
    """All environments of a machine, by name, version and key; entries that make no sense are left out."""
    raw = answer.get("environments") if isinstance(answer, dict) else None
    found = [read_build(one, target) for one in (raw if isinstance(raw, list) else [])[:MOST]]
    builds = [one for one in found if one is not None]
    return sorted(builds, key=lambda one: (one.name or "", one.version or 0, one.key))


def read_build(wire: Any, target: str) -> EnvironmentBuild | None:
    """One environment; None for nonsense."""
    if not isinstance(wire, dict) or not isinstance(wire.get("key"), str):
        return None
    try:
        state = BuildState(str(wire.get("state")))
    except ValueError:
        return None
    age = amount(wire.get("age"))
    problem = wire.get("problem")
    return EnvironmentBuild(
        key=clean_name(wire["key"], 120),
        target=target,
        state=state,
        name=clean_name(str(wire["name"]), 200) if wire.get("name") else None,
        version=whole_amount(wire.get("version")),
        python=clean_name(str(wire["python"]), 40) if wire.get("python") else None,
        packages=_packages(wire.get("packages")),
        bytes=whole_amount(wire.get("bytes")),
        started=_time(wire.get("started")),
        ended=_time(wire.get("ended") or wire.get("built")),
        used=datetime.now(UTC) - timedelta(seconds=min(age, 1e9)) if age is not None else None,
        in_use=wire.get("in_use") is True,
        problem=clean(problem, 1000) if isinstance(problem, str) and problem else None,
    )


def _packages(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    some = list(value.items())[:MOST_PACKAGES]
    return {clean_name(str(name), 200): clean_name(str(version), 200) for name, version in some}


def _time(value: Any) -> datetime | None:
    number = amount(value)
    try:
        return datetime.fromtimestamp(number, UTC) if number is not None else None
    except (OverflowError, ValueError, OSError):
        return None
