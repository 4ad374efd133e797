"""A docker daemon of a test process's own: its socket, images and containers in a folder, no network set up.

For the tests of containers, in podman's place. Only where Docker's daemon is installed; podman is what each
machine that develops this has.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machines.engine_storage import short_folder
from tests.machines.podman import BARE, SYSTEM, TINY, Podman, import_images

PLACES = os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/sbin:/sbin"
DEADLINE = 60.0


class Docker(Podman):
    """One daemon and its images."""

    def __init__(self, folder: Path, daemon: str) -> None:
        self.folder = folder
        self.socket = folder / "docker.sock"
        self.argv = ["docker", "-H", f"unix://{self.socket}"]
        self._log = (folder / "log").open("wb")
        words = [
            daemon, "-H", f"unix://{self.socket}", "--data-root", str(folder / "data"), "--exec-root",
            str(folder / "exec"), "--pidfile", str(folder / "pid"), "--storage-driver", "vfs",
            "--iptables=false", "--ip6tables=false", "--bridge=none",
            "--exec-opt", "native.cgroupdriver=cgroupfs",
        ]  # fmt: skip
        init = shutil.which("catatonit")
        words += ["--init-path", init] if init is not None else []
        environment = {**os.environ, "PATH": PLACES}
        self.daemon = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, env=environment
        )

    def wait(self) -> None:
        """Until it answers; skips where it does not run, as in a sandbox that allows no mounts."""
        deadline = time.monotonic() + DEADLINE
        while subprocess.run([*self.argv, "info"], capture_output=True, check=False).returncode:
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                words = (self.folder / "log").read_text(errors="replace").splitlines()[-1:]
                self.close()
                pytest.skip(f"dockerd does not run here: {words}")
            time.sleep(0.1)

    def close(self) -> None:
        """End the containers, then the daemon, and take everything away."""
        names = subprocess.run([*self.argv, "ps", "-aq"], capture_output=True, text=True, check=False)
        if names.stdout.split():
            subprocess.run(
                [*self.argv, "rm", "--force", *names.stdout.split()], capture_output=True, check=False
            )
        self.daemon.terminate()
        try:
            self.daemon.wait(30)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
        self._log.close()
        lasting = self.folder / "exec/netns/default"  # the mount that a daemon leaves behind
        subprocess.run(["umount", "-l", str(lasting)], capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def docker() -> Iterator[Docker]:
    """A daemon with the images TINY, SYSTEM and BARE."""
    daemon = shutil.which("dockerd", path=PLACES)
    if daemon is None or shutil.which("docker") is None or os.geteuid() != 0:
        pytest.skip("there is no docker daemon to be started")
    made = Docker(short_folder(), daemon)
    made.wait()
    try:
        import_images(made)
        yield made
    finally:
        made.close()


__all__ = ["BARE", "SYSTEM", "TINY", "Docker", "docker"]
