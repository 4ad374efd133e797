"""Building an environment with uv: a virtual environment, what is locked, and what that came to exactly."""

import json
import os
import stat
from typing import Any, Dict, List, Mapping

from workbench.remote.environments.places import wheel_names
from workbench.remote.environments.steps import StepFailed, Steps
from workbench.remote.environments.tools_here import certificates, find_uv
from workbench.remote.machine import Machine

LOCK = "requirements.lock"
INDEX_SECRET = "UV_INDEX_"
"""How the secrets that uv itself looks for begin: UV_INDEX_NAME_USERNAME, UV_INDEX_NAME_PASSWORD."""
TAKEN_OVER = ("UV_", "PIP_", "PYTHON", "VIRTUAL_ENV", "CONDA_")


def make(steps, build, secrets):
    # type: (Steps, Dict[str, Any], Mapping[str, str]) -> Dict[str, Any]
    """Build it; {"packages", "python", "by"}. Raises StepFailed, Unwanted, OSError."""
    place = steps.place
    interpreter = str(build.get("interpreter") or "")
    if not os.access(interpreter, os.X_OK):
        raise StepFailed("there is no interpreter at %s any more" % (interpreter or "no path"))
    uv = find_uv(steps.machine, build.get("uv"))
    if uv is None:
        raise StepFailed("there is no uv on the machine")
    wheels = sent_wheels(steps, build)
    environment = uv_environment(steps.machine, build, secrets, bool(wheels))
    quiet = ["--no-progress", "--color", "never"]
    steps.run(
        [uv, "venv", "--no-project", "--no-python-downloads"] + quiet + ["--python", interpreter, place.path],
        environment,
        "%s with %s" % (os.path.basename(place.path), interpreter),
    )
    if build.get("lacking"):
        steps.log.say("only conda can install %s: missing, the machine has none" % build["lacking"])
    install(steps, uv, quiet, build, environment, wheels)
    return {"packages": freeze(steps, uv, environment), "python": version_of(steps, environment), "by": uv}


def install(steps, uv, quiet, build, environment, wheels):
    # type: (Steps, str, List[str], Dict[str, Any], Mapping[str, str], List[str]) -> None
    """Install what is locked, exactly that."""
    place = steps.place
    lock = os.path.join(place.path, LOCK)
    text = str(build.get("lock") or "")
    with open(lock, "wb") as file:
        file.write(text.encode("utf-8"))
    argv = [uv, "pip", "sync"] + quiet
    argv += ["--python", place.python, "--compile-bytecode", "--allow-empty-requirements", "--strict"]
    if wheels:
        argv += ["--offline", "--no-index"]
        argv += [word for folder in wheels for word in ("--find-links", folder)]
    if "--hash=" in text:
        argv += ["--require-hashes"]
    steps.run(argv + [lock], environment, "installing what is locked")


def uv_environment(machine, build, secrets, offline):
    # type: (Machine, Dict[str, Any], Mapping[str, str], bool) -> Dict[str, str]
    """What uv finds around it: the user's proxies and certificates, the indexes, one cache for all.

    Credentials come in here and nowhere else: never in an argv, never in a file.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(TAKEN_OVER) or name.startswith("UV_INDEX_")
    }
    # On the same file system as the environments: what is in it is linked, not copied.
    environment["UV_CACHE_DIR"] = os.path.join(machine.root, "uv", "cache")
    environment["UV_LINK_MODE"] = "hardlink"
    environment["UV_NO_PROGRESS"] = "1"
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    if certificates():
        environment.update(UV_SYSTEM_CERTS="1", UV_NATIVE_TLS="1")
    indexes = [str(one) for one in build.get("indexes") or []]
    if indexes and not offline:
        environment["UV_INDEX"] = " ".join(indexes)
    if build.get("index") and not offline:
        environment["UV_DEFAULT_INDEX"] = str(build["index"])
    for name, value in secrets.items():
        if name.startswith(INDEX_SECRET):
            environment[name] = value
    return environment


def sent_wheels(steps, build):
    # type: (Steps, Dict[str, Any]) -> List[str]
    """The folders of the wheels that were sent for a build; none when it takes them from the index.

    Always the same ones: what uv unpacked of a wheel it finds again by the wheel's path and time.
    """
    folders = []
    for sha256, name in wheel_names(build):
        folder = os.path.join(steps.machine.root, "uv", "wheels", sha256)
        if not os.path.exists(os.path.join(folder, name)):
            raise StepFailed("%s is not on the machine any more" % name, "submit again: it is sent anew")
        os.utime(folder)  # when it was of use last
        folders.append(folder)
    return folders


def freeze(steps, uv, environment):
    # type: (Steps, str, Mapping[str, str]) -> Dict[str, str]
    """What is installed: name -> version."""
    argv = [uv, "pip", "list", "--format", "json", "--python", steps.place.python]
    try:
        found = json.loads(steps.run(argv, environment).decode("utf-8"))
        return {str(one["name"]): str(one["version"]) for one in found}
    except (ValueError, KeyError, TypeError):
        raise StepFailed("uv does not say what it installed")


def version_of(steps, environment):
    # type: (Steps, Mapping[str, str]) -> str
    """The version of the environment's interpreter."""
    argv = [steps.place.python, "-I", "-S", "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"]
    return steps.run(argv, environment).decode("ascii", "replace").strip()[:40]


def protect(path):
    # type: (str) -> None
    """Make an environment read-only: its files are shared with the cache and with other environments.

    Root writes all the same; whoever else would change what other runs rely on is refused.
    """
    for folder, _, files in os.walk(path, topdown=False):
        for name in files:
            inside = os.path.join(folder, name)
            mode = os.lstat(inside).st_mode
            if stat.S_ISREG(mode) and mode & 0o222:
                os.chmod(inside, stat.S_IMODE(mode) & ~0o222)
        os.chmod(folder, stat.S_IMODE(os.lstat(folder).st_mode) & ~0o222)
