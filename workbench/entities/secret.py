"""Secrets: what a workspace keeps for runs and datastores, by name; values are no entities (AZ-11)."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

from workbench.entities.base import Entity

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}", re.ASCII)


class SecretPlace(StrEnum):
    """Where the value is."""

    KEYRING = "keyring"
    """The system's keyring."""
    FILE = "file"
    """An encrypted file of the workspace."""


class Secret(Entity, frozen=True, kw_only=True):
    """A secret without its value."""

    name: str
    place: SecretPlace
    changed: datetime


def valid_secret_name(text: str) -> bool:
    """Whether it may be a secret's name: that of a variable, with '.' and '-' besides."""
    return _NAME.fullmatch(text) is not None
