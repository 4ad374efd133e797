"""What a run needs before it can start: its code, its shims, its folders, the names of its GPUs."""

import glob
import os
import sys
from typing import Any, Dict, Mapping, Optional

from workbench.remote.containers.contained import is_contained
from workbench.remote.forms import protocol
from workbench.remote.gpus import devices
from workbench.remote.machine import Machine
from workbench.remote.queue import leases
from workbench.remote.runs import endings, environ
from workbench.remote.runs.earlier_runs import earlier_lengths
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.supervision.companion_keeping import ingests
from workbench.remote.wire.problems import DISK_FULL, FULL_WORDS

BUILD_FAILED = "BuildFailed"
DATA_PROBLEM = "DataProblem"


class NoInterpreter(Exception):
    """The interpreter a run asks for is not on the machine."""


def prepare(machine, folder, spec, secrets, hold):
    # type: (Machine, RunFolder, Dict[str, Any], Mapping[str, str], Optional[int]) -> Dict[str, Any]
    """Lay out a run's folder; returns {"bin", "site", "devices", "earlier", "parts", "data"}.

    A later attempt keeps the code as the earlier left it. hold: of `environments.places.hold_for`. Raises
    OSError, NoInterpreter, BuildFailed, and what laying out raises.
    """
    from workbench.remote.environments.providing import provide
    from workbench.remote.environments.shims import write_shims
    from workbench.remote.ingest.baseline import write_baseline

    if hold is not None:
        provide(machine, folder, spec, secrets, hold)
    image = None  # type: Optional[Dict[str, Any]]
    if is_contained(spec):
        from workbench.remote.containers.places import data_mounts
        from workbench.remote.containers.preparing import prepare_image

        image = prepare_image(machine, folder, spec, secrets)
    python = spec.get("python") or sys.executable
    if image is None and (not os.access(python, os.X_OK) or os.path.isdir(python)):
        raise NoInterpreter("no interpreter at %s" % python)
    lay_out_code(machine, folder, spec)
    environ.prepare_folders(folder.path, folder.code, folder.outputs, folder.logs)
    data = provide_data(machine, folder, spec)
    if image is not None:
        image["mounts"] = data_mounts(spec, data or {}, folder.path)
    if ingests(spec):
        write_baseline(folder)
    python = python if image is None else str(image["interpreter"])
    bin_dir, site_dir = write_shims(folder.path, machine.payload, python)
    found = [gpu["uuid"] for gpu in devices.list_gpus()] if spec.get("gpus") else []
    usable = leases.resolve_devices(spec.get("devices") or [], found)
    earlier = earlier_lengths(machine, folder.run_id, spec) if spec.get("gpus") or spec.get("slots") else []
    parts = ["mlflow"] if has_endpoint(spec, image) else []
    return {
        "bin": bin_dir,
        "site": site_dir,
        "devices": list(usable),
        "earlier": earlier,
        "parts": parts,
        "data": data,
        "image": image,
    }


def provide_data(machine, folder, spec):
    # type: (Machine, RunFolder, Dict[str, Any]) -> Optional[Dict[str, Any]]
    """Where what it reads and writes lies, made ready; None for a run without."""
    if not spec.get("data"):
        return None
    from workbench.remote.data.providing import provide

    return provide(machine, folder, spec)


def has_endpoint(spec, image=None):
    # type: (Dict[str, Any], Optional[Dict[str, Any]]) -> bool
    """Whether MLflow's calls of this run are answered beside it; in a container only one that reaches us."""
    from workbench.remote.mlflow_api.presence import wanted

    if image is not None:
        if not image["hosted"]:
            return False
        if spec.get("mlflow") is None:
            spec = dict(spec, mlflow=bool(image["mlflow"]))
    return wanted(spec, dict(os.environ, **environ.texts(spec.get("environment_variables"))))


def lay_out_code(machine, folder, spec):
    # type: (Machine, RunFolder, Dict[str, Any]) -> None
    """Put the snapshot into code/, unless an earlier attempt did; no snapshot: an empty directory."""
    for unfinished in glob.glob(glob.escape(folder.code) + ".*.partial"):
        import shutil  # here, in a forked child: a supervisor stays small

        shutil.rmtree(unfinished, ignore_errors=True)
    snapshot = spec.get("snapshot")
    if snapshot and not os.path.isdir(folder.code):
        from workbench.remote.snapshots.layout import lay_out

        lay_out(machine, snapshot, folder.code)


def preparation_failed(error):
    # type: (Dict[str, Any]) -> endings.Ending
    """The ending for an error that `prepare` raised, as `Aside` tells it."""
    message = str(error.get("message"))
    if error.get("type") == BUILD_FAILED:
        words = "the environment could not be built: %s" % message
        full = "disk of the machine is full" in message or "quota on the machine" in message
        return endings.failed(protocol.CAUSE_DISK_FULL if full else protocol.CAUSE_ENVIRONMENT, words)
    if error.get("type") == NoInterpreter.__name__:
        return endings.failed(protocol.CAUSE_COMMAND, message)
    if error.get("type") == DATA_PROBLEM:
        return endings.failed(protocol.CAUSE_DATA, message)
    if error.get("errno") in DISK_FULL:
        why = FULL_WORDS[int(error["errno"])] % "the run's folder"
        return endings.failed(protocol.CAUSE_DISK_FULL, "it could not be prepared: " + why)
    return endings.failed(protocol.CAUSE_SNAPSHOT, "the code could not be laid out: %s" % message)
