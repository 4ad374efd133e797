"""What a text that names an environment means: an interpreter, a version, a file, a hosted name. Pure.

One reading for job files, command line, forms and the SDK. After a submit only two forms are left:
NAME:VERSION, and an interpreter's path on the target.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from workbench.errors import UsageError
from workbench.text import asset_reference, hosted
from workbench.text.asset_reference import AssetReference
from workbench.text.sanitize import clean_name

INLINE = "inline:"
"""Before the JSON of a definition that a job file holds itself; see `inline`."""
IMAGES = ("image:", "docker://")
KEYS = frozenset({
    "name", "version", "description", "tags", "variables", "python", "indexes",
    "requirements", "project", "groups", "conda_file", "conda", "image", "build", "dockerfile_path",
    "constraints", "index", "prerelease", "lock", "lock_of", "requires_python",
})  # fmt: skip
"""What a definition in a job file may hold: absolute paths of files, texts, a conda file as a mapping."""
_FILES = re.compile(r"(?:\.(?:txt|in|ya?ml|toml|lock)|(?:^|/)(?:Dockerfile|Containerfile)(?:\.[\w.-]+)?)$")


class Form(StrEnum):
    """What kind of thing a text names."""

    PYTHON = "python"
    """An interpreter on the target, by its absolute path."""
    VERSION = "version"
    """A version of a registered environment, or a preset."""
    FILE = "file"
    """A file or folder on this side that defines one."""
    IMAGE = "image"
    """A container image."""
    HOSTED = "hosted"
    """A name of the cloud, which the workspace's map leads to one of ours."""
    INLINE = "inline"
    """A definition that is written where it is used."""


class Reference(NamedTuple):
    """An environment as it was named."""

    form: Form
    text: str
    """The path, the image, the hosted name without what says its form; of a version its plain form."""
    asset: AssetReference | None = None
    """Of a version; and of a hosted name where it could be one of ours."""
    definition: Mapping[str, Any] | None = None
    """Of an inline one: some of KEYS."""


def read(text: str) -> Reference:
    """What text names; raises UsageError for what names nothing."""
    text = text.strip()
    if not text or not text.isprintable():
        raise UsageError(f"{_shown(text)} names no environment", _FORMS)
    if text.startswith(INLINE + "{"):
        return Reference(Form.INLINE, text, definition=_definition(text[len(INLINE) :]))
    for word in IMAGES:
        if text.startswith(word) and not text[len(word) :].isdecimal():  # image:3 is a version of `image`
            return Reference(Form.IMAGE, checked_image(text[len(word) :]))
    if hosted.is_hosted(text):
        return Reference(Form.HOSTED, text, _ours(text))
    if _FILES.search(text) or text in (".", "..") or text.startswith(("./", "../")) or text.endswith("/"):
        return Reference(Form.FILE, text)
    if text.startswith(("/", "~")):
        return Reference(Form.PYTHON, text)
    if "://" in text:
        raise UsageError(f"{_shown(text)} is an address, and names no environment", _FORMS)
    if "/" in text:
        raise UsageError(
            f"{_shown(text)} names no environment", f"a folder: ./{text}; an image: image:{text}"
        )
    found = asset_reference.parse(text)
    return Reference(Form.VERSION, str(found), found)


_FORMS = (
    "write NAME, NAME:VERSION, NAME@ALIAS, a file (requirements.txt, conda.yml, pyproject.toml), image:NAME,"
    " or an interpreter's absolute path on the machine"
)


def inline(definition: Mapping[str, Any]) -> str:
    """The text that stands for a definition until it is registered; `read` gives it back.

    Raises UsageError for a key that is not in KEYS.
    """
    said = {key: value for key, value in definition.items() if value is not None}
    _check_keys(said)
    return INLINE + json.dumps(said, sort_keys=True, separators=(",", ":"))


def checked_image(image: str) -> str:
    """An image's name, where it is one; raises UsageError."""
    if not re.fullmatch(r"[A-Za-z0-9][\w.:/@+-]{0,511}", image, re.ASCII) or ".." in image:
        raise UsageError(f"{_shown(image)} is no name of an image", "write it as docker pull takes it")
    return image


def _ours(text: str) -> AssetReference | None:
    """The version of ours that azureml:NAME:3 may mean; None where it cannot be one."""
    if text.startswith(hosted.REGISTRIES):
        return None
    try:
        return asset_reference.parse(text.removeprefix(hosted.PREFIX))
    except UsageError:
        return None


def _definition(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise UsageError("an inline environment that is no JSON", _FORMS) from problem
    if not isinstance(found, dict):
        raise UsageError("an inline environment is a mapping", _FORMS)
    _check_keys(found)
    return found


def _check_keys(definition: Mapping[str, Any]) -> None:
    unknown = sorted(definition.keys() - KEYS)
    if unknown:
        raise UsageError(f"{_shown(str(unknown[0]))} says nothing of an environment", ", ".join(sorted(KEYS)))


def _shown(text: str) -> str:
    return repr(clean_name(text, 80))
