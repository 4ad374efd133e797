"""What a version of a model, dataset or environment is called by: NAME, NAME:VERSION, NAME@ALIAS.

`latest` is an alias that always is. Where several kinds of things may stand, the kind comes first:
data:digits:3, model:churn@champion, and azureml:digits:3 in files that were written for the cloud.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from workbench.errors import UsageError
from workbench.text.sanitize import clean_name

LATEST = "latest"
"""The alias of the newest version; it cannot be set."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
"""A whole name of an asset."""
ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}", re.ASCII)
"""A whole alias: it starts with a letter, so that it is never taken for a version."""
_VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
KINDS = ("data", "model", "azureml")
"""Words that may stand before a reference and a colon."""
_FORMS = "write NAME, NAME:VERSION or NAME@ALIAS"
_ALLOWED = "letters, digits, '.', '_' and '-', the first a letter or digit, at most 128"


class AssetReference(NamedTuple):
    """One version of something: a number, an alias, or neither for the newest."""

    name: str
    version: int | None = None
    alias: str | None = None

    def __str__(self) -> str:
        if self.version is not None:
            return f"{self.name}:{self.version}"
        return self.name if self.alias is None else f"{self.name}@{self.alias}"


def parse(text: str) -> AssetReference:
    """The reference that a text without a kind in front of it is; raises UsageError."""
    text = text.strip()
    if "@" in text:
        name, _, alias = text.partition("@")
        return AssetReference(checked_name(name), alias=checked_alias(alias))
    name, colon, version = text.partition(":")
    checked_name(name)
    if not colon:
        return AssetReference(name)
    if not _VERSION.fullmatch(version):
        hint = f"write {name}@{version}" if ALIAS.fullmatch(version) else "versions are 1, 2, 3 ..."
        raise UsageError(f"{_shown(version)} is no version of {name}", hint)
    return AssetReference(name, int(version))


def split_kind(text: str) -> tuple[str | None, str]:
    """The kind of KINDS in front of a reference, or None, and the reference's own text.

    A kind only counts with a name behind it: in "data:3" data is the name, of which version 3 is meant.
    """
    kind, colon, rest = text.strip().partition(":")
    if not colon or kind not in KINDS or _VERSION.fullmatch(rest) or not rest:
        return None, text.strip()
    return kind, rest


def checked_name(name: str) -> str:
    """The name, where it is one; raises UsageError."""
    if not NAME.fullmatch(name):
        raise UsageError(f"{_shown(name)} is no name", f"{_ALLOWED}; {_FORMS}" if name else _FORMS)
    return name


def checked_alias(alias: str) -> str:
    """The alias, where it is one; raises UsageError."""
    if not ALIAS.fullmatch(alias):
        raise UsageError(
            f"{_shown(alias)} is no alias",
            "letters, digits, '.', '_' and '-', the first a letter, at most 64; a version stands behind ':'",
        )
    return alias


def _shown(text: str) -> str:
    """A word in quotes, without what would control a terminal, and short."""
    return repr(clean_name(text, 80))
