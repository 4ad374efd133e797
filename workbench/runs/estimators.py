"""Estimators: run configurations made by words of one framework (AZ-143 to AZ-147). Presets, not classes.

Each of these is a function whose answer is an ordinary RunConfiguration: look at it, change it by
`entities.base.replace`, write it as a job file, submit it.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Required, TypedDict, Unpack, runtime_checkable

from workbench.entities.configuration import DataInput, DataOutput, Distribution, RunConfiguration
from workbench.entities.experiment import valid_experiment_name
from workbench.environments import reference
from workbench.environments.reference import Form
from workbench.errors import NotFound, UsageError
from workbench.runs.expressions import has_expressions
from workbench.runs.job_fields import MOST_PROCESSES

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_PACKAGES = {"PyTorch": "torch", "TensorFlow": "tensorflow", "SKLearn": "scikit-learn"}
_PRESETS = {"PyTorch": "pytorch", "SKLearn": "sklearn"}
_TRAININGS = {
    "PyTorch": {"mpi": "mpi", "gloo": "pytorch", "nccl": "pytorch", "pytorch": "pytorch"},
    "TensorFlow": {"mpi": "mpi", "parameterserver": "tensorflow", "tensorflow": "tensorflow"},
    "Estimator": {"mpi": "mpi", "gloo": "pytorch", "nccl": "pytorch", "parameterserver": "tensorflow"},
    "SKLearn": {},
}
"""What may connect the processes of each, and what that is here (AZ-145)."""


class Words(TypedDict, total=False):
    """What every estimator takes; only entry_script is needed."""

    entry_script: Required[str]
    """A file in the source directory."""
    script_params: Mapping[str, Any]
    """Words of the command line with their values, in this order: '' is a bare flag, data becomes its path on
    the machine, a list several words (AZ-144)."""
    compute_target: Any
    """A name, or what has one; absent: the default target."""
    node_count: int
    """1: a run uses one machine."""
    process_count_per_node: int
    distributed_training: str | Distribution | None
    """What connects several processes: mpi, gloo, nccl, parameter_server."""
    use_gpu: bool
    """A GPU for each process; without it the run sees none."""
    gpus: int | None
    """Another number of them."""
    use_docker: bool
    """False: no container; an image then excludes itself."""
    custom_docker_image: str | None
    environment: Any
    """A registered one, or what a job file takes, in place of packages and files."""
    pip_packages: Sequence[str]
    conda_packages: Sequence[str]
    pip_requirements_file: str | os.PathLike[str] | None
    conda_dependencies_file: str | os.PathLike[str] | None
    environment_variables: Mapping[str, str]
    inputs: Mapping[str, Any]
    """Data that the script finds by its name alone: run.input_datasets, AZUREML_DATAREFERENCE_NAME."""
    outputs: Mapping[str, DataOutput | None]
    shm_size: int | None
    """Bytes, of a run in a container."""
    max_run_duration_seconds: float | None
    experiment: str
    framework_version: str | None
    """Of the framework's own package."""


@runtime_checkable
class IsData(Protocol):
    """Something whose value in script_params is a path: a dataset, a model's version."""

    def as_input(self) -> DataInput:
        """The input that a run has for it."""
        ...


def Estimator(source_directory: str | os.PathLike[str] = ".", **options: Unpack[Words]) -> RunConfiguration:
    """A run of a script with its parameters (AZ-143).

    source_directory: packed as the run's code. options: those of Words. Raises UsageError for what cannot be
    meant together and NotFound for files that are not there.
    """
    return Making("Estimator", source_directory, options).made()


def PyTorch(source_directory: str | os.PathLike[str] = ".", **options: Unpack[Words]) -> RunConfiguration:
    """An `Estimator` for PyTorch: its preset unless packages or an environment are said (AZ-145, AZ-146).

    distributed_training: nccl, gloo or mpi; several processes without it are PyTorch's own. Warns where an
    environment turns the preset off.
    """
    if options.get("process_count_per_node", 1) > 1:
        options.setdefault("distributed_training", "nccl")
    return Making("PyTorch", source_directory, options).made()


def TensorFlow(
    source_directory: str | os.PathLike[str] = ".",
    *,
    worker_count: int | None = None,
    parameter_server_count: int = 0,
    **options: Unpack[Words],
) -> RunConfiguration:
    """An `Estimator` for TensorFlow, which is installed unless packages or an environment are said (AZ-145).

    worker_count, parameter_server_count: processes that TF_CONFIG tells of; or distributed_training="mpi"
    with process_count_per_node.
    """
    if worker_count is not None or parameter_server_count:
        if options.get("distributed_training") not in (None, "parameter_server"):
            raise UsageError("worker_count belongs to parameter servers", "leave distributed_training out")
        processes = (worker_count or 1) + parameter_server_count
        options["distributed_training"] = Distribution(
            type="tensorflow", processes=processes, parameter_servers=parameter_server_count
        )
        options["process_count_per_node"] = processes
    return Making("TensorFlow", source_directory, options).made()


def SKLearn(source_directory: str | os.PathLike[str] = ".", **options: Unpack[Words]) -> RunConfiguration:
    """An `Estimator` for scikit-learn: its preset, and one process (AZ-145).

    Warns where an environment turns the preset off.
    """
    if options.get("process_count_per_node", 1) != 1 or options.get("distributed_training") is not None:
        raise UsageError("scikit-learn has one process", "n_jobs of its estimators uses several cores")
    return Making("SKLearn", source_directory, options).made()


class Making:
    """One estimator on its way to a configuration."""

    def __init__(self, kind: str, source: str | os.PathLike[str], words: Words) -> None:
        unknown = sorted(words.keys() - Words.__annotations__.keys())
        if unknown:
            raise UsageError(
                f"{kind} has no {unknown[0]}", f"it has {', '.join(sorted(Words.__annotations__))}"
            )
        if "entry_script" not in words:
            raise UsageError(f"{kind} needs an entry_script", "a file in the source directory")
        self._kind = kind
        self._words = words
        self._source = Path(source).expanduser().resolve()
        self._data: dict[str, DataInput] = {}
        self._outputs = {name: out or DataOutput() for name, out in words.get("outputs", {}).items()}

    def made(self, command: Sequence[Any] | None = None) -> RunConfiguration:
        """The configuration; command: its words, which may be data, in place of the script's."""
        words = self._words
        if words.get("node_count", 1) != 1:
            raise UsageError("a run uses one machine", "node_count=1, with several processes on it")
        script = self._source / words["entry_script"]
        if words["entry_script"] and not script.is_file():
            raise NotFound(f"there is no {script}", "entry_script is a file in the source directory")
        experiment = words.get("experiment", "default")
        if not valid_experiment_name(experiment):
            raise UsageError(f"{experiment[:80]!r} is no name of an experiment", "letters, digits, _ and -")
        for name, item in words.get("inputs", {}).items():
            self._data[self._checked(name)] = self._input(item)
        processes = words.get("process_count_per_node", 1)
        if command is None:
            command_words = ["python", words["entry_script"], *self._arguments()]
        else:
            command_words = [self._value("data", word) for word in command]
        distribution = self._distribution(processes)
        gpus = words.get("gpus")
        return RunConfiguration(
            command=command_words,
            code=str(self._source),
            experiment=experiment,
            target=_named(words.get("compute_target")),
            data_inputs=self._data,
            outputs=self._outputs,
            environment=self._environment(),
            distribution=distribution,
            environment_variables=dict(words.get("environment_variables", {})),
            gpus=gpus if gpus is not None else processes if words.get("use_gpu") else 0,
            shm_size=words.get("shm_size"),
            timeout=words.get("max_run_duration_seconds"),
        )

    def _arguments(self) -> list[str]:
        found: list[str] = []
        for name, value in self._words.get("script_params", {}).items():
            found.append(self._word(name))
            if isinstance(value, str) and not value:
                continue
            values = value if isinstance(value, list | tuple) else [value]
            found += [self._value(name, one) for one in values]
        return found

    def _value(self, flag: str, value: Any) -> str:
        """The word of one value; data is named by what the machine replaces."""
        if isinstance(value, DataOutput):
            name = self._free(flag)
            self._outputs[name] = value
            return f"${{{{outputs.{name}}}}}"
        if isinstance(value, DataInput | os.PathLike | IsData):
            item = self._input(value)
            name = next((known for known, data in self._data.items() if data == item), None) or self._free(
                flag
            )
            self._data[name] = item
            return f"${{{{inputs.{name}}}}}"
        return self._word(str(value))

    def _word(self, word: str) -> str:
        if has_expressions(word):
            raise UsageError(f"{word[:80]!r} holds an expression", "give the data itself as the value")
        return word

    def _free(self, flag: str) -> str:
        """A name for data after the flag it follows: --data-folder is data_folder."""
        name = re.sub(r"\W", "_", flag.lstrip("-"), flags=re.ASCII) or "data"
        name = self._checked(f"_{name}" if name[0].isdigit() else name)
        taken = self._data.keys() | self._outputs.keys()
        return next(each for each in (name, *(f"{name}_{n}" for n in range(2, 999))) if each not in taken)

    def _checked(self, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name[:80]!r} is no name for data", "a letter or _, then letters, digits and _"
            )
        return name

    def _input(self, value: Any) -> DataInput:
        if isinstance(value, DataInput):
            return value
        if isinstance(value, str):
            return DataInput(path=value)
        if isinstance(value, os.PathLike):
            path = Path(value).expanduser().resolve()
            if not path.exists():
                raise NotFound(f"there is no {path}", "a path as a value is data of this side")
            return DataInput(type="uri_folder" if path.is_dir() else "uri_file", path=str(path))
        if isinstance(value, IsData):
            return value.as_input()
        raise UsageError(f"{type(value).__name__} is no data", "a dataset, a DataInput or a Path")

    def _distribution(self, processes: int) -> Distribution | None:
        if not 1 <= processes <= MOST_PROCESSES:
            raise UsageError(f"process_count_per_node is 1 to {MOST_PROCESSES}", f"not {processes}")
        asked = self._words.get("distributed_training")
        if asked is None:
            if processes == 1:
                return None
            raise UsageError("several processes need distributed_training", "mpi, gloo or nccl")
        if isinstance(asked, Distribution):
            return asked
        known = _TRAININGS[self._kind]
        kind = known.get(asked.lower().replace("_", ""))
        if kind is None:
            raise UsageError(
                f"{self._kind} has no training by {asked[:40]!r}", ", ".join(known) or "one process"
            )
        return Distribution(type=kind, processes=processes)

    def _environment(self) -> str | None:
        """What its Python is made of; what is said by hand turns off what comes by itself (AZ-146)."""
        words = self._words
        image = words.get("custom_docker_image")
        files = ("pip_requirements_file", "conda_dependencies_file")
        packages = [name for name in ("pip_packages", "conda_packages") if words.get(name)]
        said = [name for name in ("environment", *files) if words.get(name) is not None]
        if len(said) > 1 or (said and packages) or (image and said not in ([], ["conda_dependencies_file"])):
            both = [*said, *packages, *(["custom_docker_image"] if image else [])]
            raise UsageError(f"{' and '.join(both)} exclude each other", "one of them says what is installed")
        if image and words.get("use_docker") is False:
            raise UsageError("custom_docker_image and use_docker=False exclude each other", "leave one out")
        if self._kind != "Estimator" and (said or image):
            by_hand = said[0] if said else "custom_docker_image"
            package = _PACKAGES[self._kind]
            message = f"{by_hand} is said, so {package} does not come by itself: it must be in there"
            warnings.warn(message, UserWarning, stacklevel=4)
        if words.get("environment") is not None:
            return self._known(str(words.get("environment")))
        if said:
            key = "requirements" if said == [files[0]] else "conda_file"
            file = Path(str(words.get(said[0]))).expanduser()
            file = file if file.is_absolute() else self._source / file
            if not file.is_file():
                raise NotFound(f"there is no {file}", f"{said[0]} is relative to the source directory")
            return reference.inline({key: str(file.resolve()), "image": image})
        if image and not packages:
            return f"image:{reference.checked_image(image)}"
        return self._installed(image)

    def _installed(self, image: str | None) -> str | None:
        """The framework's preset, or the packages that are said with the framework's own."""
        words = self._words
        version, package = words.get("framework_version"), _PACKAGES.get(self._kind)
        if version is not None and package is None:
            raise UsageError("framework_version belongs to a framework", "PyTorch, TensorFlow or SKLearn")
        pip, conda = list(words.get("pip_packages", ())), list(words.get("conda_packages", ()))
        if not pip and not conda and version is None and self._kind in (*_PRESETS, "Estimator"):
            return _PRESETS.get(self._kind)
        if package is not None and not image:
            pip.insert(0, package if version is None else f"{package}=={version}")
        if not any(re.match(r"python\s*([=<>!~]|$)", each) for each in conda):
            conda.insert(0, "python")
        mapping: dict[str, Any] = {"dependencies": [*conda, {"pip": pip}] if pip else conda}
        return reference.inline({"conda": mapping, "image": image})

    def _known(self, text: str) -> str:
        found = reference.read(text)
        if found.form is not Form.FILE:
            return text
        path = Path(found.text).expanduser()
        path = (path if path.is_absolute() else self._source / path).resolve()
        if not path.exists():
            raise NotFound(f"there is no {path}", "an environment's file is relative to the source directory")
        return f"{path}/" if path.is_dir() else str(path)


def _named(target: Any) -> str | None:
    """The name of a target, or of what has one."""
    if target is None or isinstance(target, str):
        return target
    return str(target.name)
