"""The environments of a workspace as its user holds them: from files, to files, by name and label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.entities.base import from_wire, replace, to_wire
from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind, EnvironmentVersion
from workbench.environments.names import name_from
from workbench.environments.presets import PRESETS
from workbench.environments.reference import Form, read
from workbench.errors import UsageError
from workbench.home import Home
from workbench.text.asset_reference import AssetReference
from workbench.text.sanitize import clean_name
from workbench.workspace import environments
from workbench.workspace.client import Client
from workbench.workspace.environment_files import Found


class Environments:
    """What can be done with environments from here; iterates over their names (AZ-6)."""

    def __init__(self, client: Client, home: Home, environ: Mapping[str, str]) -> None:
        self._client = client
        self._home = home
        self._environ = environ

    def __iter__(self) -> Iterator[str]:
        return (str(item["name"]) for item in self._client.call("environments", "list"))

    def get(self, name: str, version: int | None = None, label: str | None = None) -> EnvironmentVersion:
        """A version by its number, or by its label; the newest one without both (AZ-133). Raises NotFound."""
        if version is not None and label is not None:
            raise UsageError("a version and a label exclude each other")
        reference = str(AssetReference(name, version, label))
        return from_wire(EnvironmentVersion, self._client.call("environments", "get", environment=reference))

    def register(
        self,
        what: str,
        *,
        name: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str | None] | None = None,
        python: str | None = None,
        groups: Sequence[str] = (),
        indexes: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
        upgrade: bool = False,
    ) -> dict[str, Any]:
        """The version that a file, folder, preset, image:NAME or interpreter's path defines, as JSON.

        Raises UsageError, NotFound, ConfigurationError, IndexUnreachable, Refused (a reserved name).
        """
        found = self._found(what, name)
        definition = found.definition
        if groups and definition.kind is not EnvironmentKind.PROJECT:
            raise UsageError("groups belong to a project: name its folder or pyproject.toml")
        definition = replace(
            definition,
            python=python or definition.python,
            groups=[*definition.groups, *groups],
            indexes=[*definition.indexes, *indexes],
            variables={**definition.variables, **(variables or {})},
        )
        made = environments.register(
            self._client,
            found._replace(definition=definition),
            name=name,
            description=description,
            tags=tags,
            upgrade=upgrade,
        )
        wire: dict[str, Any] = to_wire(made)
        return wire

    def _found(self, what: str, name: str | None) -> Found:
        reference = read(what)
        found = environments.find(what, self._send)
        if found is not None:
            return found
        if reference.form is Form.IMAGE:
            definition = EnvironmentDefinition(kind=EnvironmentKind.IMAGE, image=reference.text)
            plain = reference.text.partition("@")[0].rpartition("/")[2]
            return Found(definition, name_from(plain.replace(":", "-")))
        if reference.form is Form.PYTHON:
            if name is None:
                raise UsageError("an interpreter has no name of its own", "give it one with --name")
            definition = EnvironmentDefinition(kind=EnvironmentKind.PYTHON, interpreter=reference.text)
            return Found(definition, name)
        preset = PRESETS.get(what)
        if preset is None:
            raise UsageError(
                f"{clean_name(what, 80)!r} defines no environment",
                "name a file or folder that is here, image:NAME, or one of wb env ls --presets",
            )
        return Found(preset.definition, preset.name, description=preset.description)

    def notes(self, version: Mapping[str, Any]) -> list[str]:
        """What somebody should know of a version, as it came from `register`."""
        return environments.notes(self._client, from_wire(EnvironmentVersion, version))

    def save(self, environment: str, folder: Path, *, overwrite: bool = False) -> list[Path]:
        """Write a version as files that can be edited, which `load` reads back; what was written (AZ-139)."""
        return environments.save(self._client, environment, folder, overwrite=overwrite)

    def load(self, folder: Path, *, name: str | None = None) -> dict[str, Any]:
        """The version that such files define, as JSON: the same one where nothing was changed (AZ-139)."""
        wire: dict[str, Any] = to_wire(environments.load(self._client, folder, self._send, name=name))
        return wire

    def _send(self, folder: Path) -> str:
        from workbench.workspace.submission import Submission

        return Submission(self._client, self._home, self._environ, None).send_folder(folder)
