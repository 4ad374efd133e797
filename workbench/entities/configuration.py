"""A run configuration: what is asked for, before anything ran (the command job YAML's fields we know)."""

from __future__ import annotations

from workbench.entities.base import Entity


class Retries(Entity, frozen=True, kw_only=True):
    """How often a run is tried again by itself, in the same folder, and after which ends."""

    count: int
    on: list[str] = []
    """Causes (remote.retrying.CAUSES); empty = what is the machine's fault: reboot, or its keepers lost."""


class OnEnd(Entity, frozen=True, kw_only=True):
    """One thing a run's machine does when the run is over: a command, or a webhook."""

    command: list[str] | str | None = None
    """As the run's own: a list is an exact argv, one text a shell line."""
    webhook: str | None = None
    """The address that is posted to."""
    webhook_secret: str | None = None
    """The name of the run's secret that is the address."""
    allow: list[str] = []
    """Hosts that may be posted to; a private address only when it stands here itself."""
    plain_http: bool = False
    sign: str | None = None
    """The name of the run's secret that signs what is posted."""


class DataInput(Entity, frozen=True, kw_only=True):
    """A file or folder that a run reads, by the job YAML's words."""

    type: str = "uri_folder"
    """uri_file, uri_folder, mltable, mlflow_model, custom_model or triton_model."""
    path: str
    """As it was written: a path here, MACHINE:PATH, a URL, azureml:NAME:VERSION, data:NAME, model:NAME@X."""
    mode: str = "ro_mount"
    """ro_mount, download: in place where the machine has it, else from its cache; direct: only the path."""
    asset: str | None = None
    """What path meant when it was submitted: data:NAME:VERSION or model:NAME:VERSION; absent = no version."""


class DataOutput(Entity, frozen=True, kw_only=True):
    """A file or folder that a run writes and that is kept under a name of its own."""

    type: str = "uri_folder"
    path: str | None = None
    """Where it goes: a path on the machine or an address of a datastore; absent = the run's own outputs/."""
    mode: str = "rw_mount"
    """rw_mount, upload (when the command has ended) or direct."""
    name: str | None = None
    """The dataset it becomes a version of; absent = none."""


class Distribution(Entity, frozen=True, kw_only=True):
    """Several processes of one command on one machine, each told its rank (AZ-148)."""

    type: str = "pytorch"
    """pytorch, tensorflow or mpi."""
    processes: int = 1
    """All of them, parameter servers too."""
    parameter_servers: int = 0
    """Of the processes, those that TensorFlow's TF_CONFIG calls ps."""


class RunConfiguration(Entity, frozen=True, kw_only=True):
    """Everything that says how to run a command; a YAML file, a command line or a form make one."""

    command: list[str] | str
    """A list is an exact argv, one text a shell line or script; its ${{...}} are replaced already."""
    template: list[str] | str | None = None
    """The command before its ${{inputs.x}} were replaced; absent = it names no input."""
    code: str | None = None
    """The directory that is packed; absent = run in an empty one. A fact of the submitting side."""
    experiment: str = "default"
    name: str | None = None
    """The display name; absent = one is made up."""
    description: str | None = None
    target: str | None = None
    tags: dict[str, str | None] = {}
    inputs: dict[str, str | int | float | bool] = {}
    written: dict[str, str] = {}
    """Inputs as they were written, where that is not their value's plain text: 3e-4 for 0.0003."""
    data_inputs: dict[str, DataInput] = {}
    """Inputs that are files or folders; the machine knows where they lie, so it replaces their ${{...}}."""
    outputs: dict[str, DataOutput] = {}
    """Named outputs; replaced on the machine as well."""
    environment: str | None = None
    """NAME:VERSION of an environment, or an interpreter's absolute path on the target; absent = its own.

    Before a submit anything that environments.reference reads: a name, a file, one written out."""
    distribution: Distribution | None = None
    shm_size: int | None = None
    """Bytes of shared memory of a run in a container; absent = its engine's."""
    docker_args: list[str] = []
    """Further words for the engine that runs the container."""
    environment_variables: dict[str, str] = {}
    cpus: int | None = None
    """Threads that numeric libraries may start, and a container's cores; absent = all of the machine."""
    services: dict[str, str] = {}
    """Named services that the file asked for -> tensorboard, jupyter or ssh; they are started on demand."""
    gpus: int | None = None
    """Absent = the target's default; 0 hides them."""
    priority: int = 0
    timeout: float | None = None
    """Seconds the command may run."""
    grace: float | None = None
    retries: Retries | None = None
    setup: list[str] = []
    secrets: list[str] = []
    """Names of secrets; values travel apart and appear in no record."""
    on_end: list[OnEnd] = []
    """What its machine does when it is over, one after the other."""
    collect_outputs: bool = True
    ingest: bool | list[str] = True
    """Whether logs of the command's own are read beside the run; or which, as patterns."""
    mlflow: bool | None = None
    """Whether MLflow's calls are answered beside the run; None: where its interpreter has MLflow."""
    snapshot_code: bool = True
