"""When a server makes room for a newer one."""

from __future__ import annotations


def newer(theirs: str, ours: str) -> bool:
    """Whether version theirs (digits and dots; anything else counts as 0) is newer than ours."""

    def parts(version: str) -> list[int]:
        return [int(piece) if piece.isdigit() else 0 for piece in version.split(".")]

    return parts(theirs) > parts(ours)
