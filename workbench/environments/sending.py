"""Sending a file to a machine, gone on with where a cut left it, and found there by its content."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from workbench.compute.link import Link
from workbench.environments.pip_download import Sent
from workbench.opened_file import opened

BLOCK = 1 << 20
Moved = Callable[[int], None]


async def send_file(link: Link, sent: Sent, folder: str, moved: Moved) -> None:
    """Have a machine hold a file as FOLDER/SHA256/NAME. moved: told of bytes that came there.

    Raises Unreachable when the link is lost, after which it goes on from there, RemoteError (disk full).
    """
    path = f"{folder}/{sent.sha256}/{sent.path.name}"
    token = sent.sha256[:32]
    stat = await link.call("stat", {"path": path, "token": token})
    arrived = stat.get("arrived") if isinstance(stat, dict) else 0
    size = (await asyncio.to_thread(sent.path.stat)).st_size
    offset = arrived if isinstance(arrived, int) and 0 < arrived <= size else 0
    moved(offset)
    params: dict[str, Any] = {
        "path": path, "token": token, "offset": offset, "size": size, "mode": 0o600, "overwrite": True,
    }  # fmt: skip
    stream = link.stream("put", params, _content(sent, offset, moved))
    async with stream:
        async for _ in stream:
            pass
        await stream.result()


async def _content(sent: Sent, offset: int, moved: Moved) -> AsyncIterator[bytes]:
    """A file's bytes from offset on, then the sha256 of all of it."""
    digest = hashlib.sha256()
    at = 0
    async with opened(lambda: open(sent.path, "rb")) as file:
        while block := await asyncio.to_thread(file.read, BLOCK):
            digest.update(block)
            start = max(0, offset - at)
            at += len(block)
            if start < len(block):
                yield block[start:]
                moved(len(block) - start)
    yield digest.digest()
