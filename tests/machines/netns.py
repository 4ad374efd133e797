"""Machines in namespaces of their own: a real link that can be cut, a real power cut, a boot id that changes.

`net` is the fixture; only root can have it. The user sits in one network namespace, each machine in another
with its own process ids, host name, /etc/machine-id, boot id and /var/tmp; a pair of virtual cards joins
them. No address is ever on this host's own network, and all of it is gone when its processes end.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.machines.rig import DEADLINE, SSHD, SshServer, need

PORT = 2222
SEPARATE = ["--net", "--pid", "--uts", "--mount", "--fork", "--mount-proc", "--kill-child"]
BOOT = """\
set -e
hostname {name}
mount --bind {folder}/boot_id /proc/sys/kernel/random/boot_id
mount --bind {folder}/machine-id /etc/machine-id
mount --bind {folder}/var-tmp /var/tmp
echo up > {folder}/up
read wired
exec {init}
"""
CAREFREE = """\
import subprocess, sys, time
subprocess.Popen(sys.argv[1:])
while True:
    time.sleep(1000)
"""


def _until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {DEADLINE} s for {what}")
        time.sleep(0.01)


class NetMachine(SshServer):
    """A machine of the net: an SshServer behind a wire of its own.

    reaps=False: its process 1 collects no orphans, as in many rented containers.
    """

    def __init__(
        self, net: Net, number: int, folder: Path, name: str, home: Path | None, reaps: bool
    ) -> None:
        super().__init__(folder, name, home=home, shell="bash", rc="", options=[])
        self.host = f"10.77.{number}.2"
        self.port = PORT
        self.var_tmp = folder / "var-tmp"
        self.var_tmp.mkdir()
        (folder / "machine-id").write_text(uuid.uuid4().hex + "\n")
        self._net = net
        self._number = number
        self._init = CAREFREE if not reaps else None
        self.write_client_files()

    @property
    def default_lease_dir(self) -> Path:
        """Where this machine keeps locks and leases when nobody says otherwise; seen from outside."""
        return self.var_tmp / f"workbench-{os.getuid()}"

    def start(self) -> None:
        """Boot: a new boot id, every process new, the wire plugged in."""
        (self.folder / "boot_id").write_text(f"{uuid.uuid4()}\n")
        up = self.folder / "up"
        up.unlink(missing_ok=True)
        (self.folder / "sshd_config").write_text(self._config())
        sshd = [SSHD, "-D", "-f", str(self.folder / "sshd_config"), "-E", str(self.log)]
        init = ["/usr/bin/env", "python3", "-c", self._init, *sshd] if self._init else sshd
        script = BOOT.format(
            name=shlex.quote(self.name), folder=shlex.quote(str(self.folder)), init=shlex.join(init)
        )
        listening = self._logged("Server listening on")
        self._process = subprocess.Popen(
            ["unshare", *SEPARATE, "sh", "-c", script],
            stdin=subprocess.PIPE,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"},
        )
        _until(lambda: up.exists() or self._process is None or self._process.poll() is not None, "the boot")
        assert up.exists(), "the machine did not boot"
        self._wire()
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.close()
        _until(lambda: self._logged("Server listening on") > listening, "sshd")

    def stop(self) -> None:
        """A power cut: nobody on the other end of the wire hears anything."""
        process, self._process = self._process, None
        if process is None:
            return
        self._net.ip("link", "set", self._card, "down")
        with contextlib.suppress(ProcessLookupError):
            process.kill()  # --kill-child takes process 1 along, and the kernel all that is in its namespace
        process.wait(DEADLINE)
        if process.stdin is not None:
            process.stdin.close()
        self._net.ip("link", "del", self._card, check=False)  # it may have gone with its other end

    def cut(self) -> None:
        """Pull the wire at the machine's end: whatever is sent is lost without a word."""
        self._inside("ip", "link", "set", "wire", "down")

    def heal(self) -> None:
        """Plug it in again."""
        self._inside("ip", "link", "set", "wire", "up")

    def take_python(self, instead: Path | None = None) -> None:
        """Leave it without any python3 until the next boot; instead: an interpreter it has as `python`."""
        nothing = self.folder / "nothing"
        nothing.touch(mode=0o600)
        for place in {path.resolve() for path in Path("/usr/bin").glob("python3*")}:
            self._inside("mount", "--bind", str(nothing), str(place))
        self._inside("mount", "-t", "tmpfs", "none", "/usr/local/bin")
        if instead is not None:
            self._inside("ln", "-s", str(instead), "/usr/local/bin/python")

    def start_sleepers(self, number: int) -> list[str]:
        """Start so many strangers inside; their process ids."""
        self._inside("sh", "-c", f"for n in $(seq {number}); do setsid sleep 4321 & done >/dev/null 2>&1")
        _until(lambda: len(self.sleepers()) == number, "every one of them to be a sleeper")
        return self.sleepers()

    def sleepers(self) -> list[str]:
        """The process ids of the strangers that live."""
        return self._inside("pgrep", "-x", "-f", "sleep 4321").split()

    def processes(self) -> list[str]:
        """State and command line of all processes inside; "Z" is a zombie."""
        lines = self._inside("ps", "-e", "-o", "stat=,args=").splitlines()
        return [line for line in lines if " ps -e -o " not in line]

    @property
    def _card(self) -> str:
        return f"to{self._number}"

    def _wire(self) -> None:
        assert self._process is not None
        net, far, end = self._net, str(self._process.pid), f"10.77.{self._number}"
        net.ip("link", "add", self._card, "type", "veth", "peer", "name", "wire", "netns", far)
        net.ip("addr", "add", f"{end}.1/24", "dev", self._card)
        net.ip("link", "set", self._card, "up")
        self._inside("ip", "addr", "add", f"{self.host}/24", "dev", "wire")
        self._inside("ip", "link", "set", "lo", "up")
        self._inside("ip", "link", "set", "wire", "up")

    def _inside(self, *words: str) -> str:
        assert self._process is not None, "the machine is off"
        (init,) = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        spaces = ["nsenter", "-t", init, "--net", "--pid", "--mount"]
        done = subprocess.run([*spaces, *words], check=True, capture_output=True, text=True, timeout=DEADLINE)
        return done.stdout


class Net:
    """The user's end of the wires, and the machines at their other ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._machines: list[NetMachine] = []
        self._holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        self._space = f"/proc/{self._holder.pid}/ns/net"
        own = os.readlink("/proc/self/ns/net")
        _until(lambda: os.readlink(self._space) != own or self._holder.poll() is not None, "a namespace")
        self.ip("link", "set", "lo", "up")

    @property
    def through(self) -> list[str]:
        """Words before a command that runs it at the user's end."""
        return ["nsenter", f"--net={self._space}", "--"]

    def ip(self, *words: str, check: bool = True) -> None:
        """Run `ip` at the user's end."""
        subprocess.run(
            [*self.through, "ip", *words], check=check, capture_output=True, text=True, timeout=DEADLINE
        )

    def machine(self, name: str = "", *, home: Path | None = None, reaps: bool = True) -> NetMachine:
        """A machine that is up. home: a folder to share with other machines."""
        number = len(self._machines) + 1
        name = name or f"gpu{number}"
        folder = self._folder / f"machine-{name}"
        folder.mkdir()
        machine = NetMachine(self, number, folder, name, home, reaps)
        self._machines.append(machine)
        machine.start()
        return machine

    def close(self) -> None:
        """End every machine and the user's end."""
        for machine in self._machines:
            machine.stop()
        self._holder.kill()
        self._holder.wait()


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    """Machines in namespaces; skipped where namespaces cannot be made, which in CI is a failure for root."""
    need(SSHD, "ssh-keygen", "ip", "unshare", "nsenter", "ps", "pgrep")
    if os.getuid() != 0:
        pytest.skip("only root can make network namespaces")
    trial = subprocess.run(["unshare", *SEPARATE, "true"], capture_output=True, text=True, check=False)
    if trial.returncode != 0:
        reason = f"namespaces cannot be made here: {trial.stderr.strip()}"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    made = Net(tmp_path)
    yield made
    made.close()
