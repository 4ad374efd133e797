"""One process owns a home and its stores: the lock that says so, and where that process answers.

The lock lies in the folder of the home, or where the stores of a home on the network are (flock is not to be
trusted there), so that it is one however different the runtime folders of two sessions are. It dies with its
process; what is written in it is only believed while somebody answers there.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from workbench.errors import StoreError
from workbench.home import Home
from workbench.remote.disk.filelock import try_lock
from workbench.store.sqlite.location import choose_directory, directory_for
from workbench.unix_socket import answers

LOCK = "server.lock"


class Owner(NamedTuple):
    """Who owns a home, as it says itself; socket: where it answers, None when it serves itself alone."""

    pid: int
    socket: Path | None


class Ownership:
    """Held until `release`, or until this process ends however it ends."""

    def __init__(self, path: Path, handle: int) -> None:
        self._path = path
        self._handle = handle

    def holds(self) -> bool:
        """Whether the lock is still the one that others would try: its file may have been removed."""
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._handle))
        except OSError:
            return False

    def release(self) -> None:
        """Let another process own the home."""
        os.ftruncate(self._handle, 0)
        os.close(self._handle)


def take(home: Home, socket: Path | None) -> Ownership | None:
    """Become the home's owner, who answers at socket; None when another process is.

    Raises StoreError when the home's folder takes no lock.
    """
    path = choose_directory(home.root, os.getuid())[0] / LOCK
    try:
        handle = try_lock(str(path))
        if handle is None:
            return None
        said = json.dumps({"pid": os.getpid(), "socket": None if socket is None else str(socket)})
        os.ftruncate(handle, 0)
        os.pwrite(handle, said.encode("ascii"), 0)
    except OSError as problem:
        raise StoreError(
            f"cannot lock {path}: {problem.strerror}", "set WORKBENCH_HOME to a folder on a local disk"
        ) from problem
    return Ownership(path, handle)


def owner_of(home: Home) -> Owner | None:
    """What the owner, or the last one, wrote; None when there is nothing that makes sense."""
    path = directory_for(home.root, os.getuid())[0] / LOCK
    try:
        said = json.loads(path.read_bytes())
        socket = said["socket"]
        return Owner(int(said["pid"]), None if socket is None else Path(socket))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def find_server(home: Home) -> Path | None:
    """The socket where the home's server answers, also one of a session with another runtime folder."""
    if answers(home.socket):
        return home.socket
    owner = owner_of(home)
    if owner is None or owner.socket is None or not answers(owner.socket):
        return None
    return owner.socket
