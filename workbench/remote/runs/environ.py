"""What a run finds around it: its environment variables and its working directory."""

import os
import stat
from typing import Any, Dict, List, Mapping, Optional

from workbench.remote.forms import protocol
from workbench.remote.machine import ENV_BOOT_ID
from workbench.remote.processes.process_trees import ENV_GUARD

# Of the connection that submitted, dead by the time the run uses them; or of a run that submitted this one.
DROPPED = frozenset("SSH_AUTH_SOCK SSH_CLIENT SSH_CONNECTION SSH_TTY SSH_ORIGINAL_COMMAND".split())
MLFLOW = "MLFLOW_"
TRACKING_URI = "MLFLOW_TRACKING_URI"
PASSWORDS = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
# What OpenMP, MKL, OpenBLAS, NumExpr and polars take their number of threads from.
THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "POLARS_MAX_THREADS",
)
DROPPED |= frozenset((ENV_GUARD, ENV_BOOT_ID, "OLDPWD", "PWD", "SHLVL", "_"))


def run_environment(base, spec, run_dir, bin_dir, site_dir, secrets):
    # type: (Mapping[str, str], Dict[str, Any], str, str, str, Mapping[str, str]) -> Dict[str, str]
    """The environment of a run's command.

    base: what the guard was started with. Later ones win: base, ours, the spec's variables, secrets; only
    the run's identity cannot be overruled, and W&B's are set only where nobody has said anything.
    CUDA_VISIBLE_DEVICES is not here: `visible_devices` says it once there is a lease. What the companion
    tells comes in with `with_told`.
    """
    environment = {name: value for name, value in base.items() if name not in DROPPED}
    if protocol.ENV_RUN_ID in base:  # submitted by a run: its tracking server answers for that run alone
        environment = {name: value for name, value in environment.items() if not name.startswith(MLFLOW)}
    environment.update(PYTHONUNBUFFERED="1", CUDA_DEVICE_ORDER="PCI_BUS_ID")
    environment.update(thread_variables(spec))
    environment.update(texts(spec.get("environment_variables")))
    environment.update(texts(secrets_of_command(spec, secrets)))
    if spec.get("ingest") is not False:
        for name, value in offline_variables(run_dir).items():
            environment.setdefault(name, value)
    environment["PATH"] = prefixed(bin_dir, environment.get("PATH") or os.defpath)
    environment["PYTHONPATH"] = prefixed(site_dir, environment.get("PYTHONPATH", ""))
    environment.update(identity_variables(spec, run_dir))
    return environment


def with_told(environment, told):
    # type: (Dict[str, str], Mapping[str, str]) -> Dict[str, str]
    """The environment with what the companion told. What the user set stays, also for another MLflow server:
    then nothing about ours is said, least of all its token."""
    theirs = TRACKING_URI in environment
    found = dict(environment)
    for name, value in told.items():
        if not (theirs and name.startswith(MLFLOW)):
            found.setdefault(name, value)
    if TRACKING_URI in told and not theirs:
        for name in PASSWORDS:  # of another server: they would go before the token
            found.pop(name, None)
        if any(found.get(name) for name in PROXIES):
            direct = [found.get("no_proxy") or found.get("NO_PROXY") or "", "127.0.0.1"]
            found["no_proxy"] = found["NO_PROXY"] = ",".join(filter(None, direct))
    return found


def secrets_of_command(spec, secrets):
    # type: (Mapping[str, Any], Mapping[str, str]) -> Dict[str, str]
    """Without those that came only for the build of its environment: `build_secrets` of its spec."""
    others = spec.get("build_secrets")
    others = others if isinstance(others, list) else []
    return {name: value for name, value in secrets.items() if name not in others}


def identity_variables(spec, run_dir):
    # type: (Dict[str, Any], str) -> Dict[str, str]
    """How a run knows itself, under our names and those that scripts for Azure look for (AZ-106)."""
    run_id = str(spec["run"])
    experiment = str(spec.get("experiment") or "default")
    workspace = str(spec.get("workspace") or "default")
    return {
        protocol.ENV_RUN_ID: run_id,
        protocol.ENV_RUN_DIR: run_dir,
        protocol.ENV_ATTEMPT: str(spec.get("attempt", 1)),
        protocol.ENV_EXPERIMENT: experiment,
        protocol.ENV_WORKSPACE: workspace,
        "AZUREML_RUN_ID": run_id,
        "AZUREML_ARM_PROJECT_NAME": experiment,
        "AZUREML_ARM_WORKSPACE_NAME": workspace,
        "AZUREML_EXPERIMENT_ID": experiment,
        "AZUREML_ARM_RESOURCEGROUP": "local",
        "AZUREML_ARM_SUBSCRIPTION": "00000000-0000-0000-0000-000000000000",
    }


def thread_variables(spec):
    # type: (Dict[str, Any]) -> Dict[str, str]
    """How many threads numeric libraries start, where the run says how many cores it wants."""
    cpus = spec.get("cpus")
    if not isinstance(cpus, int) or cpus < 1:
        return {}
    processes = (spec.get("distribution") or {}).get("processes")
    threads = str(max(1, cpus // (processes if isinstance(processes, int) and processes > 0 else 1)))
    return {name: threads for name in THREADS}


def offline_variables(run_dir):
    # type: (str) -> Dict[str, str]
    """What has W&B write a log that the run's companion reads, unless the user says otherwise.

    It lies in logs/, is collected like everything there, and `wandb sync` takes it.
    """
    return {"WANDB_MODE": "offline", "WANDB_DIR": os.path.join(run_dir, "logs")}


def visible_devices(gpus, devices):
    # type: (Optional[int], List[str]) -> Optional[str]
    """CUDA_VISIBLE_DEVICES of a run: its lease, "" when it wanted none, None to leave it as it is."""
    if devices:
        return ",".join(devices)
    return None if gpus is None else ""


def prefixed(folder, path):
    # type: (str, str) -> str
    """A search path with the folder first."""
    return folder + (os.pathsep + path if path else "")


def prepare_folders(run_dir, code, outputs, logs):
    # type: (str, str, str, str) -> None
    """Make code/outputs and code/logs lead to the run's collected folders (AZ-86)."""
    os.makedirs(code, 0o755, exist_ok=True)
    for name, target in (("outputs", outputs), ("logs", logs)):
        os.makedirs(target, 0o755, exist_ok=True)
        link_collected(os.path.join(code, name), target)


def link_collected(place, target):
    # type: (str, str) -> None
    """Make `place` a link to `target`; what the snapshot brought at that name moves into the target.

    What the target already has is kept: an earlier attempt's results win over the snapshot's.
    """
    try:
        mode = os.lstat(place).st_mode
    except FileNotFoundError:
        mode = 0
    if stat.S_ISLNK(mode):
        os.unlink(place)
    elif stat.S_ISDIR(mode):
        _merge(place, target)
        os.rmdir(place)
    elif mode:
        _move_one(place, os.path.join(target, os.path.basename(place)))
    os.symlink(os.path.relpath(target, os.path.dirname(place)), place)


def _merge(source, target):
    # type: (str, str) -> None
    for name in os.listdir(source):
        inside, place = os.path.join(source, name), os.path.join(target, name)
        if os.path.isdir(inside) and not os.path.islink(inside) and os.path.isdir(place):
            _merge(inside, place)
            os.rmdir(inside)
        else:
            _move_one(inside, place)


def _move_one(inside, place):
    # type: (str, str) -> None
    import shutil  # here: supervisors import this module, and must stay small

    if not os.path.lexists(place):
        os.rename(inside, place)
    elif os.path.isdir(inside) and not os.path.islink(inside):
        shutil.rmtree(inside)
    else:
        os.unlink(inside)


def texts(value):
    # type: (Any) -> Dict[str, str]
    """A mapping's entries as environment variables; what cannot be one (a NUL, "=" in a name) is left out."""
    found = {}
    for name, text in (value or {}).items():
        name, text = str(name), str(text)
        if name and "=" not in name and "\0" not in name + text:
            found[name] = text
    return found
