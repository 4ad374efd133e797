# Written by docs/make_sdk.py from workbench/aio/environment.py: change it there.
"""Environments: what a run's Python is made of, in versions that never change (AZ-132 to AZ-139)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.environments import reference
from workbench.errors import UsageError

if TYPE_CHECKING:
    from workbench.entities.environment import EnvironmentVersion
    from workbench.sdk.workspace import Workspace

Tags = Mapping[str, str | None]


class Environment:
    """An environment as it is to be registered, or a version of one that is.

    Made by one of the `from_` methods, or got from a workspace. `str()` is what run configurations take: of a
    registered one NAME:VERSION, else its definition, which is registered with the submit (AZ-137).
    """

    def __init__(
        self, name: str | None = None, *, version: EnvironmentVersion | None = None, **definition: Any
    ) -> None:
        self._name = name
        self._definition = definition
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
        variables: dict[str, str] = self._definition.setdefault("variables", {})
        return variables

    @environment_variables.setter
    def environment_variables(self, variables: Mapping[str, str]) -> None:
        if self.details is not None:
            raise UsageError(
                f"{self} is registered, and never changes", "clone(..., variables=) makes another"
            )
        self._definition["variables"] = dict(variables)

    def __str__(self) -> str:
        if self.details is not None:
            return self._id()
        preset = self._definition.get("preset")
        if preset is None:
            return reference.inline({"name": self._name, **self._made_of()})
        if self._name is None and len(self._definition) == 1:
            return str(preset)
        raise UsageError(f"{self!r} is a preset with words of its own", "register(workspace) it first")

    def __repr__(self) -> str:
        if self.details is not None:
            return f"<environment {self._id()}>"
        made_of = next((str(value) for value in self._definition.values() if value), "nothing")
        return f"<environment {self._name or made_of}, not registered>"

    def _id(self) -> str:
        if self.details is None:
            raise UsageError(f"{self!r} has no version yet", "register(workspace) it first")
        return f"{self.details.name}:{self.details.version}"

    def _made_of(self) -> dict[str, Any]:
        said = {key: value for key, value in self._definition.items() if value}
        if not said.keys() - {"variables"}:
            raise UsageError(
                f"the environment {self._name or ''} is made of nothing".replace("  ", " "),
                "make one by Environment.from_pip_requirements, from_project ...",
            )
        return said

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
        return cls(name, requirements=_path(file_path), python=python, indexes=[*indexes])

    @classmethod
    def from_conda_specification(cls, name: str | None, file_path: str | Path) -> Environment:
        """One of a conda file: by micromamba or conda where a machine has one, else its pip part."""
        return cls(name, conda_file=_path(file_path))

    @classmethod
    def from_project(cls, name: str | None, folder: str | Path, *, groups: Sequence[str] = ()) -> Environment:
        """One of a project's pyproject.toml and uv.lock; groups: dependency groups, and "extra:NAME"."""
        return cls(name, project=_path(folder), groups=[*groups])

    @classmethod
    def from_docker_image(cls, name: str | None, image: str) -> Environment:
        """One of a container image, for machines that have docker, podman or the like."""
        return cls(name, image=reference.checked_image(image))

    @classmethod
    def from_dockerfile(cls, name: str | None, dockerfile: str | Path) -> Environment:
        """One that a Dockerfile makes of the folder it is in."""
        file = Path(_path(dockerfile))
        return cls(name, build=str(file.parent), dockerfile_path=file.name)

    @classmethod
    def from_existing_python(cls, name: str, interpreter: str) -> Environment:
        """An interpreter that is on the machine already, by its absolute path; nothing is built."""
        return cls(name, python=interpreter)

    @classmethod
    def from_preset(cls, preset: str, name: str | None = None) -> Environment:
        """One of those that every workspace knows: python, sklearn, pytorch."""
        return cls(name, preset=preset)

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
        said = self._made_of()
        preset = said.pop("preset", None)
        variables = said.pop("variables", None)
        what = reference.inline(said) if preset is None else str(preset)
        name = self._name
        made = workspace.session.aside(
            lambda local: local.environments.register(
                what, name=name, description=description, tags=tags, upgrade=upgrade, variables=variables
            )
        )
        self.details = (Environment.get(workspace, made["name"], made["version"])).details
        return self

    def clone(
        self, workspace: Workspace, new_name: str, *, variables: Mapping[str, str] | None = None
    ) -> Environment:
        """The same definition and lock under another name (AZ-139)."""
        made = workspace.session.call(
            "environments", "clone", environment=self._id(), name=new_name, variables=dict(variables or {})
        )
        return Environment.get(workspace, made["name"], made["version"])

    def save_to_directory(
        self, workspace: Workspace, path: str | Path, overwrite: bool = False
    ) -> tuple[Path, ...]:
        """Write it as files that can be edited, which `load_from_directory` reads back; what was written."""
        own = self._id()
        written = workspace.session.aside(
            lambda local: local.environments.save(own, Path(path), overwrite=overwrite)
        )
        return tuple(written)

    def set_label(self, workspace: Workspace, label: str) -> None:
        """Have a label mean this version (AZ-133); `latest` always means the newest."""
        workspace.session.call("environments", "set_alias", environment=self._id(), alias=label)


def _path(path: str | Path) -> str:
    """A file of this side, from wherever it is read."""
    return str(Path(path).expanduser().absolute())
