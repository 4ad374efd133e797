"""Run configurations as a script holds them: loaded from a file or a name, saved as a job file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from msgspec.structs import force_setattr

from workbench.entities.configuration import RunConfiguration as Entity
from workbench.errors import StoreError


class RunConfiguration(Entity, frozen=True, kw_only=True):
    """Everything that says how to run a command; `entities.base.replace` changes it.

    target and environment may be given as the object itself: kept is how it is named.
    """

    def __post_init__(self) -> None:
        target: Any = self.target
        environment: Any = self.environment
        if target is not None and not isinstance(target, str):
            force_setattr(self, "target", str(target.name))
        if environment is not None and not isinstance(environment, str):
            force_setattr(self, "environment", str(environment))

    @classmethod
    def load(cls, path: str | Path, name: str | None = None, sets: Iterable[str] = ()) -> Self:
        """The configuration of a job file, or of a saved `.azureml/NAME.runconfig` (AZ-126).

        path: the file, or the name of a saved one; with a name the folder of it, or one below. sets: changes,
        such as "inputs.lr=0.3". Raises NotFound, ConfigurationError.
        """
        from workbench.workspace.configuring import configure, configure_saved

        text = str(path)
        if name is not None:
            found = configure_saved(name, None, None, sets, {}, Path(path))
        elif text.endswith((".yml", ".yaml", ".runconfig")):
            found = configure(Path(text), None, sets, {})
        else:
            found = configure_saved(text, None, None, sets, {})
        return cls(**{field: getattr(found, field) for field in found.__struct_fields__})

    def save(self, path: str | Path) -> Path:
        """Write it as a job file that says the same; raises StoreError."""
        from workbench.workspace.configuring import job_text

        place = Path(path)
        try:
            place.write_text(job_text(self, place.parent), "utf-8")
        except OSError as problem:
            raise StoreError(f"cannot write {place}: {problem.strerror}", "name another place") from problem
        return place
