"""Whether a machine can run what is a container image, said when a run is submitted (AZ-32)."""

from __future__ import annotations

from workbench.compute.link import Link
from workbench.entities.environment import EnvironmentVersion
from workbench.entities.target import Target
from workbench.environments.layered_image import in_container, layered
from workbench.errors import Refused
from workbench.text.sanitize import clean

ENGINE_SECONDS = 90.0


async def check_engine(link: Link, target: Target, version: EnvironmentVersion | None) -> None:
    """That the machine has a docker-compatible command, where the run's environment is an image.

    Asked of the machine now, so one that was installed a moment ago counts. Raises Refused with what is
    missing, Unreachable.
    """
    if version is None or not in_container(version.definition):
        return
    asked = {"command": target.settings.container_engine}
    answer = await link.call("container_engine", asked, timeout=ENGINE_SECONDS)
    if isinstance(answer, dict) and isinstance(answer.get("engine"), dict):
        return
    said = answer if isinstance(answer, dict) else {}
    why = clean(str(said.get("problem") or "no engine answers"), 500)
    hint = clean(str(said.get("hint") or ""), 500).replace(" NAME ", f" {target.name} ")
    if layered(version.definition):
        hint = f"{hint}; or leave the image out: a conda_file alone is installed on the machine itself"
    raise Refused(
        f"{version.name}:{version.version} is a container image, and {target.name} cannot run one: {why}",
        hint.removeprefix("; or ").strip(),
    )
