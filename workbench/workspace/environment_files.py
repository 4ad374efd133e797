"""Environments from files of this side: requirements, conda files, projects, Dockerfiles, environment.yml."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind
from workbench.environments import conda, project, requirements
from workbench.environments.names import name_from
from workbench.environments.reference import KEYS
from workbench.errors import ConfigurationError, NotFound
from workbench.text.sanitize import clean_name

OURS = "environment.yml"
MOST_BYTES = 8_000_000
IGNORED = frozenset({"$schema", "os_type"})
SendFolder = Callable[[Path], str]
"""Takes a folder in as a snapshot; its id."""


class Found(NamedTuple):
    """What files say of an environment."""

    definition: EnvironmentDefinition
    name: str
    """Its own name, else one made of the file's."""
    description: str | None = None
    tags: Mapping[str, str | None] = {}
    lock: Path | None = None
    """What it was resolved to, where that was saved beside it."""
    lock_of: str | None = None
    """The hash of the definition that the lock is of."""
    requires_python: str | None = None


def from_path(path: Path, send: SendFolder, otherwise: str | None = None) -> Found:
    """The environment that a file, or a folder with one, defines.

    otherwise: a name where the file has none that says anything. send: takes in the folder of a Dockerfile.
    Raises NotFound, ConfigurationError.
    """
    path = path.expanduser()
    if path.is_dir():
        return _from_folder(path, send, otherwise)
    if not path.is_file():
        raise NotFound(
            f"there is no file {clean_name(str(path), 300)}", "name a file or a folder that is here"
        )
    if path.name in ("pyproject.toml", "uv.lock"):
        return from_mapping({"project": "."}, path.parent, send, otherwise)
    if path.suffix in (".yml", ".yaml"):
        return _from_yaml(path, send, otherwise)
    if path.name.partition(".")[0] in ("Dockerfile", "Containerfile"):
        return from_mapping({"build": ".", "dockerfile_path": path.name}, path.parent, send, otherwise)
    if path.suffix in (".txt", ".in"):
        named = name_from(path.stem, otherwise, path.parent.resolve().name)
        return from_mapping({"requirements": path.name}, path.parent, send, named)
    raise ConfigurationError(
        f"{clean_name(path.name, 200)} defines no environment",
        "requirements.txt, a conda file, pyproject.toml, a Dockerfile or environment.yml do",
    )


def from_mapping(
    said: Mapping[str, Any], folder: Path, send: SendFolder, otherwise: str | None = None
) -> Found:
    """The environment that a mapping of `reference.KEYS` defines; its paths start in folder."""
    unknown = sorted(str(key) for key in said.keys() - KEYS - IGNORED)
    if unknown:
        raise ConfigurationError(
            f"{clean_name(unknown[0], 80)!r} says nothing of an environment",
            f"known are {', '.join(sorted(KEYS))}",
        )
    fields, own = _made_from(said, folder, send)
    own = str(said["name"]) if said.get("name") else own
    definition = EnvironmentDefinition(
        **{"python": None if fields.get("interpreter") else _text(said, "python"),
           "index": _text(said, "index"), "indexes": [str(each) for each in said.get("indexes") or []],
           "prerelease": said.get("prerelease") is True, **fields,
           "variables": {**fields.get("variables", {}), **_texts(said, "variables")}}
    )  # fmt: skip
    return Found(
        definition,
        name_from(own, otherwise, *_place(said, folder)),
        _text(said, "description"),
        _tags(said.get("tags")),
        folder / str(said["lock"]) if said.get("lock") else None,
        _text(said, "lock_of"),
        _text(said, "requires_python"),
    )


def _place(said: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    """Names that say where it was found: its file's, its folder's."""
    for key in ("requirements", "conda_file"):
        if said.get(key) is not None:
            file = folder / str(said[key])
            return file.stem, file.parent.resolve().name
    return (folder.resolve().name,)


def read_text(path: Path) -> str:
    """A file of this side as text; raises NotFound, ConfigurationError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigurationError(f"{clean_name(str(path), 300)} is too large to define an environment")
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise ConfigurationError(f"{clean_name(str(path), 300)} is no text in UTF-8") from problem
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise NotFound(f"{clean_name(str(path), 300)}: {reason}") from problem


def _made_from(said: Mapping[str, Any], folder: Path, send: SendFolder) -> tuple[dict[str, Any], str | None]:
    """The fields that its files give, and the name that they have for it."""
    if said.get("requirements") is not None:
        return _requirements(folder / str(said["requirements"]), _text(said, "constraints"), folder), None
    if said.get("project") is not None:
        return _project(folder / str(said["project"]), [str(name) for name in said.get("groups") or []])
    if said.get("conda_file") is not None or said.get("conda") is not None:
        return _conda(said, folder)
    if said.get("build") is not None:
        place = folder / str(said["build"])
        file = place / str(said.get("dockerfile_path") or "Dockerfile")
        fields = {"kind": EnvironmentKind.IMAGE, "dockerfile": read_text(file), "context": send(place)}
        return fields, name_from(place.resolve().name)
    if said.get("image") is not None:
        image = str(said["image"])
        name = image.partition("@")[0].rpartition("/")[2].replace(":", "-")
        return {"kind": EnvironmentKind.IMAGE, "image": image}, name
    python = str(said.get("python") or "")
    if python.startswith(("/", "~")):
        return {"kind": EnvironmentKind.PYTHON, "interpreter": python}, None
    raise ConfigurationError(
        "what an environment is made from is missing",
        "one of requirements, project, conda_file, image, build, or python: /path",
    )


def _requirements(path: Path, constraints: str | None, folder: Path) -> dict[str, Any]:
    found = requirements.read(read_text(path), path.name, _include(path.parent))
    limits = list(found.constraints)
    if constraints is not None:
        beside = folder / constraints
        limits += requirements.read(read_text(beside), beside.name, _include(beside.parent)).lines
    return {
        "kind": EnvironmentKind.REQUIREMENTS,
        "requirements": found.text,
        "constraints": "".join(f"{line}\n" for line in dict.fromkeys(limits)) or None,
        **({"index": found.index_url} if found.index_url else {}),
        **({"indexes": found.indexes} if found.indexes else {}),
        **({"prerelease": True} if found.prerelease else {}),
    }


def _project(folder: Path, groups: list[str]) -> tuple[dict[str, Any], str | None]:
    text = read_text(folder / "pyproject.toml")
    lock = folder / "uv.lock"
    fields = {
        "kind": EnvironmentKind.PROJECT,
        "pyproject": text,
        "uv_lock": read_text(lock) if lock.is_file() else None,
        "groups": groups,
    }
    return fields, project.read(text).name


def _conda(said: Mapping[str, Any], folder: Path) -> tuple[dict[str, Any], str | None]:
    if said.get("conda") is not None:
        mapping, name, place = said["conda"], "conda", folder
        text = yaml.safe_dump(mapping, sort_keys=False) if isinstance(mapping, dict) else str(mapping)
    else:
        path = folder / str(said["conda_file"])
        text, name, place = read_text(path), path.name, path.parent
    found = conda.read(text, name, _include(place))
    fields: dict[str, Any] = {"kind": EnvironmentKind.CONDA, "conda": _whole(text, found)}
    if said.get("image") is not None:
        fields["image"] = str(said["image"])
    return fields, found.name


def _whole(text: str, found: conda.CondaFile) -> str:
    """A conda file without includes: what they say stands in their place."""
    mapping = yaml.safe_load(text)
    parts = [item for item in mapping.get("dependencies") or [] if isinstance(item, dict)]
    lines = [str(line).strip() for item in parts for line in item.get("pip") or []]
    if not any(line.startswith(("-r", "-c", "--requirement", "--constraint")) for line in lines):
        return text
    conda_part = [item for item in mapping["dependencies"] if not isinstance(item, dict)]
    alone = conda.read_mapping({"dependencies": conda_part}).requirements.lines
    asked = found.requirements
    options = [f"--index-url {asked.index_url}"] if asked.index_url else []
    options += [f"--extra-index-url {address}" for address in asked.indexes]
    pip = [*options, *(line for line in asked.lines if line not in alone)]
    return yaml.safe_dump({**mapping, "dependencies": [*conda_part, {"pip": pip}]}, sort_keys=False)


def _from_folder(path: Path, send: SendFolder, otherwise: str | None) -> Found:
    """A folder: by the first of these files that it has."""
    for name in (OURS, "environment.yaml", "uv.lock", "requirements.txt", "pyproject.toml", "conda.yml",
                 "conda.yaml", "Dockerfile", "Containerfile"):  # fmt: skip
        if (path / name).is_file():
            return from_path(path / name, send, otherwise)
    raise NotFound(
        f"{clean_name(str(path), 300)} has no file that defines an environment",
        "requirements.txt, pyproject.toml with uv.lock, conda.yml, Dockerfile or environment.yml",
    )


def _from_yaml(path: Path, send: SendFolder, otherwise: str | None) -> Found:
    text = read_text(path)
    found = conda.loaded(text, path.name)
    if isinstance(found, dict) and "dependencies" in found:
        return from_mapping(
            {"conda_file": path.name},
            path.parent,
            send,
            name_from(path.stem, otherwise, path.parent.resolve().name),
        )
    if not isinstance(found, dict):
        raise ConfigurationError(f"{clean_name(path.name, 200)} defines no environment", "a mapping does")
    build = found.get("build")
    if isinstance(build, dict):  # as the cloud's own environment files have it
        found = {**found, "build": build.get("path", "."), "dockerfile_path": build.get("dockerfile_path")}
    if isinstance(found.get("conda_file"), dict):
        found = {**found, "conda": found["conda_file"], "conda_file": None}
    return from_mapping({k: v for k, v in found.items() if v is not None}, path.parent, send, otherwise)


def _include(folder: Path) -> requirements.Include:
    """What reads an included file: by its path from a folder."""

    def include(path: str) -> str:
        try:
            return read_text(folder / path)
        except NotFound as problem:
            raise ValueError(problem.message) from problem

    return include


def _text(said: Mapping[str, Any], key: str) -> str | None:
    return None if said.get(key) is None else str(said[key])


def _texts(said: Mapping[str, Any], key: str) -> dict[str, str]:
    found = said.get(key) or {}
    if not isinstance(found, dict):
        raise ConfigurationError(f"{key} must be a mapping")
    return {str(name): "" if value is None else str(value) for name, value in found.items()}


def _tags(found: Any) -> dict[str, str | None]:
    if not isinstance(found, dict | None):
        raise ConfigurationError("tags must be a mapping")
    return {str(key): None if value is None else str(value) for key, value in (found or {}).items()}
