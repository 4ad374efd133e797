"""What a machine has to build environments with: uv, conda, interpreters, and which system it is."""

import glob
import os
import re
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

from workbench.remote.doctor.python_checks import PLACES, UV
from workbench.remote.gpus.devices import ask
from workbench.remote.machine import Machine

OLDEST_UV = (0, 5, 0)
"""The oldest uv of a machine's own that is used; an older one gets ours beside it."""
CONDAS = (
    "micromamba", "~/micromamba/bin/micromamba", "~/.local/bin/micromamba", "~/bin/micromamba",
    "conda", "~/miniforge3/bin/conda", "~/mambaforge/bin/conda", "~/miniconda3/bin/conda",
    "~/anaconda3/bin/conda", "/opt/conda/bin/conda", "/opt/miniforge3/bin/conda",
)  # fmt: skip
CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/cacert.pem",
)  # fmt: skip
ASK_SECONDS = 15.0
QUESTION = (
    "import sys, os, platform, sysconfig; print(repr(("
    "'%d.%d.%d' % sys.version_info[:3], sysconfig.get_config_var('SOABI') or '', platform.machine(), "
    "sys.implementation.name, platform.libc_ver(), os.path.realpath(sys.executable))))"
)
MINOR = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?\Z")
LIMIT = re.compile(r"\s*(>=|<=|>|<|==|!=|~=)\s*(\d+(?:\.\d+)*)(\.\*)?\s*\Z")
NEWEST = 20  # of Python 3, that is looked for by name
MOST = 24  # interpreters that are asked

Chosen = Tuple[Optional[Dict[str, Any]], List[Dict[str, Any]]]


def certificates():
    # type: () -> Optional[str]
    """The system's own certificates, which know of proxies that look inside; None where there are none."""
    return next((path for path in CERTIFICATES if os.path.exists(path)), None)


def uv_copy(machine, version):
    # type: (Machine, str) -> str
    """Where our copy of a version of uv is, once it was sent."""
    return os.path.join(machine.root, "uv", version, "uv")


def find_uv(machine, version):
    # type: (Machine, Optional[str]) -> Optional[str]
    """The uv of this version: our copy, or the machine's own; any new enough where none is wanted."""
    if version and re.match(r"[0-9A-Za-z.+-]{1,40}\Z", version):
        copy = uv_copy(machine, version)
        if os.access(copy, os.X_OK):
            return copy
    for path, number in own_uvs():
        if (number == version) if version else new_enough(number):
            return path
    return None


def own_uvs():
    # type: () -> List[Tuple[str, str]]
    """(path, version) of each uv that the machine has without us."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep) + [os.path.dirname(sys.executable)]
    candidates = [os.path.join(folder, "uv") for folder in folders if folder]
    found = []  # type: List[Tuple[str, str]]
    for candidate in candidates + [os.path.expanduser(place) for place in UV]:
        if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):
            if candidate not in [path for path, _ in found]:
                said = (ask([candidate, "--version"], ASK_SECONDS) or "").split()
                if len(said) > 1 and said[0] == "uv":
                    found.append((candidate, said[1]))
    return found


def new_enough(version):
    # type: (str) -> bool
    """Whether a uv of this version can do what is asked of it."""
    numbers = re.findall(r"\d+", version)[:3]
    return tuple(int(number) for number in numbers) >= OLDEST_UV


def find_conda():
    # type: () -> Optional[str]
    """micromamba, else conda, where the machine has one."""
    import shutil

    for name in CONDAS:
        found = shutil.which(name) if "/" not in name else os.path.expanduser(name)
        if found and os.access(found, os.X_OK) and not os.path.isdir(found):
            return found
    return None


def candidates_for(wanted):
    # type: (Optional[str]) -> List[str]
    """Paths where an interpreter of this version, or within these limits, may be, the likeliest first."""
    fits = MINOR.match(wanted or "")
    names = ["python%s.%s" % fits.groups()[:2]] if fits else []
    names.append("python3")
    if wanted and not fits:  # the newest of those that fit, where the usual one does not
        minors = ["3.%d" % minor for minor in range(NEWEST, 5, -1)]
        names += ["python" + minor for minor in minors if within(minor + ".99", wanted)]
    folders = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    found = [os.path.join(folder, name) for name in names for folder in folders]
    for pattern in PLACES:
        for name in names:
            found += sorted(glob.glob(os.path.expanduser(os.path.join(os.path.dirname(pattern), name))))
    found += [sys.executable]
    seen = set()  # type: set[str]
    unique = []
    for path in found:
        if os.access(path, os.X_OK) and not os.path.isdir(path) and os.path.realpath(path) not in seen:
            seen.add(os.path.realpath(path))
            unique.append(path)
    return unique


def about(path):
    # type: (str) -> Optional[Dict[str, Any]]
    """{"path", "version", "abi", "machine", "implementation", "libc": [name, version]} of an interpreter.

    path is what it really is, so that no shim that chooses another later is built upon.
    """
    said = ask([path, "-I", "-S", "-c", QUESTION], ASK_SECONDS)
    try:
        import ast

        version, abi, machine, implementation, libc, real = ast.literal_eval((said or "").strip())
    except (ValueError, SyntaxError, TypeError):
        return None
    return {
        "path": real, "version": version, "abi": abi, "machine": machine, "implementation": implementation,
        "libc": list(libc) if libc[0] else ["musl" if glob.glob("/lib/ld-musl-*") else "", ""],
    }  # fmt: skip


def fits_version(version, wanted):
    # type: (str, Optional[str]) -> bool
    """Whether an interpreter's version is the wanted one, given to two or three numbers, or within limits."""
    if wanted and not wanted[:1].isdigit():
        return within(version, wanted)
    return not wanted or version == wanted or version.startswith(wanted.rstrip(".") + ".")


def within(version, limits):
    # type: (str, str) -> bool
    """Whether a version is within limits such as ">=3.9,<3.13"; what is no limit limits nothing."""
    found = [int(number) for number in version.split(".")]
    for limit in limits.split(","):
        match = LIMIT.match(limit)
        if match is None:
            continue
        sign, numbers, star = match.groups()
        wanted = [int(number) for number in numbers.split(".")]
        begins = found[: len(wanted)] == wanted
        longest = wanted + [0] * (len(found) - len(wanted))
        fits = {
            ">=": found >= wanted,
            ">": found > longest,
            "<": found < wanted,
            "<=": found <= longest,
            "==": begins if star else found == longest,
            "!=": not (begins if star else found == longest),
            "~=": found >= wanted and found[: len(wanted) - 1] == wanted[:-1],
        }
        if not fits[sign]:
            return False
    return True


def installed_pythons(machine):
    # type: (Machine) -> List[str]
    """The interpreters that uv fetched for us."""
    return sorted(glob.glob(os.path.join(glob.escape(python_folder(machine)), "*", "bin", "python3")))


def python_folder(machine):
    # type: (Machine) -> str
    """Where uv puts interpreters that it fetches for us."""
    return os.path.join(machine.root, "uv", "python")


def choose_python(wanted, preferred, fetched=()):
    # type: (Optional[str], Optional[str], Sequence[str]) -> Chosen
    """The interpreter to build with, and all that were looked at.

    wanted: a version such as 3.11, or limits such as >=3.9,<3.13. preferred: a path, the target's own choice.
    fetched: paths of those that uv put there for us.
    """
    seen = []  # type: List[Dict[str, Any]]
    paths = ([preferred] if preferred else [sys.executable]) + candidates_for(wanted)
    paths = paths[: MOST - len(fetched)] + list(fetched)
    for path in paths[:MOST]:
        found = about(path)
        if found is None or found["path"] in [one["path"] for one in seen]:
            continue
        seen.append(found)
        if fits_version(found["version"], wanted):
            return found, seen
    return None, seen
