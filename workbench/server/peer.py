"""Who is on the other end of a Unix socket."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: struct ucred of unix(7)


def answers(path: Path) -> bool:
    """Whether somebody listens on the socket at path."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def same_user(connection: socket.socket) -> bool:
    """Whether the peer runs as this user (or as root, who could read everything anyway)."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return _CREDENTIALS.unpack(raw)[1] in (os.getuid(), 0)


def newer(theirs: str, ours: str) -> bool:
    """Whether version theirs (digits and dots; anything else counts as 0) is newer than ours."""

    def parts(version: str) -> list[int]:
        return [int(piece) if piece.isdigit() else 0 for piece in version.split(".")]

    return parts(theirs) > parts(ours)
