"""What a run needs before it can start: its code, its shims, its folders, the names of its GPUs."""

import glob
import os
import sys
from typing import Any, Dict

from workbench.remote import devices, endings, environ, leases, protocol
from workbench.remote.companion_keeping import ingests
from workbench.remote.earlier_runs import earlier_lengths
from workbench.remote.machine import Machine
from workbench.remote.problems import DISK_FULL, FULL_WORDS
from workbench.remote.runfolder import RunFolder


class NoInterpreter(Exception):
    """The interpreter a run asks for is not on the machine."""


def prepare(machine, folder, spec):
    # type: (Machine, RunFolder, Dict[str, Any]) -> Dict[str, Any]
    """Lay out a run's folder; returns {"bin", "site", "devices", "earlier", "parts"}.

    A later attempt keeps the code as the earlier left it. Raises OSError, NoInterpreter, and what laying
    out raises.
    """
    from workbench.remote.ingest.baseline import write_baseline
    from workbench.remote.shims import write_shims

    python = spec.get("python") or sys.executable
    if not os.access(python, os.X_OK) or os.path.isdir(python):
        raise NoInterpreter("no interpreter at %s" % python)
    lay_out_code(machine, folder, spec)
    environ.prepare_folders(folder.path, folder.code, folder.outputs, folder.logs)
    if ingests(spec):
        write_baseline(folder)
    bin_dir, site_dir = write_shims(folder.path, machine.payload, python)
    found = [gpu["uuid"] for gpu in devices.list_gpus()] if spec.get("gpus") else []
    usable = leases.resolve_devices(spec.get("devices") or [], found)
    earlier = earlier_lengths(machine, folder.run_id, spec) if spec.get("gpus") or spec.get("slots") else []
    parts = ["mlflow"] if has_endpoint(spec) else []
    return {"bin": bin_dir, "site": site_dir, "devices": list(usable), "earlier": earlier, "parts": parts}


def has_endpoint(spec):
    # type: (Dict[str, Any]) -> bool
    """Whether MLflow's calls of this run are answered beside it."""
    from workbench.remote.mlflow_api.presence import wanted

    return wanted(spec, dict(os.environ, **environ.texts(spec.get("environment_variables"))))


def lay_out_code(machine, folder, spec):
    # type: (Machine, RunFolder, Dict[str, Any]) -> None
    """Put the snapshot into code/, unless an earlier attempt did; no snapshot: an empty directory."""
    for unfinished in glob.glob(glob.escape(folder.code) + ".*.partial"):
        import shutil  # here, in a forked child: a supervisor stays small

        shutil.rmtree(unfinished, ignore_errors=True)
    snapshot = spec.get("snapshot")
    if snapshot and not os.path.isdir(folder.code):
        from workbench.remote.layout import lay_out

        lay_out(machine, snapshot, folder.code)


def preparation_failed(error):
    # type: (Dict[str, Any]) -> endings.Ending
    """The ending for an error that `prepare` raised, as `Aside` tells it."""
    message = str(error.get("message"))
    if error.get("type") == NoInterpreter.__name__:
        return endings.failed(protocol.CAUSE_COMMAND, message)
    if error.get("errno") in DISK_FULL:
        why = FULL_WORDS[int(error["errno"])] % "the run's folder"
        return endings.failed(protocol.CAUSE_DISK_FULL, "the code could not be laid out: " + why)
    return endings.failed(protocol.CAUSE_SNAPSHOT, "the code could not be laid out: %s" % message)
