"""From a definition to its lock: each package's version, hashes and marker, for every machine at once.

One lock serves machines of any platform and any Python from a version on (`requires_python`), which is as old
as the packages allow: what an environment is does not depend on who resolved it, and a machine with another
Python takes other lines of the same lock.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind
from workbench.environments import project, requirements
from workbench.environments.requirements import Requirements
from workbench.environments.uv import Answer, call_uv
from workbench.errors import ConfigurationError, IndexUnreachable, WorkbenchError
from workbench.text.sanitize import clean_name

OLDEST = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
"""Pythons a lock is tried to begin with, where its definition names none; the first that works counts."""
_UNREACHABLE = re.compile(
    r"dns error|error sending request|server error|Connection refused|timed out|Network connectivity|"
    r"failed to lookup address|Could not connect",
    re.IGNORECASE,
)
_HOST = re.compile(r"https?://([^/\s`@]+)")


class Lock(NamedTuple):
    """What a definition was resolved to."""

    text: str | None
    """A requirements file with hashes and markers; None where there is nothing to resolve."""
    requires_python: str | None


async def resolve(definition: EnvironmentDefinition, environ: Mapping[str, str]) -> Lock:
    """The lock of a definition that is settled.

    Raises ConfigurationError where no versions fit together, IndexUnreachable, WorkbenchError (no uv).
    """
    kind = definition.kind
    if kind in (EnvironmentKind.PYTHON, EnvironmentKind.IMAGE):
        return Lock(None, None)
    with tempfile.TemporaryDirectory(prefix="workbench-lock-") as folder:
        place = Path(folder)
        if kind is EnvironmentKind.PROJECT and definition.uv_lock is not None:
            return await _exported(definition, definition.uv_lock, place, environ)
        return await _compiled(definition, _asked(definition), place, environ)


def _asked(definition: EnvironmentDefinition) -> Requirements:
    if definition.kind is EnvironmentKind.PROJECT:
        return project.unlocked(project.read(definition.pyproject or ""), definition.groups)
    return requirements.read(definition.requirements or "")


async def _compiled(
    definition: EnvironmentDefinition, asked: Requirements, folder: Path, environ: Mapping[str, str]
) -> Lock:
    floor = f">={definition.python}" if definition.python else None
    if not asked.lines or asked.locked:
        return Lock(asked.text, floor)
    await asyncio.to_thread((folder / "requirements.in").write_text, asked.text, "utf-8")
    words = ["pip", "compile", "requirements.in", "--universal", "--generate-hashes", "--no-header",
             "--no-annotate", "--python", sys.executable, *_index_words(definition)]  # fmt: skip
    if definition.constraints:
        await asyncio.to_thread((folder / "constraints.txt").write_text, definition.constraints, "utf-8")
        words += ["--constraints", "constraints.txt"]
    if definition.prerelease:
        words += ["--prerelease", "allow"]
    answer = Answer(1, "", "")
    for version in _versions(definition):
        answer = await call_uv([*words, "--python-version", version], folder, environ)
        if answer.code == 0:
            return Lock(_checked(answer.output), f">={version}")
        if not re.search(r"Python\s*(?:version)?", answer.words) or _UNREACHABLE.search(answer.words):
            break
    raise _problem(answer, "its packages")


def _versions(definition: EnvironmentDefinition) -> list[str]:
    """The Pythons a lock may begin with."""
    if definition.python is not None:
        return [definition.python]
    wanted = None
    if definition.pyproject is not None:
        said = project.read(definition.pyproject).requires_python or ""
        found = re.search(r">=?\s*([0-9]+\.[0-9]+)", said)
        wanted = found[1] if found else None
    if wanted is None:
        return list(OLDEST)
    return [wanted, *OLDEST[OLDEST.index(wanted) + 1 :]] if wanted in OLDEST else [wanted]


async def _exported(
    definition: EnvironmentDefinition, lock: str, folder: Path, environ: Mapping[str, str]
) -> Lock:
    """What a uv.lock says of the groups that are asked for; nothing is resolved, and no index is asked."""
    pyproject = definition.pyproject or ""
    await asyncio.to_thread((folder / "pyproject.toml").write_text, pyproject, "utf-8")
    await asyncio.to_thread((folder / "uv.lock").write_text, lock, "utf-8")
    words = ["export", "--frozen", "--format", "requirements-txt", "--no-header", "--no-annotate",
             "--no-emit-project", "--no-default-groups", "--offline", "--python", sys.executable]  # fmt: skip
    for name in definition.groups:
        extra = name.startswith(project.EXTRA)
        words += ["--extra" if extra else "--group", name.removeprefix(project.EXTRA)]
    answer = await call_uv(words, folder, environ)
    if answer.code != 0:
        raise _problem(answer, "the project's uv.lock")
    said = project.read(pyproject).requires_python
    return Lock(_checked(answer.output), f">={definition.python}" if definition.python else said)


def _index_words(definition: EnvironmentDefinition) -> list[str]:
    words = [word for address in definition.indexes for word in ("--index", address)]
    return [*words, "--default-index", definition.index] if definition.index else words


def _checked(text: str) -> str:
    """The lock, which is a requirements file like any other; raises ConfigurationError for what is none."""
    return requirements.read(text, "the lock").text


def _problem(answer: Answer, what: str) -> WorkbenchError:
    if re.search(r"\b(?:401|403) (?:Unauthorized|Forbidden)|missing credentials", answer.words):
        return ConfigurationError(
            f"a package index wants a user and a password, so {what} cannot be resolved",
            "name it, --index corp=URL, and wb secret set UV_INDEX_CORP_PASSWORD; or write a netrc file",
            words=answer.words,
        )
    if _UNREACHABLE.search(answer.words):
        host = _HOST.search(answer.words)
        name = clean_name(host[1], 100) if host else "the package index"
        return IndexUnreachable(
            f"{name} cannot be reached, so {what} cannot be resolved",
            "check the network or HTTPS_PROXY; a file with every version and hash pinned needs no index",
            words=answer.words,
        )
    lines = [line.strip(" ×╰─▶│├·") for line in answer.words.splitlines() if line.strip(" ×╰─▶│├·")]
    lines = [line for line in lines if not line.startswith("warning:")] or ["uv said nothing"]
    reason = re.sub(r"^(?:error: )?No solution found when resolving .*?(?:cause)?: ", "", " ".join(lines))
    return ConfigurationError(
        f"{what} cannot be resolved: {clean_name(reason, 600)}",
        "change a version, or the Python",
        words=answer.words,
    )
