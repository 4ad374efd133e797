"""Environments from the caller's side: files become versions, and versions files again (AZ-137, AZ-139)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from workbench.entities.base import from_wire, to_wire
from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind, EnvironmentVersion
from workbench.environments.canonical import definition_hash
from workbench.environments.definition import settled
from workbench.environments.layered_image import layered
from workbench.environments.reference import Form, read
from workbench.errors import Conflict, NotFound, UsageError
from workbench.home import user_at_host
from workbench.text.sanitize import clean_name
from workbench.workspace.client import Client
from workbench.workspace.environment_files import OURS, Found, SendFolder, from_mapping, from_path, read_text

_FILES = {
    "requirements": "requirements.txt",
    "constraints": "constraints.txt",
    "pyproject": "pyproject.toml",
    "uv_lock": "uv.lock",
    "conda": "conda.yml",
    "dockerfile": "Dockerfile",
}
LOCK = "requirements.lock"
Notice = Callable[[str], None]


def find(text: str, send: SendFolder, otherwise: str | None = None) -> Found | None:
    """What a text that names a file, or holds a definition, says; None for another form.

    Raises UsageError, NotFound, ConfigurationError.
    """
    reference = read(text)
    if reference.form is Form.FILE:
        return from_path(Path(reference.text), send, otherwise)
    if reference.form is Form.INLINE and reference.definition is not None:
        return from_mapping(reference.definition, Path("/"), send, otherwise)
    return None


def register(
    client: Client,
    found: Found,
    *,
    name: str | None = None,
    description: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    upgrade: bool = False,
) -> EnvironmentVersion:
    """The version that files define, resolved now where it is new; raises as `environments.register`."""
    lock: dict[str, Any] = {}
    if found.lock is not None and not upgrade and found.lock_of == definition_hash(settled(found.definition)):
        lock = {"lock": read_text(found.lock), "requires_python": found.requires_python}
    made = client.call(
        "environments",
        "register",
        name=name or found.name,
        definition=to_wire(found.definition),
        description=description or found.description,
        tags={**found.tags, **(tags or {})} or None,
        created_by=user_at_host(),
        upgrade=upgrade,
        **lock,
    )
    return from_wire(EnvironmentVersion, made)


def settle(client: Client, text: str, send: SendFolder, otherwise: str | None, notice: Notice | None) -> str:
    """NAME:VERSION, or the path of an interpreter on the target, of whatever names an environment (AZ-137).

    A definition is registered. otherwise: a name for one that has none. Raises UsageError, NotFound,
    ConfigurationError, IndexUnreachable.
    """
    found = find(text, send, otherwise)
    if found is None:
        reference = read(text)
        if reference.form is Form.PYTHON:
            return reference.text
        try:
            return str(client.call("environments", "settle", environment=text)["environment"])
        except NotFound as problem:
            if reference.form is Form.VERSION and Path(text).is_dir():
                raise NotFound(problem.message, f"the folder of that name is written ./{text}") from problem
            raise
    made = register(client, found)
    if notice is not None:
        for line in notes(client, made):
            notice(line)
    return f"{made.name}:{made.version}"


def notes(client: Client, version: EnvironmentVersion) -> list[str]:
    """What somebody should know of a version: what of a conda file only conda can install, and whether its
    runs are in the image beside it."""
    if version.definition.kind is not EnvironmentKind.CONDA:
        return []
    found = []
    if version.definition.image is not None:
        image = clean_name(version.definition.image, 200)
        if layered(version.definition):
            found.append(f"its runs are in a container: {image} with the conda file's packages on top")
        else:
            found.append(
                f"its packages are installed on the machine itself, not in {image}, which has none; "
                "a Dockerfile FROM it (build:) makes a container"
            )
    left = client.call("environments", "untranslated", environment=f"{version.name}:{version.version}")
    if left:
        named = ", ".join(clean_name(str(item), 60) for item in left)
        where = "in an image" if layered(version.definition) else "on a machine"
        found.append(f"only conda can install {named}: missing {where} without conda or micromamba")
    return found


def save(client: Client, environment: str, folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Write a version as files that can be edited and read back (AZ-139); what was written.

    Raises Conflict when one is there already, NotFound.
    """
    version = from_wire(EnvironmentVersion, client.call("environments", "get", environment=environment))
    definition = version.definition
    said: dict[str, Any] = {"name": version.name, "description": version.description, "tags": version.tags}
    texts: dict[str, str] = {}
    for field, file in _FILES.items():
        text: str | None = getattr(definition, field)
        # Of a conda file and a project the requirements are what was read out of them.
        derived = (
            field in ("requirements", "constraints") and definition.kind is not EnvironmentKind.REQUIREMENTS
        )
        if text is not None and not derived:
            texts[file] = text
    said |= _facts(definition)
    if version.lock is not None:
        texts[LOCK] = version.lock
        said |= {"lock": LOCK, "lock_of": version.hash, "requires_python": version.requires_python}
    kept = {key: value for key, value in said.items() if value not in (None, [], {}, False)}
    texts[OURS] = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)
    there = [folder / name for name in texts if (folder / name).exists()]
    if there and not overwrite:
        raise Conflict(f"{clean_name(str(there[0]), 300)} is there already", "another folder, or --overwrite")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        partial = folder / f".{name}.{os.getpid()}.partial"
        partial.write_text(text, "utf-8")
        partial.replace(folder / name)
    return [folder / name for name in texts]


def _facts(definition: EnvironmentDefinition) -> dict[str, Any]:
    """What environment.yml says of a definition beside its files."""
    said: dict[str, Any] = {
        "index": definition.index,
        "indexes": definition.indexes,
        "prerelease": definition.prerelease,
        "variables": definition.variables,
        "python": definition.python,
    }
    match definition.kind:
        case EnvironmentKind.REQUIREMENTS:
            said["requirements"] = _FILES["requirements"]
            said["constraints"] = _FILES["constraints"] if definition.constraints else None
        case EnvironmentKind.PROJECT:
            said |= {"project": ".", "groups": definition.groups}
        case EnvironmentKind.CONDA:
            said |= {"conda_file": _FILES["conda"], "image": definition.image}
        case EnvironmentKind.PYTHON:
            said["python"] = definition.interpreter
        case EnvironmentKind.IMAGE:
            built = definition.dockerfile is not None
            said |= {"build": "."} if built else {"image": definition.image}
    return said


def load(client: Client, folder: Path, send: SendFolder, *, name: str | None = None) -> EnvironmentVersion:
    """The version that saved files define: the same one where nothing was changed (AZ-139).

    Raises UsageError, NotFound and what `register` raises.
    """
    place = folder if folder.is_file() else folder / OURS
    if not place.is_file():
        raise UsageError(
            f"{clean_name(str(folder), 300)} has no {OURS}", "wb env save NAME FOLDER writes one"
        )
    return register(client, from_path(place, send), name=name)
