"""An SSH server that asks questions: passwords, codes, several factors in a row.

It is asyncssh's, in the test's own loop, and needs nobody's rights; what a real sshd asks through PAM is
tried with the machine of `tests/machines/pam.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncssh

from tests.machines.rig import make_key
from workbench.demo.sessions import Sessions
from workbench.entities.target import TargetSettings

PASSWORD = "correct horse"
CODE = "492017"


class AskingServer:
    """Listens on 127.0.0.1:port. factors: "code" and "password" in the order they are wanted."""

    def __init__(
        self, folder: Path, factors: list[str], prompt: str = "Verification code: ", banner: str = ""
    ) -> None:
        self.folder = folder
        self.factors = factors
        self.prompt = prompt
        self.banner = banner
        self.port = 0
        self.connections = 0
        self.attempts: list[str] = []
        self.sessions: list[asyncssh.SSHServerConnection] = []
        self._commands = Sessions()
        self._acceptor: asyncssh.SSHAcceptor | None = None

    async def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        key = make_key(self.folder / "host_key")
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[str(key)],
            server_factory=lambda: _Session(self),
            process_factory=self._run,
            encoding=None,
        )
        self.port = self._acceptor.get_port()
        public = " ".join((self.folder / "host_key.pub").read_text().split()[:2])
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {public}\n")
        (self.folder / "config").write_text(self.block())

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        environ = {"HOME": str(self.folder), "PATH": os.environ["PATH"]}
        await self._commands.serve(process, environ, self.folder)

    def block(self, name: str = "*") -> str:
        """Its Host block in an ssh_config."""
        return (
            f"Host {name}\n  HostName 127.0.0.1\n  Port {self.port}\n  User ann\n  IdentityFile none\n"
            f"  IdentityAgent none\n  UserKnownHostsFile {self.folder}/known_hosts\n"
            "  GlobalKnownHostsFile /dev/null\n"
        )

    def settings(self, **changes: Any) -> TargetSettings:
        return TargetSettings(**{"address": "asking", "ssh_config": str(self.folder / "config"), **changes})

    def hang_up(self) -> None:
        """Break off every connection."""
        for session in self.sessions:
            session.abort()

    async def close(self) -> None:
        self.hang_up()
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()
        await self._commands.end()


class _Session(asyncssh.SSHServer):
    """One connection's sign-in; a factor that is passed leaves the others with a partial success."""

    def __init__(self, server: AskingServer) -> None:
        self._server = server
        self._left = list(server.factors)
        self._partial = False

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._server.connections += 1
        self._server.sessions.append(conn)
        self._conn = conn
        plain: Callable[[bool], None] = conn.send_userauth_failure
        # asyncssh's server knows no partial success; the wire's flag is set for it here.
        conn.send_userauth_failure = lambda _flag: plain(self._take_partial())  # type: ignore[method-assign]

    def begin_auth(self, username: str) -> bool:
        if self._server.banner:
            self._conn.send_auth_banner(self._server.banner)
        return True

    def password_auth_supported(self) -> bool:
        return self._left[0] == "password"

    def kbdint_auth_supported(self) -> bool:
        return self._left[0] == "code"

    def validate_password(self, username: str, password: str) -> bool:
        return self._judge("password", password == PASSWORD)

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        return "Two factors", "Look at your phone", "en", [(self._server.prompt, True)]

    def validate_kbdint_response(self, username: str, responses: Any) -> bool:
        return self._judge("code", list(responses) == [CODE])

    def _judge(self, factor: str, right: bool) -> bool:
        self._server.attempts.append(factor + (" right" if right else " wrong"))
        if not right:
            return False
        if len(self._left) == 1:
            return True
        self._left.pop(0)
        self._partial = True
        return False

    def _take_partial(self) -> bool:
        partial, self._partial = self._partial, False
        return partial

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return True  # it may be a jump host
