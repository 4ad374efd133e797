"""Building an environment from a conda file, with the conda or micromamba that the machine has."""

import json
import os
from typing import Any, Dict, Mapping

from workbench.remote.environments.steps import StepFailed, Steps
from workbench.remote.environments.tools_here import find_conda
from workbench.remote.environments.uv_steps import TAKEN_OVER, version_of

FILE = "environment.yml"
# A script of conda's needs no activation: interpreter and packages are found by their place.
KEPT = ("CONDARC", "MAMBARC")


def make(steps, build, secrets):
    # type: (Steps, Dict[str, Any], Mapping[str, str]) -> Dict[str, Any]
    """Build it; {"packages", "python", "by"}. Raises StepFailed, Unwanted, OSError."""
    place = steps.place
    conda = find_conda()
    if conda is None:
        words = "there is neither micromamba nor conda on the machine any more"
        raise StepFailed(words)
    described = os.path.join(steps.machine.root, "uv", "for", place.key + ".yml")
    os.makedirs(os.path.dirname(described), 0o700, exist_ok=True)
    with open(described, "wb") as file:
        file.write(str(build.get("conda") or "").encode("utf-8"))
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(TAKEN_OVER) or name in KEPT or name.startswith("CONDA_PKGS_DIRS")
    }
    environment["CONDA_ALWAYS_YES"] = "true"
    try:
        micro = "mamba" in os.path.basename(conda)
        create = [conda, "create", "-y", "-f"] if micro else [conda, "env", "create", "--file"]
        steps.run(create + [described, "-p", place.path], environment, "creating it with " + conda)
    finally:
        os.unlink(described)
    if not os.access(place.python, os.X_OK):
        raise StepFailed("the conda file names no python, so there is none in the environment")
    packages = listed(steps, conda, environment)
    return {"packages": packages, "python": version_of(steps, environment), "by": conda}


def listed(steps, conda, environment):
    # type: (Steps, str, Mapping[str, str]) -> Dict[str, str]
    """What is installed: name -> version, of conda's packages and pip's."""
    try:
        found = json.loads(
            steps.run([conda, "list", "-p", steps.place.path, "--json"], environment).decode("utf-8")
        )
        return {str(one["name"]): str(one["version"]) for one in found}
    except (ValueError, KeyError, TypeError):
        raise StepFailed("%s does not say what it installed" % os.path.basename(conda))
