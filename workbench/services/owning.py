"""Becoming the owner of a home, after another one that is about to end."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from workbench.errors import ServerError
from workbench.home import Home
from workbench.store.sqlite.ownership import Owner, Ownership, owner_of, take
from workbench.unix_socket import answers

HAND_OVER_SECONDS = 15.0
"""How long a server that does not answer any more may take to let go."""
EMBEDDED_SECONDS = 5.0
"""How long to wait for a process that has the services inside it: it may be a command that is soon over."""
_STEP = 0.05


async def own(home: Home, socket: Path | None) -> Ownership:
    """Become the home's owner, who answers at socket (None: nowhere).

    Raises ServerError when another process has it and keeps it, StoreError when the home takes no lock.
    """
    began = time.monotonic()
    while (ownership := take(home, socket)) is None:
        other = owner_of(home)
        embedded = other is not None and other.socket is None
        patience = EMBEDDED_SECONDS if embedded else HAND_OVER_SECONDS
        if _answers(other) or time.monotonic() - began > patience:
            raise _taken(home, other)
        await asyncio.sleep(_STEP)
    return ownership


def _answers(owner: Owner | None) -> bool:
    return owner is not None and owner.socket is not None and answers(owner.socket)


def _taken(home: Home, owner: Owner | None) -> ServerError:
    if owner is None:
        return ServerError(f"another process owns {home.root}", "try again; wb server logs")
    if owner.socket is None:
        return ServerError(
            f"process {owner.pid} has the services of {home.root} inside it (WORKBENCH_EMBEDDED)",
            "wait until it ends",
        )
    if _answers(owner):
        return ServerError(f"process {owner.pid} already serves {home.root}", "try again")
    return ServerError(
        f"process {owner.pid} owns {home.root} and does not answer at {owner.socket}",
        "end that process; runs go on",
    )
