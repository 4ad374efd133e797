"""When a server makes room for a newer one."""

from __future__ import annotations


def newer(theirs: str, ours: str) -> bool:
    """Whether version theirs (digits and dots; anything else counts as 0) is newer than ours."""

    def parts(version: str) -> list[int]:
        return [int(piece) if piece.isdigit() else 0 for piece in version.split(".")]

    return parts(theirs) > parts(ours)


def seconds(text: str) -> float:
    """The time since 1970 that a client says it began; 0 for one that says none, or nonsense."""
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if 0 < found < 1e11 else 0.0
