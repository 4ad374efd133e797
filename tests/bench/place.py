"""Where the benchmarks of whole jobs run: a real sshd on loopback, a home and a local server of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.machines.rig import SSHD, SshServer
from workbench.home import find_home
from workbench.workspace import Workspace

DEADLINE = 60.0
MISSING = "sshd or ssh is not installed"


def has_ssh() -> bool:
    """Whether the programs are there that a machine needs to be reached."""
    return all(shutil.which(program) for program in (SSHD, "ssh", "ssh-keygen"))


class Place:
    """A user with a local server, and one machine named m1 reached over ssh.

    folder: short, for the socket's path; removed at the end with everything in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.machine = folder / "m1"
        self.machine.mkdir(mode=0o711)
        self.server = SshServer(self.machine, "m1", home=None, shell="bash", rc="", options=[])
        environ = {"PATH": os.environ["PATH"], "WORKBENCH_HOME": str(folder / "wb"), "HOME": str(folder)}
        self.home = find_home(environ)
        self.environ = {**_plain_environ(), **environ}

    def attach(self, workspace: Workspace, transport: str = "asyncssh") -> None:
        """Make the machine a target of the workspace."""
        settings = {
            "address": "m1",
            "transport": transport,
            "ssh_config": str(self.server.ssh_config),
            "root": str(self.machine / "root"),
            "lease_dir": str(self.machine / "lease"),
        }
        workspace.call("compute", "attach", name=f"m1-{transport}", kind="ssh", settings=settings)

    def ssh(self, *words: str) -> list[str]:
        """The argv of a command on the machine by the system's ssh, connecting anew."""
        return ["ssh", "-F", str(self.server.ssh_config), "m1", *words]

    def stop_server(self) -> None:
        """End the local server, if one runs, and wait for it."""
        pid = self.server_pid()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            until(lambda: not _lives(pid), "the local server to end")

    def server_pid(self) -> int | None:
        """The local server's process; None when none lives."""
        try:
            lines = self.home.server_log.read_text().splitlines()
        except OSError:
            return None
        for line in reversed(lines):
            if " as process " in line:
                pid = int(line.partition(" as process ")[2].split(",")[0])
                return pid if _lives(pid) else None
        return None


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """A place for as long as the block lasts; this process talks to its server meanwhile."""
    if os.getuid() == 0:
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="wbb-"))
    made = Place(folder)
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(made.environ)
    try:
        made.server.start()
        yield made
    finally:
        os.environ.clear()
        os.environ.update(before)
        made.stop_server()
        made.server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def connected(where: Place) -> Iterator[Workspace]:
    """A client of the place's local server, which is started on demand."""
    with Workspace.open("default", embedded=False, home=where.home) as workspace:
        yield workspace


def until(condition: object, what: str) -> None:
    """Wait until condition() is true, at most DEADLINE seconds; raises TimeoutError."""
    assert callable(condition)
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {DEADLINE} s for {what}")
        time.sleep(0.01)


def quiet(argv: list[str], cwd: Path | None = None) -> None:
    """Run a command to its end, its output dropped; raises CalledProcessError."""
    subprocess.run(argv, cwd=cwd, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def _lives(pid: int) -> bool:
    # It is a child of ours that nobody waits for: once over it stays a zombie until we end.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _plain_environ() -> dict[str, str]:
    kept = ("LANG", "LC_ALL", "TMPDIR", "USER", "LOGNAME")
    environ = {name: os.environ[name] for name in kept if name in os.environ}
    return {**environ, "GIT_CONFIG_GLOBAL": os.devnull, "NO_COLOR": "1"}
