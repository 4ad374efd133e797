"""Reads a `.runconfig` of the first SDK as a job, under either spelling of its keys (AZ-126 to AZ-131).

It becomes the tree of a job file whose values stand where they stood, so every mistake is told with its line
and everything else is said by the one reader of job files.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from workbench.errors import NotFound
from workbench.runs.job_fields import DISTRIBUTIONS
from workbench.runs.runconfig_data import Uses, read_data, read_references, read_written
from workbench.runs.runconfig_environment import read_container, read_environment
from workbench.runs.runconfig_tree import Fields, mapping, text
from workbench.runs.yaml_tree import Mapping, Node, Place, Problem, Scalar, Sequence

SUFFIX = ".runconfig"
FOLDERS = (".azureml", "aml_config")
"""Where configurations are saved, by name; the project is the folder above."""

_KNOWN = (
    "script", "arguments", "target", "framework", "communicator", "max_run_duration_seconds", "node_count",
    "priority", "environment", "history", "docker", "tensorflow", "mpi", "pytorch", "data", "output_data",
    "data_references", "command", "environment_variables",
)  # fmt: skip
_NO_MATTER = (
    "spark", "hdi", "paralleltask", "parallel_task", "amlcompute", "aml_compute", "kubernetescompute",
    "kubernetes_compute", "source_directory_data_store", "auto_prepare_environment",
)  # fmt: skip
"""Written into every file, and of no meaning to a run of another framework on a machine of one's own."""
_REFUSED = {
    "application_endpoints": "interactive services are there for every run: wb run forward; leave it out",
    "credential_passthrough": "a run acts as the user who signs in to the machine; leave it out",
}
_COMMUNICATORS = {
    "none": "", "parameterserver": "tensorflow", "openmpi": "mpi", "intelmpi": "mpi", "mpi": "mpi",
    "nccl": "pytorch", "gloo": "pytorch",
}  # fmt: skip


def find_runconfig(name: str, start: Path) -> Path:
    """The file of a configuration's name: in start or the nearest folder above that has it; a path is itself.

    Raises NotFound, naming where it was looked for.
    """
    if name.endswith(SUFFIX) or "/" in name:
        return Path(name)
    start = start.resolve()
    for folder in (start, *start.parents):
        for below in FOLDERS:
            file = folder / below / f"{name}{SUFFIX}"
            if file.is_file():
                return file
    places = " and ".join(f"{below}/{name}{SUFFIX}" for below in FOLDERS)
    raise NotFound(f"there is no {places} in {start} or above it", "name the file itself, or a job file")


def project_of(file: Path) -> Path:
    """The directory that a configuration's script lies in: above .azureml, else beside the file."""
    folder = file.resolve().parent
    return folder.parent if folder.name in FOLDERS else folder


def job_tree(root: Node, problems: list[Problem], script: str | None, words: list[str] | None) -> Node:
    """The tree of the job that a configuration means; what is wrong is noted in problems.

    script, words: what the command line says in place of the file's script and arguments.
    """
    fields = Fields(root, "", problems)
    fields.known(_KNOWN, ignored=_NO_MATTER, refused=_REFUSED)
    uses = Uses()
    entries: dict[str, Node | None] = {
        "code": Scalar(fields.place, ".", False),
        "compute": fields.scalar("target") or text(fields.place, "local"),
        "environment": read_environment(fields),
        "environment_variables": _variables(fields),
        "distribution": _distribution(fields),
        "limits": mapping(fields.place, {"timeout": fields.scalar("max_run_duration_seconds")}),
        "resources": mapping(
            fields.place, {"priority": fields.scalar("priority"), **read_container(fields), **_nodes(fields)}
        ),
        "workbench": mapping(fields.place, _history(fields)),
    }
    inputs = {**read_references(fields, uses), **read_data(fields, uses)}
    outputs = {**uses.written, **read_written(fields)}
    entries["inputs"], entries["outputs"] = mapping(fields.place, inputs), mapping(fields.place, outputs)
    entries["command"] = _command(fields, uses, script, words)
    return mapping(fields.place, entries) or Mapping(fields.place, ())


def _command(fields: Fields, uses: Uses, script: str | None, words: list[str] | None) -> Node:
    """The shell line: the script with its arguments, or the command (AZ-128: never both)."""
    named, command = fields.scalar("script"), fields.node("command")
    if isinstance(command, Scalar) and not command.text.strip():
        command = None
    if command is not None and (named is not None or script is not None):
        fields.complain(command.place, "command", "script and command exclude each other")
        return command
    if command is not None:
        if isinstance(command, Sequence):
            return text(command.place, " ".join(uses.word(item) for item in fields.words("command")))
        return command
    chosen = script if script is not None else named.text if named is not None else None
    if chosen is None:
        fields.complain(fields.place, "script", "is missing: say what to run")
        return text(fields.place, "false")  # it is told once
    place = named.place if named is not None and script is None else Place(words="SCRIPT")
    arguments = fields.words("arguments") if words is None else words
    line = ["python", shlex.quote(chosen), *(uses.word(word) for word in arguments)]
    return text(place, " ".join(line))


def _distribution(fields: Fields) -> Node | None:
    """Several processes, by what is to connect them (AZ-127, AZ-145)."""
    framework, communicator = fields.scalar("framework"), fields.scalar("communicator")
    if framework is not None and framework.text.lower() in ("pyspark", "cntk"):
        fields.complain(framework.place, "framework", f"{framework.text} is not supported; Python is")
    if communicator is None:
        return None
    kind = _COMMUNICATORS.get(communicator.text.replace("_", "").lower())
    if kind is None:
        known = "None, ParameterServer, OpenMpi, IntelMpi, Nccl, Gloo"
        fields.complain(communicator.place, "communicator", f"must be one of {known}")
    if not kind:
        return None
    assert kind in DISTRIBUTIONS
    said = fields.below(kind)
    counts: dict[str, Node | None]
    if kind == "tensorflow":
        counts = {name: said.scalar(name) for name in ("worker_count", "parameter_server_count")}
    else:
        count = said.scalar("process_count_per_node") or said.scalar("process_count")
        counts = {"process_count_per_instance": count}
    return mapping(communicator.place, {"type": text(communicator.place, kind), **counts})


def _nodes(fields: Fields) -> dict[str, Node | None]:
    return {"instance_count": fields.scalar("node_count")}


def _history(fields: Fields) -> dict[str, Node | None]:
    """What is kept of it (AZ-119)."""
    said = fields.below("history")
    said.known(
        ("output_collection", "snapshot_project", "directories_to_watch", "enable_mlflow_tracking"),
        ignored=("enable_m_lflow_tracking", "enable_ml_flow_tracking"),
    )
    watched = [
        word for word in said.words("directories_to_watch") if word.strip("./") not in ("logs", "outputs")
    ]
    if watched:
        words = f"{watched[0]!r} is not collected: write to ./outputs or ./logs"
        said.complain(said.place, "directories_to_watch", words)
    return {
        "collect_outputs": said.scalar("output_collection"),
        "snapshot_code": said.scalar("snapshot_project"),
        "mlflow": _off(said.scalar("enable_mlflow_tracking")),
    }


def _off(switch: Scalar | None) -> Scalar | None:
    """Only an off is said: on is what a run decides by itself."""
    return switch if switch is not None and switch.text.lower() == "false" else None


def _variables(fields: Fields) -> Node | None:
    found: dict[str, Node | None] = {}
    for of in (fields.below("environment"), fields):
        found.update(of.below("environment_variables").entries())
    found = {name: value for name, value in found.items() if name != "EXAMPLE_ENV_VAR"}  # of every template
    return mapping(fields.place, found)
