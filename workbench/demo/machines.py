"""Embedded SSH machines: real servers on loopback that run real processes, each with its own home."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from pathlib import Path
from typing import Any

import asyncssh

from workbench.demo.sessions import Sessions

CLOSE_SECONDS = 5.0


class EmbeddedMachine:
    """One machine: its address, its host key's fingerprint, and the folder everything of it lives in."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.home = folder / "home"
        self.leases = folder / "leases"
        self.host_key = asyncssh.generate_private_key("ssh-ed25519", comment=name)
        self.port = 0
        self._sessions = Sessions()
        self._server: asyncssh.SSHAcceptor | None = None

    @property
    def fingerprint(self) -> str:
        """SHA256:... of the host key, as a person would compare it."""
        return self.host_key.get_fingerprint()

    async def start(self, authorized: asyncssh.SSHKey) -> None:
        """Listen on a free loopback port; only the owner of `authorized` gets in."""
        for place in (self.home, self.leases):
            place.mkdir(mode=0o700, parents=True)
        keys = asyncssh.import_authorized_keys(authorized.export_public_key().decode())
        self._server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[self.host_key],
            authorized_client_keys=keys,
            process_factory=self._serve,
            encoding=None,
            password_auth=False,
            kbdint_auth=False,
        )
        self.port = self._server.get_port()

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        environ = {"HOME": str(self.home), "PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
        await self._sessions.serve(process, environ, self.home)

    async def stop(self) -> None:
        """Close every connection and end what still serves one."""
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), CLOSE_SECONDS)
        await self._sessions.end()


class MachineRoom:
    """Embedded machines on an event loop in a thread of their own; a context manager."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self.machines = [EmbeddedMachine(name, folder / name) for name in names]
        self.identity = folder / "id_ed25519"
        self._key = asyncssh.generate_private_key("ssh-ed25519", comment="workbench demo")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="machines", daemon=True)

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def __enter__(self) -> MachineRoom:
        self.identity.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.identity, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(self._key.export_private_key())
        self._thread.start()
        for machine in self.machines:
            self._run(machine.start(self._key))
        return self

    def __exit__(self, *_: object) -> None:
        for machine in self.machines:
            self._run(machine.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
