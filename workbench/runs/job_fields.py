"""The fields of a job file: one table that reads them, checks them, and makes the JSON schema. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """How a field's value is read."""

    IGNORED = "any value, not looked at"
    JOB_TYPE = "the word command"
    TEXT = "text"
    LINE = "one line of text"
    COMMAND = "a shell line or script"
    COUNT = "a whole number, 0 or more"
    POSITIVE = "a whole number, 1 or more"
    ONE = "the number 1"
    INTEGER = "a whole number"
    SECONDS = "a number of seconds over 0"
    GRACE = "a number of seconds, 0 or more"
    BOOLEAN = "true or false"
    LINES = "one text or a list of texts"
    NAMES = "a list of variable names"
    TAGS = "a mapping of names to text or nothing"
    VARIABLES = "a mapping of variable names to text"
    INPUTS = "a mapping of names to values, addresses or {type, path, mode}"
    OUTPUTS = "a mapping of names to nothing or {type, path, mode, name}"
    ENVIRONMENT = "a name, or a mapping"
    DISTRIBUTION = "a mapping with type"
    SERVICES = "a mapping of names to {type}"
    SIZE = "a size such as 2g"
    WORDS = "words as a shell takes them, or a list"
    PATTERNS = "off, or a list of patterns"
    ON_END = "a list of commands and webhooks"
    MAPPING = "a mapping"


@dataclass(frozen=True)
class Field:
    """One field: how it is read, what it does, and for a mapping what may stand in it."""

    kind: Kind
    description: str
    fields: Mapping[str, Field] = field(default_factory=dict)
    not_yet: Mapping[str, str] = field(default_factory=dict)
    """Fields of the format that are known and refused, with what is supported now."""


_ONE_MACHINE = "a run uses one machine; leave it out"

JOB_TYPES_NOT_YET = ("sweep", "pipeline", "automl", "spark", "parallel", "import")

INPUT_TYPES = ("string", "integer", "number", "boolean")
INPUT_KEYS = ("type", "default", "description", "optional", "min", "max", "enum")
MODEL_TYPES = ("mlflow_model", "custom_model", "triton_model")
DATA_TYPES = ("uri_file", "uri_folder", "mltable", *MODEL_TYPES)
DATA_KEYS = ("type", "path", "mode", "description", "optional")
DATA_MODES = ("ro_mount", "download", "direct")
EVALUATED = {"eval_mount": "ro_mount", "eval_download": "download"}
"""Modes of an mltable, and how the folder of one comes then: the script evaluates it."""
OUTPUT_KEYS = ("type", "path", "mode", "name", "description")
OUTPUT_MODES = ("rw_mount", "upload", "direct")

SCHEMES = (
    "azureml", "https", "http", "wasbs", "wasb", "abfss", "abfs", "adl", "az", "s3", "s3a", "gs", "gcs",
    "hdfs", "sftp", "ftp", "ssh", "file",
)  # fmt: skip
"""Beginnings of addresses; a bare input that begins with one is data."""

DISTRIBUTIONS = ("pytorch", "tensorflow", "mpi")
MOST_PROCESSES = 1024
SERVICES = {"tensor_board": "tensorboard", "jupyter_lab": "jupyter", "ssh": "ssh"}
"""Services of the format that every run here has, and what they are called here."""

ENVIRONMENT_KEYS = {
    "python": "PATH of an interpreter on the target, or the version wanted, such as 3.11.",
    "requirements": "A requirements file.",
    "project": "A folder with pyproject.toml and uv.lock.",
    "groups": "Dependency groups of the project that are installed too; extra:NAME for its extras.",
    "conda_file": "A conda file, or its content.",
    "image": "A container image.",
    "build": "{path: DIR, dockerfile_path: NAME}: the image that a Dockerfile makes.",
    "name": "An environment that is registered, or what this one is registered as.",
    "version": "Of the name: which version.",
    "description": "Markdown.",
    "tags": "Names with an optional text.",
    "os_type": "linux.",
}
ENVIRONMENT_SOURCES = ("requirements", "project", "conda_file", "image", "build")
"""What one is made from: one of them, or an image with a conda file on top."""
ENVIRONMENT_REFUSED = {
    "inference_config": "belongs to an endpoint; leave it out",
    "environment_variables": "variables of a run stand in environment_variables of the job",
    "docker": "image or build says what container it is",
}

_RESOURCES = Field(
    Kind.MAPPING,
    "What the run holds while it runs.",
    {
        "gpus": Field(Kind.COUNT, "GPUs; absent = the target's default, 0 hides them."),
        "cpus": Field(
            Kind.POSITIVE, "How many threads numeric libraries may start; a container gets no more cores."
        ),
        "priority": Field(Kind.INTEGER, "Higher starts earlier in the machine's queue."),
        "instance_count": Field(Kind.ONE, "Machines; only 1 is supported now."),
        "shm_size": Field(Kind.SIZE, "Shared memory of a run in a container; elsewhere the machine's own."),
        "docker_args": Field(Kind.WORDS, "Further words for the engine that runs the container."),
    },
    {
        "instance_type": "machine sizes belong to a cloud; name a machine of yours with compute",
        "locations": _ONE_MACHINE,
        "max_instance_count": _ONE_MACHINE,
        "properties": "not supported; leave it out",
    },
)

_LIMITS = Field(
    Kind.MAPPING,
    "When to give up.",
    {"timeout": Field(Kind.SECONDS, "Seconds the command may run.")},
    {name: "belongs to a sweep, which is not supported yet" for name in
     ("max_total_trials", "max_concurrent_trials", "trial_timeout")},
)  # fmt: skip

_WORKBENCH = Field(
    Kind.MAPPING,
    "What only this product knows.",
    {
        "setup": Field(Kind.LINES, "Shell lines run before the command, after the target's own."),
        "secrets": Field(Kind.NAMES, "Names of secrets whose values travel apart and appear in no record."),
        "on_end": Field(Kind.ON_END, "What the machine does when the run is over; see docs/alerts.md."),
        "grace": Field(Kind.GRACE, "Seconds between the polite and the hard end when it is cancelled."),
        "collect_outputs": Field(Kind.BOOLEAN, "Whether outputs/ and logs/ are fetched; default true."),
        "ingest": Field(
            Kind.PATTERNS,
            "Which logs of the command's own are read as it writes them: off, or patterns such as runs/**;"
            " absent = all; see docs/ingest.md.",
        ),
        "mlflow": Field(
            Kind.BOOLEAN,
            "Whether MLflow's calls are answered beside the run: off, or on although its interpreter is only"
            " found by a setup line; absent = where it has mlflow; see docs/mlflow.md.",
        ),
        "snapshot_code": Field(Kind.BOOLEAN, "Whether the code directory is sent; default true."),
        "retry": Field(
            Kind.MAPPING,
            "Trying it again by itself, in its own folder; never after it was cancelled.",
            {
                "count": Field(Kind.COUNT, "How often it is tried again by itself, in its own folder."),
                "on": Field(
                    Kind.NAMES,
                    "After which ends: reboot, lost, exit, signal, out_of_memory, timeout, setup, disk_full;"
                    " absent = reboot and lost, which are the machine's fault.",
                ),
            },
        ),
    },
)

JOB = Field(
    Kind.MAPPING,
    "A command job: what to run, where, and with what.",
    {
        "$schema": Field(Kind.IGNORED, "The address of a schema, for editors."),
        "type": Field(Kind.JOB_TYPE, "The kind of job: command."),
        "command": Field(
            Kind.COMMAND,
            "A shell line, or a script of several; ${{inputs.x}} and ${{outputs.x}} are replaced.",
        ),
        "code": Field(Kind.LINE, "The directory that is sent, relative to this file; absent = an empty one."),
        "environment": Field(
            Kind.ENVIRONMENT, "What its Python is made of; see below. Absent = the target's own interpreter."
        ),
        "compute": Field(Kind.LINE, "The target's name; absent = the default target."),
        "inputs": Field(
            Kind.INPUTS, "Values and data that the command may name as ${{inputs.x}}; see below."
        ),
        "outputs": Field(Kind.OUTPUTS, "Files and folders to keep, named as ${{outputs.x}}; see below."),
        "distribution": Field(
            Kind.DISTRIBUTION,
            "{type: pytorch, tensorflow or mpi, process_count_per_instance: N}: N processes of the command,"
            " each told its rank.",
        ),
        "services": Field(
            Kind.SERVICES,
            "tensor_board, jupyter_lab and ssh, which every run has: wb run forward, wb run shell.",
        ),
        "environment_variables": Field(Kind.VARIABLES, "Set for the command."),
        "resources": _RESOURCES,
        "limits": _LIMITS,
        "tags": Field(Kind.TAGS, "Names with an optional text, to find the run by."),
        "description": Field(Kind.TEXT, "Markdown, as long as needed."),
        "display_name": Field(Kind.LINE, "The run's name; absent = one is made up."),
        "experiment_name": Field(Kind.LINE, "The family of runs it belongs to; default: default."),
        "workbench": _WORKBENCH,
    },
    {
        "name": "a run's id is made for it; use display_name for a name to read",
        "identity": "a run acts as the user who signs in to the machine; leave it out",
        "queue_settings": "not supported; use resources.priority",
        "component": "components are not supported yet; write the command here",
        "jobs": "pipelines are not supported yet; one file holds one command",
        "trial": "sweeps are not supported yet; submit one run for each configuration",
        "search_space": "sweeps are not supported yet; submit one run for each configuration",
        "sampling_algorithm": "sweeps are not supported yet; submit one run for each configuration",
        "objective": "sweeps are not supported yet; submit one run for each configuration",
        "early_termination": "sweeps are not supported yet; submit one run for each configuration",
        "settings": "belongs to a pipeline, which is not supported yet",
        "properties": "properties are not supported in a job file; use tags",
        "version": "belongs to a component, which is not supported yet",
        "is_deterministic": "belongs to a component, which is not supported yet",
        "notification_settings": "mail is not supported; workbench.on_end runs commands and posts webhooks",
        "parent_job_name": "child runs are not supported yet",
        "<<": "YAML merge keys are not supported; write the fields out",
    },
)
