"""Fetching what a run kept: small files by themselves, large ones on demand, every byte checked by hash."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from workbench.compute.link import Link
from workbench.entities.run import RunFile
from workbench.errors import RemoteError
from workbench.opened_file import opened
from workbench.remote.forms.tree_paths import path_problem
from workbench.settings import CollectSettings
from workbench.store.sqlite.problems import explain_disk
from workbench.text.numbers import whole_amount
from workbench.text.sanitize import clean

MAX_FILES = 50_000


def readable_files(listing: Any) -> list[RunFile]:
    """A machine's listing of outputs/ and logs/ as entities; paths that could escape are left out."""
    files = []
    for entry in (listing if isinstance(listing, list) else [])[:MAX_FILES]:
        try:
            path, size, modified = str(entry["path"]), whole_amount(entry["size"]), float(entry["modified"])
            if not safe_path(path) or size is None:
                continue
            files.append(RunFile(path=path, size=size, modified=datetime.fromtimestamp(modified, UTC)))
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            continue  # one sick entry does not hide the others (law 5)
    return files


def safe_path(path: str) -> bool:
    """Whether a path from a machine may name a file of a run here: a plain one in outputs/ or logs/."""
    inside = path.startswith(("outputs/", "logs/"))
    return inside and path_problem(path) is None and clean(path, len(path)) == path


def choose(files: list[RunFile], settings: CollectSettings, prefix: str = "") -> list[RunFile]:
    """The files worth fetching now: under prefix, small enough, smallest first within the run's limit."""
    chosen, room = [], settings.max_run
    for file in sorted(files, key=lambda file: (file.size, file.path)):
        if file.path.startswith(prefix) and file.size <= min(settings.max_file, room):
            chosen.append(file)
            room -= file.size
    return chosen


async def read_file(link: Link, run: str, path: str, offset: int = 0) -> AsyncIterator[bytes]:
    """A file's bytes from offset, straight from the machine; raises RemoteError when it changed underway.

    The machine's hash is of the whole file, so it is checked when offset is 0.
    """
    stream = link.stream("read", {"run": run, "path": path, "offset": offset})
    digest = hashlib.sha256()
    async with stream:
        async for block in stream:
            if isinstance(block, bytes):
                digest.update(block)
                yield block
        answer = await stream.result()
    if offset == 0 and answer.get("sha256") not in (None, digest.hexdigest()):
        raise RemoteError(f"{path} changed while it was read", "download it again")


async def fetch(link: Link, run: str, path: str, to: Path) -> str:
    """Fetch one file to `to`, resuming what an earlier try left beside it; answers its sha256.

    The file appears whole or not at all. Raises RemoteError when the bytes do not match the machine's hash,
    StoreError when this disk is full.
    """
    partial = to.with_name(f".{to.name}.partial")
    try:
        await asyncio.to_thread(to.parent.mkdir, parents=True, exist_ok=True)
        offset = partial.stat().st_size if partial.exists() else 0
        stream = link.stream("read", {"run": run, "path": path, "offset": offset})
        async with opened(lambda: open(partial, "ab")) as out:
            async with stream:
                async for block in stream:
                    if isinstance(block, bytes):
                        await asyncio.to_thread(out.write, block)
                answer = await stream.result()
            await asyncio.to_thread(_settle, out)
    except OSError as problem:
        raise explain_disk(problem, to) from problem
    digest = await asyncio.to_thread(hash_file, partial)
    if digest != answer.get("sha256"):
        partial.unlink()
        raise RemoteError(f"{path} arrived with another hash than the machine gave", "download it again")
    os.replace(partial, to)
    return digest


def _settle(out: BinaryIO) -> None:
    out.flush()
    os.fsync(out.fileno())


def hash_file(path: Path) -> str:
    """sha256 of a file on this side."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
