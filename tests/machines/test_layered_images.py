"""A conda file's packages on top of an image: built by a real podman, with pip and with a conda of the image's own."""

from __future__ import annotations

import hashlib
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machines.ground import Ground, ground, untagged
from tests.machines.podman import (
    Podman,
    examined,
    known_images,
    podman,
    python_parts,
    shell_parts,
    tarred,
)
from tests.machines.test_containers import last
from tests.package_index import Index, wheel
from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind
from workbench.entities.target import TargetSettings
from workbench.environments.definition import settled
from workbench.environments.image_build import describe_image
from workbench.remote.forms import protocol

__all__ = ["examined", "ground", "known_images", "podman", "untagged"]
PIP = "localhost/with-pip:1"
CONDA = "localhost/with-conda:1"
FILE = """\
name: vision
dependencies:
  - python={python}
  - ffmpeg=6.0
  - pip:
      - demo
variables:
  COLOUR: blue
"""
OF_CONDA = """\
#!/bin/sh
echo "conda $*"
grep -q 'demo' conda.yml || exit 3
for place; do :; done
mkdir -p "$place/bin" && ln -s /bin/busybox "$place/bin/by-conda" && printf '#!/bin/sh\\necho of conda\\n' > "$place/bin/tool"
chmod 755 "$place/bin/tool"
"""
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(scope="session")
def images(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Podman:
    """One with python and pip's wheel in its library, one with a conda (a stand-in) and no python."""
    files, links = shell_parts()
    library = Path(sysconfig.get_path("stdlib"))
    pip = [(str(path), path) for path in (library / "ensurepip").rglob("*") if path.is_file()]
    more = [("bin/python3", os.path.realpath(sys.executable))]
    more += [(f"bin/{name}", "busybox") for name in ("rm", "ln", "chmod", "printf", "grep", "mv", "cp")]
    podman.make(PIP, tarred([*files, *python_parts(), *pip], [*links, *more]), "ENV OF_THE_IMAGE=yes")
    conda = tmp_path_factory.mktemp("conda") / "conda"
    conda.write_text(OF_CONDA)
    conda.chmod(0o755)
    tools = [(f"bin/{name}", "busybox") for name in ("ln", "chmod", "printf", "grep")]
    podman.make(CONDA, tarred([*files, ("bin/conda", conda)], [*links, *tools]))
    return podman


@pytest.fixture
def index() -> Iterator[Index]:
    made = Index()
    name, body = wheel("demo", "1.5")
    made.files[name], made.pythons[name] = body, ""
    yield made
    made.close()


def described(
    images: Podman, image: str, index: Index | None, lock: str, python: str = HERE
) -> dict[str, object]:
    definition = settled(
        EnvironmentDefinition(
            kind=EnvironmentKind.CONDA,
            conda=FILE.format(python=python),
            image=image,
            index=None if index is None else index.url,
        )
    )
    return describe_image("both", 1, definition, TargetSettings(container_engine=images.command), lock)


def test_a_run_has_the_image_and_the_conda_files_packages(
    ground: Ground, images: Podman, index: Index
) -> None:
    """AZ-134, AZ-135: built once, locked by hash; the image's own python, variables and packages stay."""
    name, body = wheel("demo", "1.5")
    assert index.files[name] == body
    lock = f"demo==1.5 --hash=sha256:{hashlib.sha256(body).hexdigest()}\n"
    build = described(images, PIP, index, lock)
    say = "import demo, os, sys; print(demo.version, os.environ['OF_THE_IMAGE'], sys.prefix)"
    for _ in range(2):
        status, said = ground.finish(["python", "-c", say], environment_build=build)
        assert last(status)["state"] == protocol.COMPLETED, (last(status), said)
        assert said.decode().split() == ["1.5", "yes", "/opt/workbench/env"]
    log = Path(ground.machine.root, "environments", f"{build['key']}.log").read_text()
    assert "only conda can install ffmpeg=6.0: missing" in log
    assert log.count("building localhost/workbench-both:") == 1
    other = described(images, PIP, index, lock.replace("1.5", "1.6"))
    assert other["key"] != build["key"], "another lock is another image"


def test_a_conda_of_the_images_own_installs_the_file(ground: Ground, images: Podman) -> None:
    status, said = ground.finish(["tool"], environment_build=described(images, CONDA, None, "", "2.7"))
    assert (last(status)["state"], said) == (protocol.COMPLETED, b"of conda\n"), status


@pytest.mark.parametrize(
    ("python", "lock", "words", "reason"),
    [
        ("2.7", "", "the conda file wants Python 2.7", "the image has 3."),
        (
            HERE,
            f"demo==1.5 --hash=sha256:{'0' * 64}\n",
            "DO NOT MATCH THE HASHES",
            "THESE PACKAGES DO NOT MATCH",
        ),
    ],
)
def test_what_does_not_fit_fails_the_run_before_it_waits_for_anything(
    ground: Ground, images: Podman, index: Index, python: str, lock: str, words: str, reason: str
) -> None:
    run = ground.submit(["true"], environment_build=described(images, PIP, index, lock, python), slots=1)
    status = ground.wait(run)
    assert last(status)["cause"] == protocol.CAUSE_ENVIRONMENT, status
    said = ground.path(run, "logs/environment.log").read_text()
    assert words in said, said
    assert reason in last(status)["message"]
    assert protocol.QUEUED not in [entry["state"] for entry in status["transitions"]]
