"""A storage of containers for tests that start whichever engine there is: never the machine's own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

CONF = """\
{containers}
[engine]
events_logger = "file"
lock_type = "file"
tmp_dir = "{folder}/tmp"
{engine}
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""
STORAGE = """\
[storage]
driver = "{driver}"
graphroot = "{folder}/graph"
runroot = "{folder}/run"
"""
NAMES = ("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF")
"""What podman finds its settings by."""


def short_folder() -> Path:
    """A new folder with a short name, which its maker removes.

    Where the sockets in podman's folders have names longer than the kernel takes (108 bytes, as below the folders
    of a test worker), each start of a container takes 20 seconds.
    """
    return Path(tempfile.mkdtemp(prefix="wbc-"))


def own_storage(folder: Path, driver: str, containers: str = "", engine: str = "") -> dict[str, str]:
    """The variables with which podman keeps everything in a folder; containers, engine: more for its settings.

    Its locks are files there: those it would keep in /dev/shm are the machine's, and there are 2,048 of them.
    """
    conf, storage = folder / "containers.conf", folder / "storage.conf"
    conf.write_text(CONF.format(folder=folder, containers=containers, engine=engine))
    storage.write_text(STORAGE.format(folder=folder, driver=driver))
    return dict(zip(NAMES, (str(conf), str(storage)), strict=True))


def handed_on() -> str:
    """The words of SetEnv with which a server for ssh hands them on to whoever signs in."""
    return " ".join(f'{name}="{os.environ[name]}"' for name in NAMES if name in os.environ)


@pytest.fixture(scope="session", autouse=True)
def engines_apart() -> Iterator[Path]:
    """The folder where podman keeps what these tests have it make, such as a doctor's trial.

    The driver is vfs: nothing is mounted, so the folder can go at any time.
    """
    folder = short_folder()
    before = {name: os.environ.get(name) for name in NAMES}
    os.environ.update(own_storage(folder, "vfs"))
    yield folder
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
    shutil.rmtree(folder, ignore_errors=True)
