"""Bringing a run's files here to become a model: checked by their machine's hash, resumed after a cut."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import time
from collections.abc import AsyncGenerator, Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from workbench.compute.link import Link
from workbench.entities.run import RunFile
from workbench.entities.snapshot import Entry
from workbench.errors import NotFound, RemoteError, UsageError
from workbench.opened_file import opened
from workbench.runs.collect import fetch, hash_file, safe_path
from workbench.store.async_store import AsyncStore
from workbench.store.sqlite.problems import explain_disk

STAGING = "registering"
"""The folder, beside the store, of what is half here."""
_FORGOTTEN = 7 * 86_400.0
"""Seconds after which what nobody came back for goes."""


EVERY = 0.5
"""Seconds between two steps of one file."""


class Step(NamedTuple):
    """How far a file is."""

    path: str
    """In the model."""
    size: int
    """Bytes that came of it."""
    entry: Entry | None = None
    """Once all of it is kept."""


def chosen(files: list[RunFile], path: str) -> tuple[dict[str, RunFile], bool]:
    """The files at or below a path of a run, by their paths in the model, and whether it is one file.

    Raises UsageError for what is no path of a run, NotFound when nothing is there.
    """
    path = path.strip().rstrip("/").removeprefix("./")
    if not safe_path(path) and path not in ("outputs", "logs"):
        raise UsageError(
            f"{path[:100]!r} is no path of a run", "wb run files lists them; outputs/... or logs/..."
        )
    known = {file.path: file for file in files}
    if path in known:
        return {path.rpartition("/")[2]: known[path]}, True
    below = {
        name.removeprefix(f"{path}/"): file for name, file in known.items() if name.startswith(f"{path}/")
    }
    if not below:
        raise NotFound(f"the run has nothing at {path}", "wb run files RUN lists what it has")
    return below, False


def _reading(path: Path) -> BinaryIO:
    return open(path, "rb")


class Bringing:
    """One registration's files on their way here. here: where a collected file lies, if it is here."""

    def __init__(
        self, store: AsyncStore, folder: Path, run: str, path: str, here: Callable[[RunFile], Path | None]
    ) -> None:
        key = hashlib.sha256(f"{run}\0{path}".encode("utf-8", "surrogateescape")).hexdigest()[:24]
        self.staging = folder / STAGING / key
        self._store = store
        self._run = run
        self._here = here

    async def bring(self, link: Link | None, files: dict[str, RunFile]) -> AsyncGenerator[Step, None]:
        """Steps as files come; the last of each file has its entry: its content is kept.

        link: to the run's machine; None where only what is here can be had. Raises NotFound, RemoteError,
        Unreachable, StoreError.
        """
        try:
            for path, file in files.items():
                fetching = asyncio.create_task(self._place(link, file))
                try:
                    while not fetching.done():
                        yield Step(path, await asyncio.to_thread(self._so_far, file))
                        await asyncio.wait([fetching], timeout=EVERY)
                    place = await fetching
                finally:
                    fetching.cancel()
                    await asyncio.gather(fetching, return_exceptions=True)
                sha256 = await asyncio.to_thread(hash_file, place)
                size = (await asyncio.to_thread(place.stat)).st_size
                async with opened(partial(_reading, place)) as source:
                    await self._store.put_blob(source, sha256)
                yield Step(path, size, Entry(path=path, size=size, sha256=sha256))
        except OSError as problem:
            raise explain_disk(problem, self.staging) from problem

    def _so_far(self, file: RunFile) -> int:
        """Bytes of a file that came already."""
        place = self.staging / file.path
        partial = place.with_name(f".{place.name}.partial")
        return partial.stat().st_size if partial.exists() else 0

    async def _place(self, link: Link | None, file: RunFile) -> Path:
        """Where a file's bytes are on this side, fetched when they are not."""
        here = self._here(file)
        if here is not None:
            return here
        if link is None:
            raise NotFound(
                f"{file.path} is on no machine that can be asked and was not kept here",
                "a bundle made with wb run export --files brings it",
            )
        place = self.staging / file.path
        if place.exists() and await self._same(link, file, place):
            return place
        await fetch(link, self._run, file.path, place)
        return place

    async def _same(self, link: Link, file: RunFile, place: Path) -> bool:
        """Whether what an earlier try brought is still what the machine has."""
        size = (await asyncio.to_thread(place.stat)).st_size
        if size != file.size:
            return False
        try:
            async with link.stream("read", {"run": self._run, "path": file.path, "offset": size}) as stream:
                answer = await stream.result()
        except RemoteError:
            return False
        return bool(answer.get("sha256") == await asyncio.to_thread(hash_file, place))

    async def done(self) -> None:
        """Let go of what was fetched: it is kept by its hash now."""
        await asyncio.to_thread(shutil.rmtree, self.staging, True)


def sweep(folder: Path) -> None:
    """Remove what registrations left behind that nobody came back for."""
    place = folder / STAGING
    for left in place.iterdir() if place.is_dir() else []:
        if left.stat().st_mtime < time.time() - _FORGOTTEN:
            shutil.rmtree(left, ignore_errors=True)
