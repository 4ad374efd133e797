"""The doctor's line about containers: whether one really runs here, tried with an image of nothing."""

import io
import os
import tarfile
import time
from typing import Dict, List, Optional, Tuple

from workbench.remote.containers.calls import Answer, call
from workbench.remote.containers.engine import (
    DOCKER,
    PODMAN,
    SWITCHED_OFF,
    Engine,
    NoEngine,
    NoneInstalled,
    by_hand,
    find_engine,
)
from workbench.remote.containers.trouble import explained
from workbench.remote.doctor.checks import Check, ailing, well

TRIAL = "localhost/workbench-doctor:%d"
SECONDS = 60.0
UNKNOWN = "environments that are images fail here as it is; what it says of itself may tell why"
SLOW = 10.0
"""Seconds for a start that say that something is wrong with it."""
FITS = 48
"""Letters of a runroot with which podman starts at once; from 50 on it waits 20 s each time (4.3)."""
SHORT = "have a short runroot in its storage.conf, as /run/user/UID/containers or /run/containers/storage"
SYSTEM = ("/bin", "/lib", "/lib32", "/lib64", "/usr")
"""What of this machine the trial's container sees, so that there is a program in it."""


def judge_containers(command=None):
    # type: (Optional[str]) -> Check
    """Whether environments that are images can be run here. command: the target's setting."""
    try:
        engine = find_engine(command)
    except NoneInstalled:
        return well("containers", "no docker, podman or nerdctl: no environments that are images")
    except NoEngine as problem:
        if command == SWITCHED_OFF:
            return well("containers", problem.message)
        return ailing("containers", "warn", problem.message, problem.hint, problem.fix)
    name = ("%s %s" % (engine.kind, engine.version)).strip()
    if engine.kind not in (DOCKER, PODMAN):
        return well("containers", "%s answers" % name)
    failed, seconds = trial(engine)
    if failed is not None:
        return judge_failure(name, engine, failed)
    if seconds > SLOW and engine.kind == PODMAN:
        return judge_slow(name, engine, seconds)
    return judge_well(name, engine)


def judge_well(name, engine):
    # type: (str, Engine) -> Check
    """The line for an engine whose trial ran."""
    how = "rootless" if engine.rootless else "as root's daemon" if engine.kind == DOCKER else "as root"
    return well("containers", "%s runs containers, %s" % (name, how))


def judge_slow(name, engine, seconds):
    # type: (str, Engine, float) -> Check
    """The line for a podman that took long to start the trial: its sockets are below its runroot, and names
    of sockets are short, so that it waits in vain for one whose name does not fit."""
    told = call(engine.argv + ["info", "--format", "{{.Store.RunRoot}}"], SECONDS)
    root = told.out.strip() if told.code == 0 else ""
    if len(root) <= FITS:
        return judge_well(name, engine)
    said = "%s takes %.0f s to start a container: its runroot has a path of %d letters, which is too long"
    fix = by_hand(engine.argv) + " --format '{{.Store.RunRoot}} {{.Store.ConfigFile}}'"
    text = said % (name, seconds, len(root))
    return ailing("containers", "warn", text, SHORT, fix)


def judge_failure(name, engine, failed):
    # type: (str, Engine, Answer) -> Check
    """The line for an engine whose trial failed."""
    trouble = explained(failed.err)
    if trouble is None:
        text = "%s runs no container: %s" % (name, failed.last_words() or "no word why")
        return ailing("containers", "warn", text, UNKNOWN, by_hand(engine.argv))
    text = "%s runs no container: %s" % (name, trouble.words)
    return ailing("containers", "warn", text, trouble.hint, trouble.fix)


def trial(engine):
    # type: (Engine) -> Tuple[Optional[Answer], float]
    """Run `true` in an image made here, with this machine's own programs: how that failed, or None, and the
    seconds it took.

    The image is empty, and removed again.
    """
    image = TRIAL % os.getpid()
    made = call(engine.argv + ["import", "-", image], SECONDS, empty_image())
    if made.code != 0:
        return made, 0.0
    try:
        argv = engine.argv + ["run", "--rm", "--init", "--network", "host"]
        for folder in SYSTEM:
            if os.path.isdir(folder):
                argv += ["--volume", "%s:%s:ro" % (folder, folder)]
        begun = time.monotonic()
        done = call(argv + ["--entrypoint", "/bin/true", image], SECONDS)
        return (None if done.code == 0 else done), time.monotonic() - begun
    finally:
        call(engine.argv + ["rmi", "--force", image], SECONDS)


def empty_image():
    # type: () -> bytes
    """A tar of a root that has nothing but the folders an engine mounts things at."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for folder in ("proc", "dev", "sys", "etc", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
    return held.getvalue()
