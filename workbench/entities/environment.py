"""Environments: what a run's Python is made of, in versions that never change, and where they are built."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from workbench.entities.base import Entity


class EnvironmentKind(StrEnum):
    """What an environment is made from."""

    REQUIREMENTS = "requirements"
    """A requirements file; built by uv."""
    PROJECT = "project"
    """pyproject.toml with its uv.lock; built by uv."""
    CONDA = "conda"
    """A conda file: micromamba or conda where the machine has one, else its pip part by uv."""
    PYTHON = "python"
    """An interpreter that is on the machine already; nothing is built."""
    IMAGE = "image"
    """A container image, or a Dockerfile that makes one, by a docker-compatible command of the machine."""


class EnvironmentDefinition(Entity, frozen=True, kw_only=True):
    """What its author wrote, with the contents of the files that were named. Equal ones are one version."""

    kind: EnvironmentKind
    requirements: str | None = None
    """Text of a requirements file, or the pip part of a conda file."""
    constraints: str | None = None
    """Versions that packages have if they are there, as a requirements file."""
    pyproject: str | None = None
    uv_lock: str | None = None
    groups: list[str] = []
    """Dependency groups and extras ("extra:NAME") of the project that are installed too."""
    conda: str | None = None
    """Text of the conda file."""
    interpreter: str | None = None
    """Absolute path on the target."""
    image: str | None = None
    dockerfile: str | None = None
    context: str | None = None
    """Snapshot id of a Dockerfile's build context."""
    python: str | None = None
    """The version wanted, such as 3.11; absent = the target's own."""
    index: str | None = None
    """The package index in place of the public one, without credentials."""
    indexes: list[str] = []
    """Package indexes that are asked before it, without credentials; the first is asked first."""
    prerelease: bool = False
    """Whether releases that are not final ones may be taken."""
    variables: dict[str, str] = {}
    """Environment variables of every run in it (AZ-138)."""


class EnvironmentVersion(Entity, frozen=True, kw_only=True):
    """One version of a named environment (AZ-132)."""

    name: str
    version: int
    hash: str
    """sha256 of the canonical definition."""
    definition: EnvironmentDefinition
    lock: str | None = None
    """What it was resolved to, as a requirements file with hashes and markers; absent where nothing is."""
    requires_python: str | None = None
    """The Pythons its lock is for, such as >=3.9; absent = any."""
    aliases: list[str] = []
    """What it is called beside its number: `latest`, and names that can be moved (AZ-133)."""
    created: datetime
    created_by: str | None = None
    description: str | None = None
    tags: dict[str, str | None] = {}
    archived: bool = False


class BuildState(StrEnum):
    """How an environment is on a machine."""

    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"


class EnvironmentBuild(Entity, frozen=True, kw_only=True):
    """An environment version as it is on one machine."""

    key: str
    """Names its folder there: a hash of all that its content depends on."""
    target: str
    state: BuildState
    name: str | None = None
    version: int | None = None
    python: str | None = None
    """The interpreter's version."""
    packages: dict[str, str] = {}
    """The exact freeze: name -> version."""
    bytes: int | None = None
    started: datetime | None = None
    ended: datetime | None = None
    used: datetime | None = None
    """When a run took it last, by the machine's clock."""
    in_use: bool = False
    """Whether a run lives in it now."""
    problem: str | None = None


class HostedName(Entity, frozen=True, kw_only=True):
    """A name of the cloud and what it means here: one row of the workspace's three maps."""

    kind: str
    """environment, compute or data."""
    hosted: str
    """As it is written in job files; of data the beginning of an address."""
    ours: str
    """An environment's reference, a target's name, or where the bytes are."""
    created: datetime
