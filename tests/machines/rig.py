"""A rig of real machines: OpenSSH servers on free loopback ports, each with its own keys, home and shell.

Fixtures (named in tests/machines/conftest.py): `make_server` starts an SshServer, `server` is one of them,
`make_proxy` puts a link that can be cut in front of a port.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.machines.cut_proxy import CutProxy
from tests.machines.engine_storage import handed_on
from workbench.entities.target import TargetSettings, Transport

SSHD = "/usr/sbin/sshd"
DEADLINE = 30.0
USER = pwd.getpwuid(os.getuid()).pw_name


def need(*programs: str) -> None:
    """Skip where a program is missing; with CI=true that is a failure, since nothing would be proved."""
    absent = [program for program in programs if shutil.which(program) is None]
    if absent:
        missing(*absent)


def missing(*things: str) -> None:
    """Skip because of what is not installed; with CI=true fail."""
    reason = f"not installed: {', '.join(things)}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


async def until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Wait until condition() is true, at most DEADLINE seconds."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {DEADLINE} s for {what}")
        await asyncio.sleep(0.01)


def free_port() -> int:
    """A loopback port that was free a moment ago; whoever starts a server on it must be ready to retry."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_key(path: Path, passphrase: str = "", kind: str = "ed25519") -> Path:
    """A new key pair at path and path.pub."""
    path.unlink(missing_ok=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "rig", "-f", str(path)],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return path


def descendants(pid: int) -> list[int]:
    """All processes below pid, parents first."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                stat = Path("/proc", entry, "stat").read_text(errors="replace")
                children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


class SshServer:
    """One machine: a real sshd, its host key, one user's key and home, and the client files to reach it."""

    def __init__(
        self, folder: Path, name: str, *, home: Path | None, shell: str, rc: str, options: list[str]
    ) -> None:
        self.folder = folder
        self.name = name
        self.host = "127.0.0.1"
        self.port = 0
        self.user = USER
        self.home = home or folder / "home"
        self.host_key = make_key(folder / "host_key")
        self.client_key = make_key(folder / "client_key")
        self.authorized_keys = folder / "authorized_keys"
        self.known_hosts = folder / "known_hosts"
        self.ssh_config = folder / "ssh_config"
        self.log = folder / "sshd.log"
        self.options = options
        self.shell = shutil.which(shell) or shell
        self._process: subprocess.Popen[bytes] | None = None
        self.home.mkdir(parents=True, exist_ok=True)
        self.authorize(self.client_key)
        if self.plain_bash:
            rc = f'cd "$HOME"\n{rc}'  # sshd starts in the account's own home
        if rc:
            place = {"tcsh": ".tcshrc", "fish": ".config/fish/config.fish", "zsh": ".zshenv"}
            file = self.home / place.get(Path(self.shell).name, ".bashrc")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(rc)

    @property
    def plain_bash(self) -> bool:
        """Whether the account's own shell serves; any other is put in its place by a forced command.

        sshd passes signals on to plain commands only.
        """
        return Path(self.shell).name == "bash" == Path(pwd.getpwuid(os.getuid()).pw_shell).name

    def authorize(self, key: Path) -> None:
        """Let the holder of key in as well."""
        with self.authorized_keys.open("a") as file:
            file.write(key.with_name(key.name + ".pub").read_text())

    @property
    def pid(self) -> int:
        """Of the listening sshd."""
        assert self._process is not None, "the server is stopped"
        return self._process.pid

    @property
    def host_public_key(self) -> str:
        """Algorithm and base64 of the host key."""
        return " ".join(self.host_key.with_name("host_key.pub").read_text().split()[:2])

    @property
    def fingerprint(self) -> str:
        """SHA256:... of the host key, as ssh-keygen says it."""
        words = ["ssh-keygen", "-l", "-f", f"{self.host_key}.pub"]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[1]

    @property
    def known_hosts_line(self) -> str:
        """This server's line in a known_hosts file."""
        return f"[{self.host}]:{self.port} {self.host_public_key}\n"

    def settings(self, *, trust: bool = True, **changes: Any) -> TargetSettings:
        """Settings that reach this machine through its own ssh_config; trust=False: its key is not known."""
        if not trust:
            self.known_hosts.write_text("")
        base: dict[str, Any] = {
            "address": self.name,
            "ssh_config": str(self.ssh_config),
            "transport": Transport.ASYNCSSH,
        }
        return TargetSettings(**{**base, **changes})

    def write_client_files(self, port: int | None = None) -> None:
        """(Re)write known_hosts and ssh_config; port: of a proxy in front of the server."""
        port = port or self.port
        self.known_hosts.write_text(f"[{self.host}]:{port} {self.host_public_key}\n")
        self.ssh_config.write_text(self.config_block(port))

    def config_block(self, port: int | None = None, extra: str = "") -> str:
        """The Host block of an ssh_config for this machine."""
        return (
            f"Host {self.name}\n"
            f"  HostName {self.host}\n"
            f"  Port {port or self.port}\n"
            f"  User {self.user}\n"
            f"  IdentityFile {self.client_key}\n"
            f"  IdentitiesOnly yes\n"
            f"  IdentityAgent none\n"
            f"  UserKnownHostsFile {self.known_hosts}\n"
            f"  GlobalKnownHostsFile /dev/null\n"
            f"{extra}"
        )

    def new_host_key(self) -> None:
        """Another identity for the machine, as after a reinstallation; takes effect at the next start."""
        make_key(self.host_key)

    def connections(self) -> int:
        """How many TCP connections this server has accepted since it was made."""
        return self._logged("Connection from ")

    def _logged(self, text: str) -> int:
        return self.log.read_text(errors="replace").count(text) if self.log.exists() else 0

    def start(self) -> None:
        """Start, on the port it had before if any; another port is taken only the first time."""
        fixed = self.port
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            self.port = fixed or free_port()
            if self._launch():
                self.write_client_files() if not fixed else None
                return
            time.sleep(0.05)
        pytest.fail(f"sshd did not start: {self.log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """End the server and every session on it, as a power cut of sshd would."""
        if self._process is None:
            return
        process, self._process = self._process, None
        below = descendants(process.pid)
        process.kill()
        process.wait(DEADLINE)
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def drop_sessions(self) -> None:
        """End every session while the server keeps listening."""
        for pid in descendants(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def restart(self, *, new_host_key: bool = False) -> None:
        """stop and start on the same port."""
        self.stop()
        if new_host_key:
            self.new_host_key()
        self.start()

    def _launch(self) -> bool:
        config = self.folder / "sshd_config"
        config.write_text(self._config())
        already = self._logged("Server listening on")
        process = subprocess.Popen(self._words(config), stdin=subprocess.DEVNULL, env=_clean_environ())
        while process.poll() is None:
            if self._logged("Server listening on") > already:
                self._process = process
                return True
            time.sleep(0.01)
        return False

    def _words(self, config: Path) -> list[str]:
        return [SSHD, "-D", "-f", str(config), "-E", str(self.log)]

    def _config(self) -> str:
        wrapper = f'cd "$HOME" && exec {shlex.quote(self.shell)} -c "$SSH_ORIGINAL_COMMAND"'
        lines = [
            *self.options,  # sshd takes the first value of a keyword
            f"Port {self.port}",
            f"ListenAddress {self.host}",
            f"HostKey {self.host_key}",
            "PidFile none",
            f"AuthorizedKeysFile {self.authorized_keys}",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin yes",
            "UsePAM no",
            "StrictModes no",
            "UseDNS no",
            "PrintMotd no",
            "MaxStartups 300:30:600",
            "LogLevel VERBOSE",
            "Subsystem sftp internal-sftp",
            f'SetEnv HOME="{self.home}" SHELL="{self.shell}" {handed_on()}',
            *([] if self.plain_bash else [f"ForceCommand {wrapper}"]),
        ]
        return "\n".join(lines) + "\n"


def _clean_environ() -> dict[str, str]:
    """What a system's sshd would have: nothing of the tester's shell."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}


MakeServer = Callable[..., SshServer]


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    """make_server(name="m1", *, home=None, shell="bash", rc="", options=(), start=True) -> SshServer.

    home: share one folder between machines; shell: the login shell; rc: its start-up file's text;
    options: lines put first into sshd_config, so they win.
    """
    need(SSHD, "ssh-keygen")
    servers: list[SshServer] = []

    def make(
        name: str = "",
        *,
        home: Path | None = None,
        shell: str = "bash",
        rc: str = "",
        options: tuple[str, ...] | list[str] = (),
        start: bool = True,
    ) -> SshServer:
        need(shell)
        if os.getuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        name = name or f"m{len(servers) + 1}"
        folder = tmp_path / f"server-{name}"
        folder.mkdir(mode=0o711)
        server = SshServer(folder, name, home=home, shell=shell, rc=rc, options=list(options))
        servers.append(server)
        if start:
            server.start()
        return server

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def server(make_server: MakeServer) -> SshServer:
    """One plain machine."""
    return make_server()


MakeProxy = Callable[[SshServer | int], Any]


@pytest_asyncio.fixture
async def make_proxy() -> AsyncIterator[MakeProxy]:
    """`await make_proxy(server)`: a CutProxy in front of it, which the server's client files then name."""
    proxies: list[CutProxy] = []

    async def make(server: SshServer | int) -> CutProxy:
        proxy = CutProxy(server if isinstance(server, int) else server.port)
        await proxy.start()
        proxies.append(proxy)
        if isinstance(server, SshServer):
            server.write_client_files(proxy.port)
        return proxy

    yield make
    for proxy in proxies:
        await proxy.close()
