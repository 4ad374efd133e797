"""A machine whose sshd asks PAM: accounts, passwords and codes as on any Debian, none of them this machine's.

`pam_server` is the fixture; only root can have it. The server and its accounts live in a mount namespace
with a copy of /etc and an empty /home, and are gone with it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.machines.rig import DEADLINE, SSHD, SshServer, missing, need

FIRST_UID = 61100
PASSWORD = "correct-Horse-7battery"
CODE_MODULE = "pam_google_authenticator.so"


def need_module(name: str) -> None:
    """Skip where a PAM module is missing; with CI=true that is a failure: there is a package of it."""
    places = (Path("/lib"), Path("/usr/lib"), Path("/lib64"), Path("/usr/lib64"))
    if not any(found for place in places for found in place.glob(f"**/security/{name}")):
        missing(name)


class PamServer(SshServer):
    """An sshd with UsePAM in a mount namespace of its own; `add_user` first, then `start`."""

    def __init__(self, folder: Path, options: list[str]) -> None:
        super().__init__(folder, "pam1", home=None, shell="bash", rc="", options=options)
        self._users = 0
        self._secrets: dict[str, bytes] = {}
        etc = folder / "etc"
        shutil.copytree("/etc", etc, symlinks=True)
        shutil.copy(self.authorized_keys, etc / "ssh/rig_keys")  # sshd reads it as the user
        lines = [
            "mount --make-rprivate /",
            f"mount --bind {etc} /etc",
            "mount -t tmpfs -o mode=755 none /home",
            f"touch {folder / 'ready'}",
            "exec sleep infinity",
        ]
        self._holder = subprocess.Popen(["unshare", "--mount", "sh", "-ec", "\n".join(lines)])
        self._until((folder / "ready").exists)

    @property
    def _inside(self) -> list[str]:
        return ["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", "--"]

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert self._holder.poll() is None, "no namespace"
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def administer(self, *words: str, given: str = "") -> str:
        """Run a command as root of this machine."""
        done = subprocess.run(
            [*self._inside, *words],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def add_user(self, name: str, password: str = PASSWORD) -> None:
        """Make an account that the client's key opens as well, and be it from now on."""
        self.administer("useradd", "-m", "-s", "/bin/bash", "-u", str(FIRST_UID + self._users), name)
        self._users += 1
        self.administer("chpasswd", "-c", "SHA512", given=f"{name}:{password}\n")
        self.user = name
        self.home = Path("/home", name)
        if self.port:
            self.write_client_files()

    def require_code(self, name: str) -> None:
        """Let PAM ask that user, and everybody, for a one-time code after the password; or skip."""
        need_module(CODE_MODULE)
        secret = os.urandom(20)
        self._secrets[name] = secret
        text = base64.b32encode(secret).decode("ascii") + '\n" TOTP_AUTH\n" WINDOW_SIZE 5\n'
        file = f"/home/{name}/.google_authenticator"
        self.administer("sh", "-c", f"cat > {file}; chmod 400 {file}; chown {name} {file}", given=text)
        with (self.folder / "etc/pam.d/sshd").open("a") as rules:
            rules.write(f"auth required {CODE_MODULE}\n")

    def code(self, name: str) -> str:
        """The one-time code of now (RFC 6238)."""
        count = struct.pack(">Q", int(time.time()) // 30)
        digest = hmac.new(self._secrets[name], count, hashlib.sha1).digest()
        at = digest[-1] & 15
        return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"

    def close(self) -> None:
        """End the server and forget all of its accounts."""
        self.stop()
        self._holder.kill()
        self._holder.wait()

    def _words(self, config: Path) -> list[str]:
        return [*self._inside, *super()._words(config)]

    def _config(self) -> str:
        lines = [line for line in super()._config().splitlines() if not line.startswith("SetEnv ")]
        first = ["UsePAM yes", "AuthorizedKeysFile /etc/ssh/rig_keys"]
        return "\n".join([*first, *lines]) + "\n"


MakePamServer = Callable[..., PamServer]


@pytest.fixture
def make_pam_server(tmp_path: Path) -> Iterator[MakePamServer]:
    """make_pam_server(*options) -> PamServer, not started; options: lines put first into sshd_config."""
    need(SSHD, "ssh-keygen", "unshare", "nsenter", "useradd", "chpasswd")
    if os.getuid() != 0:
        pytest.skip("only root can make accounts")
    trial = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    if trial.returncode != 0:
        pytest.skip(f"this kernel lets root make no mount namespace: {trial.stderr.strip()}")
    servers: list[PamServer] = []

    def make(*options: str) -> PamServer:
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        folder = tmp_path / f"pam{len(servers)}"
        folder.mkdir(mode=0o711)
        servers.append(PamServer(folder, list(options)))
        return servers[-1]

    yield make
    for server in servers:
        server.close()
