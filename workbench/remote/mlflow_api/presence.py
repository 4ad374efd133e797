"""Whether a run gets an MLflow endpoint: decided by what is installed, without starting anything."""

import glob
import os
import re
import sys
from typing import Any, Dict, Iterator, List, Mapping

URI = "MLFLOW_TRACKING_URI"
_FOLDERS = ("lib/python3*/site-packages", "lib64/python3*/site-packages", "lib/python3/dist-packages",
            "local/lib/python3*/dist-packages")  # fmt: skip
_PROGRAM = re.compile(r"(?<![^\s\"'=(;&|])~?/[^\s\"';&|()<>$]*/bin/[\w.+-]+")


def wanted(spec, environment):
    # type: (Dict[str, Any], Mapping[str, str]) -> bool
    """Whether a run gets an endpoint. environment: of its command.

    Not where its configuration says `mlflow: off` or the user has a tracking server, nor where its
    interpreter has no MLflow, nor one that its command or setup lines name by its path, such as
    /home/ann/venv/bin/python or ~/venv/bin/activate, unless the configuration says `mlflow: on`: a setup
    line may bring it otherwise.
    """
    asked = spec.get("mlflow")
    if asked is False or environment.get(URI):
        return False
    if asked is True or has_mlflow(str(spec.get("python") or sys.executable), environment):
        return True
    lines = [str(spec.get("command") or "")] + [str(line) for line in spec.get("setup") or []]
    return any(has_mlflow(program, environment) for program in _programs(lines, environment))


def _programs(lines, environment):
    # type: (List[str], Mapping[str, str]) -> Iterator[str]
    """The programs of environments that lines of shell name by their whole paths."""
    home = environment.get("HOME", "/nonexistent")
    for word in _PROGRAM.findall("\n".join(lines)):
        path = os.path.join(home, word[2:]) if word.startswith("~/") else word
        if os.path.isfile(path):
            yield path


def has_mlflow(python, environment):
    # type: (str, Mapping[str, str]) -> bool
    """Whether an interpreter can import mlflow, told by its folders alone: starting it costs too much."""
    folders = [folder for folder in environment.get("PYTHONPATH", "").split(os.pathsep) if folder]
    prefixes = [os.path.dirname(os.path.dirname(os.path.abspath(python)))]
    if not os.path.exists(os.path.join(prefixes[0], "pyvenv.cfg")) or _shared(prefixes[0]):
        prefixes.append(os.path.dirname(os.path.dirname(os.path.realpath(python))))
        prefixes.append(os.path.join(environment.get("HOME", "/nonexistent"), ".local"))
        prefixes += ["/usr/local", "/usr"] if prefixes[1] in ("/usr", "/usr/local") else []
    for prefix in prefixes:
        for pattern in _FOLDERS:
            folders += glob.glob(os.path.join(glob.escape(prefix), pattern))
    return any(os.path.isfile(os.path.join(folder, "mlflow", "__init__.py")) for folder in folders)


def _shared(prefix):
    # type: (str) -> bool
    """Whether a virtual environment also sees what is installed outside of it."""
    try:
        with open(os.path.join(prefix, "pyvenv.cfg"), encoding="utf-8", errors="replace") as opened:
            return "include-system-site-packages = true" in opened.read(8192).lower()
    except OSError:
        return True
