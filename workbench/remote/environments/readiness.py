"""What a machine says before it builds an environment: with what it would be built, and what it lacks."""

import os
import subprocess
import zipfile
from typing import Any, Dict, List, Optional

from workbench.remote.environments import tools_here
from workbench.remote.environments.places import WHEEL, Place, check_build, wheel_names
from workbench.remote.environments.steps import last_words
from workbench.remote.environments.uv_steps import uv_environment
from workbench.remote.forms.protocol import SHA256
from workbench.remote.machine import Machine
from workbench.remote.runs.runfolder import remove_quietly
from workbench.remote.wire.problems import RequestError

COPY = 1 << 20
INSTALL_SECONDS = 900.0
MAX_UV = 512 << 20  # bytes


def site(machine, wanted, preferred):
    # type: (Machine, Optional[str], Optional[str]) -> Dict[str, Any]
    """{"python": as `tools_here.about` or null, "seen": [{path, version}], "uv": {path, version} or null (the
    machine's own, new enough), "conda": path or null, "system", "machine"}.
    """
    found, seen = tools_here.choose_python(wanted, preferred, tools_here.installed_pythons(machine))
    own = [(path, version) for path, version in tools_here.own_uvs() if tools_here.new_enough(version)]
    return {
        "python": found,
        "seen": [{"path": one["path"], "version": one["version"]} for one in seen],
        "uv": {"path": own[0][0], "version": own[0][1]} if own else None,
        "conda": tools_here.find_conda(),
        "system": os.uname().sysname.lower(),
        "machine": os.uname().machine,
    }


def needs(machine, build):
    # type: (Machine, Dict[str, Any]) -> Dict[str, Any]
    """{"ready": what `.ready` says or null, "uv": whether it is lacking, "wheels": [[sha256, name]] lacking,
    "folder": where they are put}. Raises ValueError.
    """
    check_build(build)
    place = Place(machine, str(build.get("key")))
    lacking = [one for one in wheel_names(build) if not os.path.exists(wheel_path(machine, *one))]
    for sha256, _ in lacking:
        os.makedirs(wheel_folder(machine, sha256), 0o700, exist_ok=True)
    return {
        "ready": place.read_ready(),
        "uv": tools_here.find_uv(machine, build.get("uv")) is None,
        "wheels": lacking,
        "folder": os.path.join(machine.root, "uv", "wheels"),
    }


def wheel_folder(machine, sha256):
    # type: (Machine, str) -> str
    """The folder of one file that was sent."""
    return os.path.join(machine.root, "uv", "wheels", sha256)


def wheel_path(machine, sha256, name):
    # type: (Machine, str, str) -> str
    """One file that was sent."""
    return os.path.join(wheel_folder(machine, sha256), name)


def install_python(machine, wanted, version):
    # type: (Machine, str, Optional[str]) -> None
    """Have uv fetch an interpreter: what its user agreed to. version: of the uv. Raises RequestError."""
    uv = tools_here.find_uv(machine, version)
    if uv is None:
        raise RequestError("not_found", "there is no uv to fetch a Python with")
    environment = uv_environment(machine, {}, {}, True)
    environment.update(UV_PYTHON_INSTALL_DIR=tools_here.python_folder(machine), UV_PYTHON_DOWNLOADS="manual")
    argv = [uv, "python", "install", "--no-progress", "--color", "never", "--no-bin", wanted]
    try:
        done = subprocess.run(
            argv, env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, timeout=INSTALL_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise RequestError("remote", "Python %s was not there after %g s" % (wanted, INSTALL_SECONDS))
    if done.returncode != 0:
        why = last_words(done.stderr, uv, done.returncode)
        raise RequestError("remote", "Python %s cannot be fetched there: %s" % (wanted, why))


def unpack_uv(machine, version, sha256, name):
    # type: (Machine, str, str, str) -> str
    """Take uv out of its wheel and put it where it is used; its path. Raises RequestError, OSError."""
    if not WHEEL.match(version) or not SHA256.match(sha256) or not WHEEL.match(name):
        raise RequestError("usage", "no wheel of uv: %.80r" % (name,))
    place = tools_here.uv_copy(machine, version)
    source = wheel_path(machine, sha256, name)
    os.makedirs(os.path.dirname(place), 0o700, exist_ok=True)
    partial = "%s.%d.partial" % (place, os.getpid())
    try:
        with zipfile.ZipFile(source) as archive, open(partial, "wb") as out:
            with archive.open(program_in(archive.infolist())) as program:
                while True:
                    block = program.read(COPY)
                    if not block:
                        break
                    out.write(block)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(partial, 0o700)
        os.rename(partial, place)
    except zipfile.BadZipFile as error:
        raise RequestError("conflict", "the wheel of uv is damaged: %s" % error, "try again: it is sent anew")
    finally:
        remove_quietly(partial)
    # It has served: what is kept is the program.
    remove_quietly(source)
    return place


def program_in(members):
    # type: (List[zipfile.ZipInfo]) -> zipfile.ZipInfo
    """The entry of a wheel of uv that is the program. Raises RequestError."""
    for member in members:
        if member.filename.endswith(".data/scripts/uv") and member.file_size < MAX_UV:
            return member
    raise RequestError("conflict", "the wheel of uv has no uv in it")
