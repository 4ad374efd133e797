"""A definition as it is kept: checked, with what its files say taken out of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from workbench.entities.base import replace
from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind
from workbench.environments import conda, project, requirements
from workbench.environments import requirement_lines as lines
from workbench.environments.reference import checked_image
from workbench.environments.requirement_lines import Bad
from workbench.errors import ConfigurationError
from workbench.text.sanitize import clean_name

MOST_BYTES = 8_000_000
"""Of all texts of a definition together."""
PYTHON = re.compile(r"[23](\.[0-9]{1,2}){0,2}", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_SNAPSHOT = re.compile(r"[0-9a-f]{64}")


def settled(definition: EnvironmentDefinition) -> EnvironmentDefinition:
    """The definition as it is kept; raises ConfigurationError, whose data["problems"] lists all of a file."""
    _check_size(definition)
    _check_facts(definition)
    match definition.kind:
        case EnvironmentKind.REQUIREMENTS:
            return _of_requirements(definition)
        case EnvironmentKind.CONDA:
            return _of_conda(definition)
        case EnvironmentKind.PROJECT:
            return _of_project(definition)
        case EnvironmentKind.PYTHON:
            if not (definition.interpreter or "").startswith(("/", "~")):
                raise ConfigurationError("an interpreter is named by its absolute path on the machine")
            return _only(definition, "interpreter")
        case EnvironmentKind.IMAGE:
            return _of_image(definition)


def untranslated(definition: EnvironmentDefinition) -> list[str]:
    """What of a conda file only conda can install: it is missing where a machine has no conda."""
    return [] if definition.conda is None else conda.read(definition.conda, include=_nothing).untranslated


def asked_indexes(definition: EnvironmentDefinition) -> list[str]:
    """The indexes of a definition, the first that is asked first; the public one is asked after them, unless
    the last is in place of it."""
    return [*definition.indexes, *([definition.index] if definition.index else [])]


def _of_requirements(definition: EnvironmentDefinition) -> EnvironmentDefinition:
    if definition.requirements is None:
        raise ConfigurationError("there are no requirements", "an empty text is the interpreter alone")
    asked = requirements.read(definition.requirements)
    limits = requirements.read(definition.constraints or "", "constraints.txt")
    definition = replace(
        definition,
        requirements=asked.text,
        constraints="".join(f"{line}\n" for line in dict.fromkeys([*asked.constraints, *limits.lines]))
        or None,
        index=asked.index_url or definition.index,
        indexes=_once([*definition.indexes, *asked.indexes]),
        prerelease=definition.prerelease or asked.prerelease,
    )
    return _only(definition, "requirements", "constraints", "index", "indexes", "prerelease")


def _of_conda(definition: EnvironmentDefinition) -> EnvironmentDefinition:
    if definition.conda is None:
        raise ConfigurationError("there is no conda file")
    # What it includes was put in its place by who read it; of one with an include nothing else is here.
    found = conda.read(definition.conda, include=_nothing)
    image = definition.image
    asked = found.requirements
    definition = replace(
        definition,
        requirements=asked.text,
        constraints=asked.constraints_text,
        python=definition.python or found.python,
        index=asked.index_url or definition.index,
        indexes=_once([*definition.indexes, *asked.indexes]),
        prerelease=definition.prerelease or asked.prerelease,
        variables={**found.variables, **definition.variables},
        image=None if image is None else checked_image(image),
    )
    _check_facts(definition)
    return _only(
        definition, "conda", "requirements", "constraints", "index", "indexes", "prerelease", "image"
    )


def _of_project(definition: EnvironmentDefinition) -> EnvironmentDefinition:
    if definition.pyproject is None:
        raise ConfigurationError("there is no pyproject.toml")
    found = project.read(definition.pyproject)
    project.check_groups(found, definition.groups)
    asked: list[str] = []
    if definition.uv_lock is not None:
        project.check_lock(definition.uv_lock)
    else:
        asked = project.unlocked(found, definition.groups).indexes
    definition = replace(
        definition,
        groups=sorted({project.normal(name) for name in definition.groups}),
        index=definition.index or found.index_url,
        indexes=_once([*definition.indexes, *found.indexes, *asked]),
    )
    return _only(definition, "pyproject", "uv_lock", "groups", "index", "indexes", "prerelease")


def _of_image(definition: EnvironmentDefinition) -> EnvironmentDefinition:
    if definition.image is not None:
        return _only(replace(definition, image=checked_image(definition.image)), "image")
    if definition.dockerfile is None:
        raise ConfigurationError("an image is named, or made by a Dockerfile")
    if definition.context is not None and not _SNAPSHOT.fullmatch(definition.context):
        raise ConfigurationError("the folder an image is built in is no snapshot")
    return _only(definition, "dockerfile", "context")


_KINDS = ("requirements", "constraints", "pyproject", "uv_lock", "groups", "conda", "interpreter", "image",
          "dockerfile", "context", "index", "indexes", "prerelease")  # fmt: skip


def _only(definition: EnvironmentDefinition, *names: str) -> EnvironmentDefinition:
    """The definition without what its kind does not use; what is set of that is refused."""
    empty = EnvironmentDefinition(kind=definition.kind)
    for name in _KINDS:
        if name not in names and getattr(definition, name) != getattr(empty, name):
            raise ConfigurationError(f"{name} says nothing of an environment of kind {definition.kind.value}")
    return definition


def _check_size(definition: EnvironmentDefinition) -> None:
    texts = (definition.requirements, definition.constraints, definition.pyproject, definition.uv_lock,
             definition.conda, definition.dockerfile)  # fmt: skip
    if sum(len(text) for text in texts if text) > MOST_BYTES:
        raise ConfigurationError(
            f"the files of the environment are over {MOST_BYTES // 1_000_000} MB together"
        )
    if any("\0" in text for text in texts if text):
        raise ConfigurationError("a file of the environment is no text")


def _check_facts(definition: EnvironmentDefinition) -> None:
    if definition.python is not None and not PYTHON.fullmatch(definition.python):
        raise ConfigurationError(
            f"{clean_name(definition.python, 40)!r} is no version of Python", "write it as 3.11"
        )
    for name, value in definition.variables.items():
        if not _VARIABLE.fullmatch(name) or "\0" in value:
            raise ConfigurationError(f"{clean_name(name, 80)!r} is no variable", "letters, digits and _")
    try:
        for address in asked_indexes(definition):
            lines.index(address)
    except Bad as problem:
        raise ConfigurationError(problem.words, problem.hint) from problem


def _once(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def _nothing(path: str) -> str:
    raise ValueError("it is not here any more")
