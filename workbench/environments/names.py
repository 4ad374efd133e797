"""Names of environments: what may be one, what is reserved, and one made of something else. Pure."""

from __future__ import annotations

import re

from workbench.errors import Refused
from workbench.text.asset_reference import checked_name

RESERVED = ("AzureML", "Microsoft")
"""Beginnings that belong to the environments of the cloud (AZ-136)."""
_GENERIC = frozenset({"requirements", "environment", "conda", "env", "pyproject", "uv", "dockerfile",
                      "containerfile", "conda_dependencies", "conda-env"})  # fmt: skip


def checked_new_name(name: str) -> str:
    """A name that an environment of ours may be given; raises UsageError, Refused for a reserved one."""
    checked_name(name)
    if name.startswith(RESERVED):
        raise Refused(
            f"names that start with {' or '.join(RESERVED)} belong to the cloud's own environments",
            "choose another name; wb workspace map set environment leads a hosted name to it",
        )
    return name


def name_from(*candidates: str | None) -> str:
    """The first candidate that says something, as a name; a file called requirements says nothing."""
    for candidate in candidates:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", candidate or "").strip(".-_")[:100]
        if plain and plain.lower() not in _GENERIC:
            return f"env-{plain}" if plain.startswith(RESERVED) else plain
    return "environment"
