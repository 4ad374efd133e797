"""Where the benchmarks of whole jobs run: a real sshd on loopback, a home and a local server of their own."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.machines.rig import SSHD, SshServer
from workbench.home import find_home
from workbench.workspace import Workspace

DEADLINE = 120.0
NO_SSH = "sshd or ssh is not installed"
TRANSPORTS = ("asyncssh", "openssh")


def has_ssh() -> bool:
    """Whether the programs are there that a machine needs to be reached."""
    return all(shutil.which(program) for program in (SSHD, "ssh", "ssh-keygen"))


def lasting_folder() -> Path:
    """A temporary folder that is removed when this process ends.

    Not sooner: ext4 makes files slowly for minutes after it was rid of many (it does not take their inodes
    again at once, and looks at each of them), which the benchmarks that come next would measure.
    """
    folder = Path(tempfile.mkdtemp(prefix="wbb-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class Place:
    """A user with a local server, and one machine, m1, that is reached over ssh."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.machine = folder / "m1"
        self.machine.mkdir(mode=0o711)
        self.sshd = SshServer(self.machine, "m1", home=None, shell="bash", rc="", options=[])
        self.environ = {
            **_plain_environ(),
            "HOME": str(folder),
            "WORKBENCH_HOME": str(folder / "wb"),
            "WORKBENCH_SNAPSHOTS__MAX_BYTES": str(8 << 30),
        }
        self.home = find_home(self.environ)

    @property
    def root(self) -> Path:
        """Our folder on the machine."""
        return self.machine / "root"

    def attach(self, workspace: Workspace, transport: str = "asyncssh", name: str = "") -> str:
        """Make the machine a target of the workspace; its name there, the transport's unless given."""
        settings = {
            "address": "m1",
            "transport": transport,
            "ssh_config": str(self.sshd.ssh_config),
            "root": str(self.root),
            "lease_dir": str(self.machine / "lease"),
        }
        workspace.call("compute", "attach", name=name or transport, kind="ssh", settings=settings)
        return name or transport

    def ssh(self, *words: str) -> list[str]:
        """The argv of a command on the machine by the system's ssh, connecting anew."""
        return ["ssh", "-F", str(self.sshd.ssh_config), "m1", *words]

    def server_pid(self) -> int | None:
        """The local server's process; None when none lives."""
        try:
            lines = self.home.server_log.read_text().splitlines()
        except OSError:
            return None
        for line in reversed(lines):
            if " as process " in line:
                pid = int(line.partition(" as process ")[2].split(",")[0])
                return pid if lives(pid) else None
        return None

    def stop_server(self) -> None:
        """End the local server, if one runs, and wait for it."""
        pid = self.server_pid()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            until(lambda: not lives(pid), "the local server to end")


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """A place for as long as the block lasts; the environment of this process is that of its user."""
    if os.getuid() == 0:
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    made = Place(lasting_folder())
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(made.environ)
    try:
        made.sshd.start()
        yield made
    finally:
        os.environ.clear()
        os.environ.update(before)
        try:
            made.stop_server()
        finally:
            made.sshd.stop()


@contextlib.contextmanager
def connected(where: Place) -> Iterator[Workspace]:
    """A client of the place's local server, which is started on demand."""
    with Workspace.open("default", embedded=False, home=where.home) as workspace:
        yield workspace


def submit(workspace: Workspace, target: str, command: list[str] | str, code: Path | None = None) -> Any:
    """Submit a command with a code directory, or in an empty one; the run's details."""
    place = None if code is None else str(code)
    return workspace.submit(workspace.configure(command=command, code=place, target=target))


def until(condition: Callable[[], object], what: str) -> None:
    """Wait until condition() is true, at most DEADLINE seconds; raises TimeoutError."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {DEADLINE} s for {what}")
        time.sleep(0.01)


def lives(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def quiet(argv: list[str], cwd: Path | None = None) -> None:
    """Run a command to its end, its output dropped; raises CalledProcessError."""
    subprocess.run(argv, cwd=cwd, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def _plain_environ() -> dict[str, str]:
    kept = (
        "PATH",
        "LANG",
        "LC_ALL",
        "TMPDIR",
        "USER",
        "LOGNAME",
        "WORKBENCH_BENCH_MLFLOW",
        "WORKBENCH_BENCH_PEERS",
    )
    environ = {name: os.environ[name] for name in kept if name in os.environ}
    return {**environ, "GIT_CONFIG_GLOBAL": os.devnull, "NO_COLOR": "1"}
