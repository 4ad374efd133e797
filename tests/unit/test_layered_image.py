"""What lies beside the Dockerfile that lays a conda file's packages on an image."""

from __future__ import annotations

from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind
from workbench.environments.layered_image import INSTALL, files_of, layered


def test_pip_is_told_addresses_of_indexes_and_not_what_uv_calls_them() -> None:
    definition = EnvironmentDefinition(
        kind=EnvironmentKind.CONDA,
        conda="dependencies: [pip]",
        image="docker.io/library/python:3.11",
        index="public=https://packages.example/simple",
        indexes=["corp=https://corp.example/simple?a=b", "https://third.example/simple"],
    )
    assert layered(definition)
    script = files_of(definition, None, [])[INSTALL]
    assert "\nexport PIP_INDEX_URL=https://packages.example/simple\n" in script
    urls = "https://corp.example/simple?a=b https://third.example/simple"
    assert f"\nexport PIP_EXTRA_INDEX_URL='{urls}'\n" in script
