"""Unix sockets between the processes of one user: who is on the other end, and whether anybody listens."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: struct ucred of unix(7)


def same_user(connection: socket.socket) -> bool:
    """Whether the peer runs as this user (or as root, who could read everything anyway)."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return bool(_CREDENTIALS.unpack(raw)[1] in (os.getuid(), 0))


def answers(path: Path) -> bool:
    """Whether a process of this user, or root, listens on the socket at path."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except (OSError, ValueError):  # ValueError: no path at all
            return False
        return same_user(probe)
