"""The environment and container of a `.runconfig` as a job file says them (AZ-129, AZ-130). Pure."""

from __future__ import annotations

from workbench.runs.runconfig_tree import Fields, mapping, text
from workbench.runs.yaml_tree import Mapping, Node
from workbench.text.asset_reference import NAME

_ENVIRONMENT = (
    "name", "version", "environment_variables", "python", "docker", "asset_id",
)  # fmt: skip
_ENVIRONMENT_NO_MATTER = ("spark", "inferencing_stack_version", "databricks", "label")
_PYTHON = (
    "user_managed_dependencies", "interpreter_path", "conda_dependencies_file", "conda_dependencies",
    "base_conda_environment",
)  # fmt: skip
_DOCKER = (
    "enabled", "use_docker", "base_image", "base_dockerfile", "arguments", "shm_size", "base_image_registry",
)  # fmt: skip
_DOCKER_NO_MATTER = ("shared_volumes", "gpu_support", "platform", "build_context", "preparation")
_DEFAULT_SIZE = "2g"


def read_environment(fields: Fields) -> Node | None:
    """What its Python is made of: an interpreter that is there, a conda file, an image, a registered name."""
    said = fields.below("environment")
    said.known(
        _ENVIRONMENT, ignored=_ENVIRONMENT_NO_MATTER, refused={"r": "R is not supported; leave it out"}
    )
    python = said.below("python")
    python.known(_PYTHON)
    base = python.node("base_conda_environment")
    if base is not None:
        words = "an existing conda environment is named by its interpreter: userManagedDependencies: true"
        python.complain(base.place, "base_conda_environment", words)
    image = _image(fields)
    name = said.scalar("name")
    named = {"name": name} if name is not None and NAME.fullmatch(name.text) else {}
    if python.on("user_managed_dependencies"):
        path = python.scalar("interpreter_path")
        if image is not None:
            return mapping(said.place, {"image": image, **named})
        absolute = path is not None and path.text.startswith("/")
        return mapping(said.place, {"python": path}) if absolute else None  # python: the target's own
    conda = python.scalar("conda_dependencies_file") or python.node("conda_dependencies")
    if conda is None and image is None:
        version = said.scalar("version")
        return mapping(said.place, {**named, "version": version}) if named else None
    if isinstance(conda, Mapping) and not conda.entries:
        conda = None
    return mapping(said.place, {"conda_file": conda, "image": image, **named})


def _image(fields: Fields) -> Node | None:
    """The image of a run in a container; where docker is off the file's image means nothing."""
    inner = fields.below("environment").below("docker")
    for docker in (inner, fields.below("docker")):
        docker.known(_DOCKER, ignored=_DOCKER_NO_MATTER)
    if not _contained(fields):
        return None
    registry = inner.below("base_image_registry")
    for secret in ("username", "password"):
        node = registry.scalar(secret)
        if node is not None:
            words = "sign in to the registry on the machine; leave it out"
            registry.complain(node.place, secret, words)
    file = inner.scalar("base_dockerfile")
    if file is not None:
        words = "write it to a file and name its folder: environment: {build: {path: DIR}} of a job file"
        inner.complain(file.place, "base_dockerfile", words)
        return None
    image, address = inner.scalar("base_image"), registry.scalar("address")
    if image is None:
        inner.complain(inner.place, "base_image", "is missing: docker is on, and no image is named")
        return None
    return text(image.place, f"{address.text}/{image.text}") if address is not None else image


def _contained(fields: Fields) -> bool:
    inner, outer = fields.below("environment").below("docker"), fields.below("docker")
    return inner.on("enabled") or outer.on("use_docker")


def read_container(fields: Fields) -> dict[str, Node | None]:
    """What its engine is told, where it runs in one (AZ-131)."""
    if not _contained(fields):
        return {}
    inner, outer = fields.below("environment").below("docker"), fields.below("docker")
    size = outer.scalar("shm_size") or inner.scalar("shm_size") or text(fields.place, _DEFAULT_SIZE)
    arguments = outer.node("arguments") or inner.node("arguments")
    return {"shm_size": size, "docker_args": arguments}
