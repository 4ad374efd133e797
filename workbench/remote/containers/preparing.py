"""What a run in a container needs before it can start, found out in a child of its supervisor."""

import glob
import os
from typing import Any, Dict, Mapping, Optional

from workbench.remote.containers import arguments, image
from workbench.remote.containers.engine import PODMAN, Engine, NoEngine, find_engine, recalled
from workbench.remote.disk.filelock import lock, remove_locked
from workbench.remote.environments.places import Place, place_of
from workbench.remote.environments.steps import Log, StepFailed, Steps
from workbench.remote.environments.waiting import BuildFailed
from workbench.remote.forms.protocol import dumps
from workbench.remote.forms.record_text import quote
from workbench.remote.gpus.devices import list_gpus
from workbench.remote.machine import Machine
from workbench.remote.runs.records import RecordFile
from workbench.remote.runs.runfolder import RunFolder, write_whole

CDI = ("/etc/cdi", "/var/run/cdi")
CDI_FIX = "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
PATIENCE = 3600.0  # seconds another run may take to bring an image that was removed
KEPT_LOG = 1 << 20
LOG = "environment.log"


class Again(Steps):
    """Steps of a run that brings an image anew by itself: it is wanted as long as this process lives."""

    def check(self):
        # type: () -> None
        """Whoever ends the run ends this process."""


def prepare_image(machine, folder, spec, secrets):
    # type: (Machine, RunFolder, Dict[str, Any], Mapping[str, str]) -> Dict[str, Any]
    """What is known of the run's image, and of the engine that has it; told in the run's record.

    {"engine", "kind", "rootless", "id", "shell", "interpreter", "path", "pythonpath", "gpus", "mlflow", ...}.
    Its environment is ready, and its lock shared. Raises BuildFailed, OSError.
    """
    build = spec["environment_build"]
    asked = image.container_of(build)
    place = place_of(machine, spec)
    ready = place.read_ready() if place is not None else None
    if place is None or ready is None:
        raise BuildFailed("its environment is not ready")
    engine = engine_for(ready, asked.get("engine"), spec)
    if image.inspected(engine, str(ready["image"]["id"])) is None:
        ready = brought_again(machine, folder, engine, place, build, secrets)
    found = dict(ready["image"], engine=list(engine.argv), kind=engine.kind, rootless=engine.rootless)
    found["gpus"] = usable_gpus(engine, spec)
    packages = ready.get("packages") or {}
    network = arguments.network_of([str(word) for word in asked.get("docker_args") or []])
    found["mlflow"] = "mlflow" in packages or "mlflow-skinny" in packages
    found["hosted"] = network in (None, arguments.HOST)
    record(folder, spec, engine, found)
    return found


def engine_for(ready, command, spec):
    # type: (Mapping[str, Any], Optional[str], Mapping[str, Any]) -> Engine
    """The engine that has the image, asked anew only where it may be another. Raises BuildFailed."""
    try:
        known = recalled((ready.get("image") or {}).get("engine"), command)
        if known is not None and (known.gpus is not False or not may_use_gpus(spec)):
            return known
        return find_engine(command)  # what it lacked for GPUs may have been installed since
    except NoEngine as problem:
        raise BuildFailed(problem.message, problem.hint)


def may_use_gpus(spec):
    # type: (Mapping[str, Any]) -> bool
    """Whether a run wants GPUs, or says nothing of them on a machine that has some."""
    wants = spec.get("gpus")
    return wants != 0 and bool(wants or list_gpus())


def brought_again(machine, folder, engine, place, build, secrets):
    # type: (Machine, RunFolder, Engine, Place, Dict[str, Any], Mapping[str, str]) -> Dict[str, Any]
    """The image was removed since it was made ready, or another engine has it: brought, one at a time."""
    path = place.path + ".again"
    held = lock(path, PATIENCE)
    try:
        ready = place.read_ready()
        if ready is not None and image.inspected(engine, str(ready["image"]["id"])) is not None:
            return ready
        log = Log(os.path.join(folder.logs, LOG), secrets.values(), KEPT_LOG)
        try:
            made = image.make(Again(machine, place, log, lambda _: None), build, secrets)
        except StepFailed as failure:
            log.say(failure.message)
            raise BuildFailed(failure.message, failure.hint)
        finally:
            log.close()
        renewed = dict(ready or {}, **made)
        write_whole(place.ready, dumps(renewed))
        return renewed
    finally:
        remove_locked(path, held)


def usable_gpus(engine, spec):
    # type: (Engine, Mapping[str, Any]) -> bool
    """Whether the engine can hand this machine's GPUs on. Raises BuildFailed where the run wants some."""
    wants = spec.get("gpus")
    if not may_use_gpus(spec):
        return False
    if engine.kind == PODMAN and not has_cdi():
        if wants:
            raise BuildFailed(
                "podman does not know this machine's GPUs: there is no CDI description of them", CDI_FIX
            )
        return False
    if engine.gpus is False:
        if wants:
            words = "docker has no nvidia runtime here, so it cannot hand GPUs on"
            raise BuildFailed(words, "install nvidia-container-toolkit there")
        return False
    return True


def has_cdi(folders=CDI):
    # type: (Any) -> bool
    """Whether there is a description of devices for engines (CDI) that has NVIDIA's."""
    for folder in folders:
        for path in glob.glob(os.path.join(glob.escape(folder), "*.*")):
            try:
                with open(path, "rb") as file:
                    if b"nvidia.com/gpu" in file.read(1 << 20):
                        return True
            except OSError:
                continue
    return False


def record(folder, spec, engine, found):
    # type: (RunFolder, Mapping[str, Any], Engine, Mapping[str, Any]) -> None
    """Which image it was exactly, as properties of the run."""
    file = RecordFile(folder.path, folder.run_id, int(spec.get("attempt") or 1))
    told = [("container_image", found.get("name")), ("container_image_id", found.get("id"))]
    told.append(("container_image_digest", (list(found.get("digests") or []) or [None])[0]))
    told.append(("container_engine", "%s %s" % (engine.kind, engine.version)))
    for name, value in told:
        if value:
            file.write('{"k":"property","n":%s,"v":%s' % (quote(name), quote(str(value)[:1000])))
