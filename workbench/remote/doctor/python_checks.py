"""Which Pythons a machine has, which of them only choose another one, and what `uv` is there."""

import glob
import os
import sys
from typing import Dict, List, NamedTuple, Optional

from workbench.remote.doctor.checks import Check, ailing, well
from workbench.remote.gpus.devices import ask

ASK_SECONDS = 5.0
VERSION = "import sys;print('%d.%d.%d' % sys.version_info[:3])"
MOST = 12  # interpreters that are asked for their version
NAMED = 4  # and named; of more the others are counted
PLACES = (
    "/usr/bin/python3",
    "/usr/local/bin/python3",
    "/opt/conda/bin/python3",
    "~/miniconda3/bin/python3",
    "~/anaconda3/bin/python3",
    "~/miniforge3/bin/python3",
    "~/mambaforge/bin/python3",
    "~/.local/bin/python3",
    "~/.pyenv/versions/*/bin/python3",
    "~/.local/share/uv/python/*/bin/python3",
)
UV = ("~/.local/bin/uv", "~/.cargo/bin/uv", "/usr/local/bin/uv", "/usr/bin/uv")
OLDEST = (3, 8)  # older ones get no fixes any more from anybody who makes packages for training

# shim: a script that looks for the real one each time, as pyenv's are. version: None where it says none.
Python = NamedTuple("Python", [("path", str), ("version", Optional[str]), ("shim", bool)])


def find_pythons(path=None, places=PLACES):
    # type: (Optional[str], object) -> List[Python]
    """Those on PATH and in the usual places, each real one once, at most MOST of them."""
    found = []  # type: List[Python]
    seen = {}  # type: Dict[str, bool]
    folders = (os.environ.get("PATH", os.defpath) if path is None else path).split(os.pathsep)
    candidates = [os.path.join(folder, "python3") for folder in folders if folder]
    for pattern in places:  # type: ignore[attr-defined]
        candidates += sorted(glob.glob(os.path.expanduser(pattern)))
    for candidate in candidates:
        real = os.path.realpath(candidate)
        if real in seen or not os.access(candidate, os.X_OK) or len(found) >= MOST:
            continue
        seen[real] = True
        shim = is_script(candidate)
        version = ask([candidate, "-I", "-S", "-c", VERSION], ASK_SECONDS)
        found.append(Python(candidate, (version or "").strip()[:20] or None, shim))
    return found


def is_script(path):
    # type: (str) -> bool
    """Whether a program is a text for another one."""
    try:
        with open(path, "rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return False


def judge_pythons(found, used, version):
    # type: (List[Python], str, str) -> Check
    """Which there are, and which one runs our side and the runs that name none; its path and version."""
    own = os.path.realpath(used)
    others = [
        "%s %s%s" % (python.path, python.version or "(does not run)", ", a shim" if python.shim else "")
        for python in found
        if os.path.realpath(python.path) != own
    ]
    text = "%s, version %s" % (used, version)
    if others:
        more = " and %d more" % (len(others) - NAMED) if len(others) > NAMED else ""
        text += "; also " + ", ".join(others[:NAMED]) + more
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers and numbers < OLDEST:
        better = newest(found)
        fix = "wb compute set NAME python=%s" % better.path if better is not None else ""
        words = "%s is too old for current packages" % version
        hint = words + ("; a newer one is there" if fix else "; a newer one can be put anywhere, as by uv")
        return ailing("python", "warn", text, hint, fix or "uv python install 3.12")
    return well("python", text)


def newest(found):
    # type: (List[Python]) -> Optional[Python]
    """The newest that is no shim and new enough."""
    fit = [
        (tuple(int(part) for part in python.version.split(".")), python)
        for python in found
        if python.version and not python.shim and all(part.isdigit() for part in python.version.split("."))
    ]
    fit = [pair for pair in fit if pair[0] >= OLDEST]
    return max(fit, key=lambda pair: pair[0])[1] if fit else None


def judge_uv():
    # type: () -> Check
    """Whether `uv` is there: environments are built with it in a fraction of the time."""
    candidates = [os.path.join(folder, "uv") for folder in os.environ.get("PATH", "").split(os.pathsep)]
    for candidate in candidates + [os.path.expanduser(place) for place in UV]:
        if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):
            said = (ask([candidate, "--version"], ASK_SECONDS) or "").split()
            return well("uv", "%s %s" % (candidate, said[1] if len(said) > 1 else "(says no version)"))
    return well("uv", "no uv; nothing needs it, environments are made faster with it")


def python_checks():
    # type: () -> List[Check]
    """Both."""
    version = "%d.%d.%d" % sys.version_info[:3]
    return [judge_pythons(find_pythons(), sys.executable, version), judge_uv()]
