"""What a spec says of an environment that is a container image. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from workbench.entities.configuration import RunConfiguration
from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind
from workbench.entities.target import TargetSettings
from workbench.environments.definition import untranslated
from workbench.environments.layered_image import dockerfile_of, files_of, layered


def describe_image(
    name: str,
    version: int,
    definition: EnvironmentDefinition,
    settings: TargetSettings | None = None,
    lock: str | None = None,
) -> dict[str, Any]:
    """The environment_build of an image, or of a Dockerfile that makes one: all a machine needs for it.

    settings: of the target, whose engine has it. lock: of a conda file that is laid on an image.
    """
    engine = settings.container_engine if settings is not None else None
    image, dockerfile, files = definition.image, definition.dockerfile, {}
    if layered(definition):
        files = files_of(definition, lock, untranslated(definition))
        image, dockerfile = None, dockerfile_of(definition)
    parts: list[Any] = [1, image, dockerfile, definition.context, *([files] if files else [])]
    text = json.dumps(parts if engine is None else [*parts, engine], separators=(",", ":"), ensure_ascii=True)
    return {
        "key": "image-" + hashlib.sha256(text.encode("ascii")).hexdigest()[:32],
        "kind": EnvironmentKind.IMAGE.value,
        "name": name,
        "version": version,
        "image": image,
        "dockerfile": dockerfile,
        "context": definition.context,
        **({"files": files} if files else {}),
        "variables": dict(definition.variables),
        "container": {"engine": engine},
    }


def contained(spec: dict[str, Any], build: dict[str, Any], configuration: RunConfiguration) -> dict[str, Any]:
    """A run's spec with its container: what the configuration says of it.

    Setup lines of the target prepare the machine's own shell (modules, its conda); in a container only those
    of the run are run, and no login shell.
    """
    container = {
        **build["container"],
        "shm_size": configuration.shm_size,
        "docker_args": list(configuration.docker_args),
        "cpus": configuration.cpus,
    }
    return {
        **spec,
        "setup": list(configuration.setup),
        "login_shell": False,
        "environment_build": {**build, "container": container},
    }
