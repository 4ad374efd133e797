"""Podman for real, in folders of its own, with images made here: no registry, no daemon, nobody else's storage.

`podman` is the fixture: one storage a test process. Its `command` is what a target's settings would name, so
everything that uses it goes the way that a user's choice of an engine goes.
"""

from __future__ import annotations

import io
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.engine_storage import own_storage, short_folder
from tests.machines.ground import Ground
from tests.machines.rig import missing, need
from workbench.remote.forms import protocol

TINY = "localhost/tiny:1"
"""busybox and nothing else."""
SYSTEM = "localhost/python:1"
"""busybox with the interpreter that runs the tests, from its own files."""
BARE = "localhost/bare:1"
"""One program, no shell."""
LIMITS = 'default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]'
RUNC = 'runtime = "runc"\ncgroup_manager = "cgroupfs"'
APPLETS = [
    "sh",
    "ls",
    "cat",
    "echo",
    "sleep",
    "env",
    "id",
    "true",
    "false",
    "kill",
    "mkdir",
    "touch",
    "head",
    "tail",
    "wc",
    "dd",
    "df",
    "ps",
    "seq",
    "umask",
    "readlink",
    "wget",
    "ip",
]
LEFT_OUT = {
    "test",
    "idlelib",
    "ensurepip",
    "site-packages",
    "tkinter",
    "lib2to3",
    "turtledemo",
    "__pycache__",
}


class Podman:
    """One storage and its images."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "containers.conf"
        variables = own_storage(folder, "overlay", "[containers]\n" + LIMITS, RUNC)
        self.argv = ["env", *(f"{name}={value}" for name, value in variables.items()), "podman"]

    @property
    def command(self) -> str:
        """As a target's settings name it."""
        return shlex.join(self.argv)

    def ask(self, *words: str, given: bytes | None = None) -> str:
        """What podman answers; fails the test when it fails."""
        done = subprocess.run([*self.argv, *words], input=given, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode()

    def containers(self) -> list[str]:
        """The names of all containers there are, running or not."""
        return self.ask("ps", "--all", "--format", "{{.Names}}").split()

    def make(self, name: str, content: bytes, *changes: str) -> None:
        """An image from a tar of its files. changes: such as "ENV A=b"."""
        options = [word for change in changes for word in ("--change", change)]
        self.ask("import", *options, "-", name, given=content)

    def close(self) -> None:
        """End what still runs and take the storage away."""
        subprocess.run(
            [*self.argv, "rm", "--all", "--force", "--time", "0"], capture_output=True, check=False
        )
        subprocess.run([*self.argv, "unshare", "true"], capture_output=True, check=False)
        subprocess.run(
            ["umount", "-l", str(self.folder / "graph" / "overlay")], capture_output=True, check=False
        )
        shutil.rmtree(self.folder, ignore_errors=True)


def tarred(files: Iterable[tuple[str, Path]], links: Iterable[tuple[str, str]] = ()) -> bytes:
    """A tar of files (place in the image, file here) and symbolic links, with the folders that every root has."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for folder, mode in (
            ("tmp", 0o1777),
            ("proc", 0o555),
            ("dev", 0o755),
            ("etc", 0o755),
            ("sys", 0o555),
        ):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        for place, file in files:
            entry = tar.gettarinfo(str(file.resolve()), arcname=place.lstrip("/"))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            with file.resolve().open("rb") as opened:
                tar.addfile(entry, opened)
        for place, target in links:
            entry = tarfile.TarInfo(place.lstrip("/"))
            entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, target, 0o777
            tar.addfile(entry)
    return held.getvalue()


def busybox() -> Path:
    """A busybox that needs no library."""
    found = shutil.which("busybox")
    if found is None:
        missing("busybox-static")
    assert found is not None
    return Path(found)


def shell_parts() -> tuple[list[tuple[str, Path]], list[tuple[str, str]]]:
    """Files and links of a root that has a shell."""
    return [("bin/busybox", busybox())], [(f"bin/{name}", "busybox") for name in APPLETS]


def python_parts() -> list[tuple[str, Path]]:
    """The files of the interpreter that runs the tests: itself, its library, and what the loader needs."""
    program = Path(os.path.realpath(sys.executable))
    library = Path(sysconfig.get_path("stdlib"))
    found = [(str(program), program)]
    for folder, below, names in os.walk(library):
        below[:] = [name for name in below if name not in LEFT_OUT and not name.startswith("config-")]
        found += [(str(Path(folder, name)), Path(folder, name)) for name in names if not name.endswith(".a")]
    binaries = [program, *library.glob("lib-dynload/*.so")]
    needed = sorted({place for binary in binaries for place in libraries_of(binary)})
    return found + [(place, Path(place)) for place in needed]


def libraries_of(binary: Path) -> set[str]:
    """The shared libraries a file is linked with, by their paths."""
    told = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=False).stdout
    return {word for line in told.splitlines() for word in line.split() if word.startswith("/")}


def import_images(engine: Podman) -> None:
    """TINY, SYSTEM and BARE."""
    files, links = shell_parts()
    engine.make(TINY, tarred(files, links))
    more = [("bin/python3", os.path.realpath(sys.executable))]
    engine.make(SYSTEM, tarred([*files, *python_parts()], [*links, *more]), "ENV OF_THE_IMAGE=yes")
    engine.make(BARE, tarred([("busybox", busybox())]))


@pytest.fixture(scope="session")
def podman() -> Iterator[Podman]:
    """Podman with the images TINY and SYSTEM; only root can, without user namespaces being set up."""
    need("podman", "runc", "conmon")
    if os.geteuid() != 0:
        pytest.skip("rootless containers need a range of user ids")
    made = Podman(short_folder())
    try:
        import_images(made)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def examined(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine's environments of its images."""
    return examine(podman, tmp_path_factory.mktemp("examined"))


def examine(engine: Podman, folder: Path) -> Path:
    """A machine's environments of TINY, SYSTEM and BARE, made ready once by runs in them."""
    ground = Ground(folder)
    try:
        wanted = ((TINY, "true"), (SYSTEM, "true"), (BARE, "/busybox"))
        runs = [ground.submit([word], environment_build=build_of(engine, image)) for image, word in wanted]
        for run in runs:
            status = ground.wait(run)
            assert status["transitions"][-1]["state"] == protocol.COMPLETED, status
    finally:
        ground.close()
    return Path(ground.machine.root, "environments")


@pytest.fixture
def known_images(ground: Ground, examined: Path) -> None:
    """The test's machine has the images' environments already, as any but the first run finds them."""
    shutil.copytree(examined, Path(ground.machine.root, "environments"), dirs_exist_ok=True)


def build_of(podman: Podman, image: str = TINY, **changes: Any) -> dict[str, Any]:
    """A spec's environment_build for an image. container: what else is said of the container."""
    container = {"engine": podman.command, **changes.pop("container", {})}
    key = "image-" + image.rpartition("/")[2].replace(":", "-").lower()
    found = {"key": key, "kind": "image", "name": "tiny", "version": 1, "image": image, **changes}
    return {**found, "container": container}
