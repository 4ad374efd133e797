"""Data on this side: a file or folder, known by the hash of its contents; read once while it stays."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from workbench.errors import NotFound, UsageError, WorkbenchError
from workbench.opened_file import opened
from workbench.remote.data.fingerprints import listed
from workbench.remote.wire.problems import RequestError
from workbench.runs.data.origins import BLOCK, OriginFile, Tell, changed, held_back
from workbench.snapshots.cache import Seen, StatCache
from workbench.text.sanitize import clean_name
from workbench.text.sizes import short


class FolderOrigin:
    """Files of this side. memory: the folder in which it is kept what was hashed."""

    def __init__(self, paths: list[str], memory: Path) -> None:
        self._paths = paths
        self._memory = memory
        self._base = Path()
        self._stats: dict[str, tuple[int, int]] = {}
        self.identity = "local:" + "\n".join(paths)
        self.single = False
        self.linked: list[str] = []

    async def files(self, tell: Tell) -> list[OriginFile]:
        """All of them, each with its hash; raises NotFound, UsageError, WorkbenchError."""
        loop = asyncio.get_running_loop()

        def say(text: str) -> None:
            loop.call_soon_threadsafe(tell, text)

        try:
            return await asyncio.to_thread(self._files, say)
        except RequestError as problem:
            kind = NotFound if problem.code == "not_found" else UsageError
            raise kind(f"{problem.message} on this side") from problem
        except OSError as problem:
            where = clean_name(str(problem.filename or ""), 200)
            raise WorkbenchError(f"{where} cannot be read: {problem.strerror}") from problem

    def _files(self, say: Tell) -> list[OriginFile]:
        known: dict[str, os.stat_result] = {}
        self.linked = []
        base, found = listed(self._paths, facts=known, linked=self.linked)
        self._base = Path(os.fsdecode(base))
        self.single = len(found) == 1 and found[0][0] == ""
        root = self._base.parent if self.single else self._base
        began = time.time_ns()
        cache = StatCache.load(self._memory, root)
        seen: dict[str, Seen] = {}
        files, done, told = [], 0, time.monotonic()
        for below, size, modified in found:
            path = below or self._base.name
            facts = known.get(below) or os.stat(root / path)
            digest = cache.lookup(path, facts)
            if digest is None:
                digest = self._hash(root / path)
            seen[path] = Seen(
                facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, digest, False
            )
            self._stats[path] = (facts.st_size, facts.st_mtime_ns)
            files.append(OriginFile(path, facts.st_size, str(modified), digest))
            done += size
            if time.monotonic() - told > 0.5:
                told = time.monotonic()
                say(f"reading {self._base.name}: {short(done)}")
        self._base = root
        kept = {**{path: old for path, old in cache.files.items() if path not in seen}, **seen}
        if not cache.settled(kept):
            cache.save(kept, began)
        return files

    def _hash(self, path: Path) -> str:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def blocks(self, file: OriginFile, offset: int) -> AsyncGenerator[bytes, None]:
        """The bytes from offset on; raises Conflict when the file is not as it was."""
        path = self._base / file.path
        return held_back(self._read(path, file, offset), lambda: self._check(path, file))

    async def _read(self, path: Path, file: OriginFile, offset: int) -> AsyncGenerator[bytes, None]:
        self._check(path, file)
        left = file.size - offset
        async with opened(lambda: open(path, "rb")) as source:
            await asyncio.to_thread(source.seek, offset)
            while left:
                block = await asyncio.to_thread(source.read, min(BLOCK, left))
                if not block:
                    raise changed(clean_name(str(path), 200))
                left -= len(block)
                yield block

    def _check(self, path: Path, file: OriginFile) -> None:
        try:
            facts = os.stat(path)
        except OSError as problem:
            raise changed(clean_name(str(path), 200)) from problem
        if (facts.st_size, facts.st_mtime_ns) != self._stats[file.path]:
            raise changed(clean_name(str(path), 200))

    async def url(self, file: OriginFile) -> str | None:
        """None: only this side has it."""
        return None
