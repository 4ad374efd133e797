"""The environment of a job file, in each of its forms, as one text that `environments.reference` reads.

A name stays a name: what it leads to, the workspace says when the run is submitted. Files that are named
become absolute; what is written out in place stays whole in the text until it is registered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from workbench.environments import reference
from workbench.environments.reference import Form
from workbench.errors import UsageError
from workbench.runs.job_fields import ENVIRONMENT_KEYS, ENVIRONMENT_REFUSED, ENVIRONMENT_SOURCES
from workbench.runs.job_paths import Here
from workbench.runs.yaml_tree import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from workbench.runs.job_reading import JobReader

_BUILD = ("path", "dockerfile_path")
_FORMS = "a name, or a mapping with python, requirements, project, conda_file, image, build or name"
_PYTHON = re.compile(r"[23](\.[0-9]{1,2}){0,2}")


def read_environment(node: Node, path: str, reader: JobReader) -> str | None:
    """The text that stands for it; None when it is wrong (and noted)."""
    if isinstance(node, Scalar):
        return _named(node, path, reader)
    if not isinstance(node, Mapping):
        reader.complain(node.place, path, f"must be {_FORMS}")
        return None
    before = len(reader.problems)
    said = dict(_entries(node, path, reader))
    made = [key for key in ENVIRONMENT_SOURCES if key in said or (key == "conda_file" and "conda" in said)]
    if len(reader.problems) > before:
        return None
    problem = _disagreement(said, made)
    if problem is not None:
        reader.complain(node.place, path, problem)
        return None
    if not made:
        return _registered(said, node, path, reader)
    return reference.inline(said)


def _disagreement(said: dict[str, Any], made: list[str]) -> str | None:
    """Why the fields of a mapping cannot be meant together."""
    if not made and not {"python", "name"} & said.keys():
        return f"must be {_FORMS}"
    if len(made) > 1 and set(made) != {"image", "conda_file"}:
        return f"{' and '.join(made)} exclude each other; a conda_file may stand beside an image"
    python = said.get("python", "")
    if made and "version" in said:
        return "version names a registered one; what is written out gets the next by itself: leave it out"
    if made and python and not _PYTHON.fullmatch(python):
        return "python is the version wanted there, such as 3.11; a path of an interpreter stands alone"
    if "groups" in said and "project" not in said:
        return "groups belong to a project"
    if not made and "name" in said and python:
        return "python and name exclude each other"
    return None


def _registered(said: dict[str, Any], node: Mapping, path: str, reader: JobReader) -> str | None:
    """{python: PATH}, or {name: N, version: V}."""
    python = said.get("python")
    beside = sorted(said.keys() - {"python", "name", "version"})
    if beside:
        words = f"{beside[0]} says nothing without what it is made from: {', '.join(ENVIRONMENT_SOURCES)}"
        reader.complain(node.place, f"{path}.{beside[0]}", words)
        return None
    if python is not None:
        if not _is_interpreter(python):
            words = "must be the absolute path of an interpreter; a version stands beside requirements"
            reader.complain(node.place, f"{path}.python", words)
            return None
        return str(python)
    version = said.get("version")
    text = said["name"] if version is None else f"{said['name']}:{version}"
    return _checked(text, Scalar(node.place, text), path, reader)


def _is_interpreter(path: str) -> bool:
    try:
        return reference.read(path).form is Form.PYTHON
    except UsageError:
        return False


def _named(node: Scalar, path: str, reader: JobReader) -> str | None:
    """One text: a name, an address of the cloud, a file that defines it, an interpreter."""
    text = reader.text(node, path, one_line=True)
    return None if text is None else _checked(text, node, path, reader)


def _checked(text: str, node: Scalar, path: str, reader: JobReader) -> str | None:
    try:
        found = reference.read(text)
    except UsageError as problem:
        hint = f": {problem.hint}" if problem.hint else ""
        reader.complain(node.place, path, f"{problem.message}{hint}")
        return None
    if found.form is Form.INLINE and not node.place.words and reader.finder is not None:
        reader.complain(node.place, path, "must be written as a mapping in a file")
        return None
    if found.form is not Form.FILE:
        return text.strip()
    here = _here(found.text, node, path, reader)
    return None if here is None else here.path + ("/" if here.directory else "")


def _entries(node: Mapping, path: str, reader: JobReader) -> Iterator[tuple[str, Any]]:
    """The fields that could be read; null counts as absent."""
    for key, value in node.entries:
        name = f"{path}.{key.text}"
        if key.text in ENVIRONMENT_REFUSED:
            reader.complain(key.place, name, ENVIRONMENT_REFUSED[key.text])
        elif key.text not in ENVIRONMENT_KEYS:
            reader.complain(key.place, name, f"unknown field; known are {', '.join(ENVIRONMENT_KEYS)}")
        elif not (isinstance(value, Scalar) and value.null):
            yield from _entry(key.text, value, name, reader)


def _entry(key: str, value: Node, name: str, reader: JobReader) -> Iterator[tuple[str, Any]]:
    if key == "tags":
        yield key, reader.texts(value, name)
    elif key == "groups":
        yield key, reader.lines(value, name)
    elif key == "build":
        yield from _build(value, name, reader)
    elif key == "conda_file" and isinstance(value, Mapping):
        yield "conda", plain(value)
    elif not isinstance(value, Scalar):
        reader.complain(value.place, name, "must be text")
    elif (text := reader.text(value, name, one_line=key != "description")) is None:
        return
    elif key in ("requirements", "conda_file", "project"):
        here = _here(text, value, name, reader, directory=key == "project")
        if here is not None:
            yield key, here.path
    elif key == "image":
        try:
            yield key, reference.checked_image(text)
        except UsageError as problem:
            reader.complain(value.place, name, problem.message)
    elif key == "os_type":
        if text.lower() != "linux":
            reader.complain(
                value.place, name, f"must be linux: machines here run nothing else, not {text[:40]!r}"
            )
    else:
        yield key, text


def _build(value: Node, name: str, reader: JobReader) -> Iterator[tuple[str, Any]]:
    """{path: DIR, dockerfile_path: NAME}."""
    if not isinstance(value, Mapping):
        reader.complain(value.place, name, "must be a mapping such as {path: DIR}")
        return
    for key, item in value.entries:
        if key.text not in _BUILD:
            reader.complain(key.place, f"{name}.{key.text}", f"unknown field; known are {', '.join(_BUILD)}")
        elif not isinstance(item, Scalar):
            reader.complain(item.place, f"{name}.{key.text}", "must be text")
    folder, file = value.get("path"), value.get("dockerfile_path")
    if not isinstance(folder, Scalar) or folder.null:
        reader.complain(value.place, name, "has no path: say in which folder the image is built")
        return
    if "://" in folder.text:
        reader.complain(folder.place, f"{name}.path", "must be a folder on this machine")
        return
    here = _here(folder.text, folder, f"{name}.path", reader, directory=True)
    if here is not None:
        yield "build", here.path
    if isinstance(file, Scalar) and not file.null:
        if file.text.startswith("/") or ".." in file.text.split("/"):
            reader.complain(file.place, f"{name}.dockerfile_path", "must be a path inside the folder")
        yield "dockerfile_path", file.text


def _here(
    text: str, node: Scalar, name: str, reader: JobReader, directory: bool | None = None
) -> Here | None:
    """The file or folder on this side; without a finder the text as it stands."""
    text = text.removeprefix("file:") if text.startswith("file:") and "://" not in text else text
    if reader.finder is None:
        return Here(text.rstrip("/") or text, bool(directory) or text.endswith("/"))
    try:
        here = reader.finder.needed(text, node.place)
    except ValueError as reason:
        reader.complain(node.place, name, str(reason))
        return None
    if directory is not None and here.directory != directory:
        reader.complain(node.place, name, f"{here.path} is {'no' if directory else 'a'} folder")
        return None
    return here


def plain(node: Node) -> Any:
    """A tree as plain texts, lists and mappings, for what is handed on as it was written."""
    if isinstance(node, Mapping):
        return {key.text: plain(value) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return None if node.null else node.text
