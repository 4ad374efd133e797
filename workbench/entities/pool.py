"""Pools: machines a run may go to, whichever has room first (AZ-34)."""

from __future__ import annotations

from datetime import datetime

from workbench.entities.base import Entity

ANY = "any"
"""The pool of all machines that are attached; this machine is of it where there is no other."""


class Pool(Entity, frozen=True, kw_only=True):
    """Some machines under one name; of several that have room the first one counts."""

    name: str
    targets: list[str]
    created: datetime
