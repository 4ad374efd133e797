"""Which secrets of a run are the workspace's own: those can be handed over again by another server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from workbench.entities.run import Run

STORED = "workbench.stored_secrets"
"""The property of a run that names them."""
Reader = Callable[[Sequence[str]], Awaitable[dict[str, str]]]
"""Gives the values of those of the names that the workspace keeps."""


async def none_stored(names: Sequence[str]) -> dict[str, str]:
    """Where nothing is kept."""
    return {}


async def stored_secrets(run: Run, names: Sequence[str], read: Reader) -> dict[str, str] | None:
    """All the secrets of a run, where each of them came from the workspace and is there still; else None."""
    ours = set(run.properties.get(STORED, "").split(","))
    if not names or not set(names) <= ours:
        return None
    found = await read(names)
    return found if set(names) <= found.keys() else None
