"""A run configuration of a job file, a command and options or a `.runconfig`, and a job file of one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError
from workbench.text.sanitize import clean_name

if TYPE_CHECKING:
    from workbench.entities.configuration import RunConfiguration

SCHEMAS = ("job", "settings")
_OTHER_WORDS = {"compute": "target", "compute_target": "target", "environment_variables": "variables"}
"""Options as job files and the cloud's SDK call them."""


def configure(
    file: Path | None, command: list[str] | str | None, sets: Iterable[str], options: Mapping[str, Any]
) -> RunConfiguration:
    """The run configuration of a job file, or of a command (a list is exact, a text a shell line).

    options are those of `runs.overrides.Options`. Raises ConfigurationError with every mistake at once.
    """
    from workbench.runs.configuration import configuration_from_command, load_job, load_runconfig
    from workbench.runs.runconfig import SUFFIX

    said = _options(options)
    if file is not None and file.suffix == SUFFIX:
        return load_runconfig(file, sets, said)
    if file is not None:
        return load_job(file, sets, said)
    return configuration_from_command(command or [], said, sets)


def configure_saved(
    name: str,
    script: str | None,
    arguments: list[str] | None,
    sets: Iterable[str],
    options: Mapping[str, Any],
    start: Path | None = None,
) -> RunConfiguration:
    """The run configuration of a `.runconfig`, by its name or path (AZ-126).

    script, arguments: in place of what it has. start: the folder in which, and above which, a name is looked
    for; absent: the current one. Raises NotFound, and ConfigurationError with every mistake.
    """
    from workbench.runs.configuration import load_runconfig
    from workbench.runs.runconfig import find_runconfig

    file = find_runconfig(name, start or Path.cwd())
    return load_runconfig(file, sets, _options(options), script, arguments)


def _options(options: Mapping[str, Any]) -> Any:
    """Options as a script says them: mappings, one text where several may be, the objects themselves."""
    from workbench.runs.configuration import Options

    several = {field.name for field in fields(Options) if field.default == ()}
    said: dict[str, Any] = {}
    for given, value in options.items():
        name = _OTHER_WORDS.get(given, given)
        if name not in Options.__dataclass_fields__:
            raise UsageError(
                f"a configuration has no option {clean_name(given, 80)!r}",
                f"it has {', '.join(sorted(Options.__dataclass_fields__))}",
            )
        if name in several:
            said[name] = _several(value)
        elif name == "target" and value is not None:
            said[name] = value if isinstance(value, str) else str(value.name)
        elif name == "environment" and value is not None:
            said[name] = str(value)
        else:
            said[name] = value
    return Options(**said)


def _several(value: Any) -> tuple[str, ...]:
    """The texts of an option that may be said several times; of a mapping NAME=VALUE."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Mapping):
        return tuple(str(key) if one is None else f"{key}={_word(one)}" for key, one in value.items())
    return tuple(value or ())


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def job_text(configuration: RunConfiguration, folder: Path) -> str:
    """The job file that says the same, for a file in folder: what lies in there is named relative to it."""
    from workbench.entities.base import replace
    from workbench.runs.job_writing import to_job_yaml

    folder = folder.resolve()
    code = _beside(configuration.code, folder)
    data = {
        name: replace(item, path=_beside(item.path, folder))
        for name, item in configuration.data_inputs.items()
    }
    environment = _environment(configuration.environment, folder)
    return to_job_yaml(replace(configuration, code=code, data_inputs=data, environment=environment))


def _environment(text: str | None, folder: Path) -> str | None:
    from workbench.environments import reference
    from workbench.environments.reference import Form

    found = reference.read(text) if text is not None else None
    if found is not None and found.definition is not None:
        files = ("requirements", "project", "conda_file", "build")
        return reference.inline(
            {key: _beside(v, folder) if key in files else v for key, v in found.definition.items()}
        )
    if text is not None and found is not None and found.form is Form.FILE:
        return f"./{_beside(text, folder)}" if _beside(text, folder) != text else text
    return text


def _beside(path: str | None, folder: Path) -> Any:
    """A path relative to folder where it lies in there, else as it is."""
    if path is None or not path.startswith("/") or not Path(path).is_relative_to(folder):
        return path
    return os.path.relpath(path, folder)


def schema(name: str) -> dict[str, Any]:
    """The JSON schema of job files or of the settings (SCHEMAS), for editors to complete and check."""
    if name == "settings":
        from workbench.settings import settings_schema

        return settings_schema()
    from workbench.runs.job_schema import job_schema

    return job_schema()
