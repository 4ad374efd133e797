# Written by docs/make_sdk.py from workbench/aio/environment.py: change it there.
"""Environments: what a run's Python is made of, in versions that never change (AZ-132 to AZ-139)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError

if TYPE_CHECKING:
    from workbench.entities.environment import EnvironmentVersion
    from workbench.sdk.workspace import Workspace

Tags = Mapping[str, str | None]


class Environment:
    """An environment as it is to be registered, or a version of one that is.

    Made by one of the `from_` methods, or got from a workspace. `str()` of a registered one is NAME:VERSION,
    as run configurations take it.
    """

    def __init__(
        self,
        name: str | None = None,
        what: str | None = None,
        *,
        version: EnvironmentVersion | None = None,
        **options: Any,
    ) -> None:
        self._name = name
        self._what = what
        self._options = options
        self.details = version
        """The registered version: definition, lock, tags, ...; None before `register`."""

    @property
    def name(self) -> str | None:
        """Its name; None where it is to be called after its file."""
        return self._name if self.details is None else self.details.name

    @property
    def version(self) -> int | None:
        """Its version; None before it is registered."""
        return None if self.details is None else self.details.version

    @property
    def environment_variables(self) -> dict[str, str]:
        """Variables of every run in it (AZ-138); they may be changed before it is registered."""
        if self.details is not None:
            return dict(self.details.definition.variables)
        variables: dict[str, str] = self._options.setdefault("variables", {})
        return variables

    def __str__(self) -> str:
        if self.details is None:
            raise UsageError(f"the environment {self._name or self._what} is not registered", ".register(ws)")
        return f"{self.details.name}:{self.details.version}"

    def __repr__(self) -> str:
        shown = str(self) if self.details is not None else f"{self._name or self._what}, not registered"
        return f"<environment {shown}>"

    @classmethod
    def from_pip_requirements(
        cls,
        name: str | None,
        file_path: str | Path,
        *,
        python: str | None = None,
        indexes: Sequence[str] = (),
    ) -> Environment:
        """One of a requirements file. python: the version, such as 3.11; absent: the machine's own."""
        return cls(name, _path(file_path), python=python, indexes=indexes)

    @classmethod
    def from_conda_specification(cls, name: str | None, file_path: str | Path) -> Environment:
        """One of a conda file: by micromamba or conda where a machine has one, else its pip part."""
        return cls(name, _path(file_path))

    @classmethod
    def from_project(cls, name: str | None, folder: str | Path, *, groups: Sequence[str] = ()) -> Environment:
        """One of a project's pyproject.toml and uv.lock; groups: dependency groups, and "extra:NAME"."""
        return cls(name, _path(folder), groups=groups)

    @classmethod
    def from_docker_image(cls, name: str | None, image: str) -> Environment:
        """One of a container image, for machines that have docker, podman or the like."""
        return cls(name, f"image:{image}")

    @classmethod
    def from_dockerfile(cls, name: str | None, dockerfile: str | Path) -> Environment:
        """One that a Dockerfile makes of the folder it is in."""
        return cls(name, _path(dockerfile))

    @classmethod
    def from_existing_python(cls, name: str, interpreter: str) -> Environment:
        """An interpreter that is on the machine already, by its absolute path; nothing is built."""
        return cls(name, interpreter)

    @classmethod
    def from_preset(cls, preset: str, name: str | None = None) -> Environment:
        """One of those that every workspace knows: python, sklearn, pytorch."""
        return cls(name, preset)

    @classmethod
    def get(
        cls, workspace: Workspace, name: str, version: int | None = None, label: str | None = None
    ) -> Environment:
        """A version by its number or its label, the newest without both (AZ-133); raises NotFound."""
        return cls(
            version=workspace.session.aside(lambda local: local.environments.get(name, version, label))
        )

    @classmethod
    def list(cls, workspace: Workspace) -> dict[str, Environment]:
        """The newest version of each, by name."""
        found = workspace.session.call("environments", "list")
        return {item["name"]: cls.get(workspace, item["name"], item["version"]) for item in found}

    @classmethod
    def load_from_directory(
        cls, workspace: Workspace, path: str | Path, name: str | None = None
    ) -> Environment:
        """The version that files of `save_to_directory` define: the same one where nothing was changed."""
        made = workspace.session.aside(lambda local: local.environments.load(Path(path), name=name))
        return cls.get(workspace, made["name"], made["version"])

    def register(
        self,
        workspace: Workspace,
        *,
        description: str | None = None,
        tags: Tags | None = None,
        upgrade: bool = False,
    ) -> Environment:
        """Make it a version: the one that has this definition, else the next, resolved now (AZ-132, AZ-135).

        upgrade: resolve anew, as a next version. Raises UsageError, NotFound, ConfigurationError,
        IndexUnreachable, Refused (a reserved name, AZ-136).
        """
        if self._what is None:
            raise UsageError("there is nothing to register", "make one by Environment.from_pip_requirements")
        what, name, options = self._what, self._name, self._options
        made = workspace.session.aside(
            lambda local: local.environments.register(
                what, name=name, description=description, tags=tags, upgrade=upgrade, **options
            )
        )
        self.details = (Environment.get(workspace, made["name"], made["version"])).details
        return self

    def clone(
        self, workspace: Workspace, new_name: str, *, variables: Mapping[str, str] | None = None
    ) -> Environment:
        """The same definition and lock under another name (AZ-139)."""
        made = workspace.session.call(
            "environments", "clone", environment=str(self), name=new_name, variables=dict(variables or {})
        )
        return Environment.get(workspace, made["name"], made["version"])

    def save_to_directory(
        self, workspace: Workspace, path: str | Path, overwrite: bool = False
    ) -> tuple[Path, ...]:
        """Write it as files that can be edited, which `load_from_directory` reads back; what was written."""
        reference = str(self)
        written = workspace.session.aside(
            lambda local: local.environments.save(reference, Path(path), overwrite=overwrite)
        )
        return tuple(written)

    def set_label(self, workspace: Workspace, label: str) -> None:
        """Have a label mean this version (AZ-133); `latest` always means the newest."""
        workspace.session.call("environments", "set_alias", environment=str(self), alias=label)


def _path(path: str | Path) -> str:
    """A file of this side as `environments.reference` takes it for one."""
    return str(Path(path).expanduser().absolute())
