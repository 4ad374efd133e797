"""Log files of runs, brought here while somebody looks: byte n here is byte n of the file.

One task a run follows all files of it that are wanted, and ends when the run is over and everything is here,
or when nobody wanted any for a while.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from pathlib import Path
from typing import Any

from workbench.compute.fleet import Fleet
from workbench.entities.run import Run, RunFile
from workbench.errors import NotFound, RemoteError, Unreachable, WorkbenchError
from workbench.remote.wire import frames
from workbench.runs.collect import readable_files, safe_path
from workbench.runs.follower import Watcher
from workbench.store.async_store import AsyncStore
from workbench.store.logs.log_file import log_size
from workbench.store.logs.log_times import LogTimes
from workbench.store.sqlite.problems import explained

WANTED_SECONDS = 30.0
"""After so long without a look a file is wanted no more."""
RETRY_SECONDS = 2.0
CATCHING_UP_SECONDS = 600.0
log = logging.getLogger(__name__)


class FileLogs:
    """The log files of one workspace's runs. Used from the event loop only."""

    def __init__(self, store: AsyncStore, fleet: Fleet, watcher: Watcher) -> None:
        self._store = store
        self._fleet = fleet
        self._watcher = watcher
        self._wanted: dict[str, dict[str, float]] = {}
        self._more: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._whole: set[tuple[str, str]] = set()

    def path(self, run_id: str, path: str) -> Path:
        """Where what is here of a file lies."""
        name = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return self._store.spool.files(run_id) / f"{name}.log"

    def times(self, run_id: str, path: str) -> LogTimes:
        """When the file's bytes were seen first, by its machine's clock."""
        return LogTimes(self.path(run_id, path).with_suffix(".idx"))

    def follows(self, run_id: str, path: str) -> bool:
        """Whether more of the file may arrive."""
        return run_id in self._tasks and path in self._wanted.get(run_id, {})

    async def listed(self, run: Run) -> list[dict[str, Any]]:
        """{path, size, modified} of the text files below logs/; raises Unreachable, RemoteError, NotFound."""
        link = await self._fleet.link(run.target)
        answer = await link.call("run_logs", {"run": run.id})
        files = readable_files(answer.get("files") if isinstance(answer, dict) else None)
        return [{"path": file.path, "size": file.size, "modified": file.modified} for file in files]

    def want(self, run: Run, path: str) -> None:
        """Have a file come here from now on, for as long as somebody asks for it now and then."""
        if (run.id, path) in self._whole or not safe_path(path):
            return
        wanted = self._wanted.setdefault(run.id, {})
        if path not in wanted:
            self._more.setdefault(run.id, asyncio.Event()).set()
        wanted[path] = time.monotonic()
        if run.id not in self._tasks:
            task = asyncio.create_task(self._work(run), name=f"log files of {run.id}")
            self._tasks[run.id] = task
            task.add_done_callback(lambda done: self._ended(run.id, done))

    def whole(self, run_id: str, path: str) -> bool:
        """Whether all of a file of a run that is over is here."""
        return (run_id, path) in self._whole

    async def caught_up(self, run: Run, path: str) -> None:
        """Wait until all is here that the file has now; raises what `listed` raises, TimeoutError."""
        if (run.id, path) in self._whole:
            return
        size = 0
        try:
            size = next((file["size"] for file in await self.listed(run) if file["path"] == path), 0)
        except NotFound:
            if run.status.terminal:
                raise  # else it is on its way there
        self.want(run, path)
        here = self.path(run.id, path)
        async with asyncio.timeout(CATCHING_UP_SECONDS):
            while self.follows(run.id, path) and log_size(here) < size:
                self.want(run, path)
                await asyncio.sleep(0.02)

    def drop(self, run_id: str, files: list[RunFile]) -> int:
        """Remove what is here of files that a run's machine has whole; bytes freed. For a thread."""
        freed = 0
        for file in files:
            here = self.path(run_id, file.path)
            if not self.follows(run_id, file.path) and 0 < log_size(here) <= file.size:
                freed += here.stat().st_blocks * 512
                self._whole.discard((run_id, file.path))
                self._forget(here)
        return freed

    async def close(self) -> None:
        """End every task."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, run_id: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(run_id, None)
        self._wanted.pop(run_id, None)
        self._more.pop(run_id, None)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("log files of run %s are not followed any more", run_id, exc_info=problem)
        self._watcher.stream(run_id)

    async def _work(self, run: Run) -> None:
        """Follow what is wanted; anew when something else is."""
        wanted, more = self._wanted[run.id], self._more[run.id]
        while wanted:
            more.clear()
            session = asyncio.create_task(self._session(run, list(wanted)))
            changed = asyncio.create_task(self._change(wanted, more))
            try:
                await asyncio.wait({session, changed}, return_when=asyncio.FIRST_COMPLETED)
                if session.done() and session.result():
                    return
            except WorkbenchError as problem:
                level = logging.INFO if isinstance(problem, Unreachable | NotFound) else logging.WARNING
                log.log(level, "log files of run %s: %s", run.id, problem.message)
                if run.status.terminal:
                    return
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                session.cancel()
                changed.cancel()
                await asyncio.gather(session, changed, return_exceptions=True)

    async def _change(self, wanted: dict[str, float], more: asyncio.Event) -> None:
        """Ends when more is wanted, or less."""
        while not more.is_set():
            try:
                async with asyncio.timeout(WANTED_SECONDS / 6):
                    await more.wait()
            except TimeoutError:
                horizon = time.monotonic() - WANTED_SECONDS
                stale = [path for path, at in wanted.items() if at < horizon]
                for path in stale:
                    del wanted[path]
                if stale:
                    return

    async def _session(self, run: Run, paths: list[str]) -> bool:
        """Follow files over one link until the run is over and all of them is here."""
        link = await self._fleet.link(run.target)
        offsets = {path: log_size(self.path(run.id, path)) for path in paths}
        async with link.stream("follow_run_logs", {"run": run.id, "files": offsets}) as stream:
            async for message in stream:
                if not isinstance(message, dict):
                    await asyncio.to_thread(self._take, run.id, offsets, message)
                    self._watcher.stream(run.id)
                elif isinstance(told := message.get("arrived"), dict):
                    await asyncio.to_thread(self._note, run.id, offsets, told)
                elif isinstance(told := message.get("came"), dict):
                    await asyncio.to_thread(self._came, run.id, offsets, told)
                elif (path := message.get("anew")) in offsets:
                    offsets[path] = 0
                    await asyncio.to_thread(self._forget, self.path(run.id, path))
        self._whole.update((run.id, path) for path in paths)
        return True

    def _take(self, run_id: str, offsets: dict[str, int], chunk: bytes) -> None:
        try:
            path, offset, body = frames.split_chunk(chunk)
        except frames.FrameError as problem:
            raise RemoteError("the machine sent a chunk that makes no sense") from problem
        if offsets.get(path) != offset:
            raise RemoteError("the machine sent a part of a file that was not asked for")
        here = self.path(run_id, path)
        with explained(here.parent):
            here.parent.mkdir(0o700, exist_ok=True)
            descriptor = os.open(here, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.seek(offset)
                file.write(body)
        offsets[path] += len(body)

    def _came(self, run_id: str, offsets: dict[str, int], told: dict[str, Any]) -> None:
        path, marks = told.get("path"), told.get("marks")
        if not isinstance(path, str) or path not in offsets or not isinstance(marks, list):
            return
        times = self._times_here(run_id, path)
        last = times.last()
        for mark in marks:
            if _is_mark(mark) and (last is None or mark[0] > last):
                times.note(float(mark[1]), mark[0])
                last = mark[0]

    def _note(self, run_id: str, offsets: dict[str, int], told: dict[str, Any]) -> None:
        path, offset, moment = told.get("path"), told.get("offset"), told.get("time")
        if isinstance(path, str) and offsets.get(path) == offset and _is_mark([offset, moment]):
            times = self._times_here(run_id, path)
            last = times.last()
            if moment is not None and (last is None or offsets[path] > last):
                times.note(float(moment), offsets[path])

    def _times_here(self, run_id: str, path: str) -> LogTimes:
        """The file's times, its folder made."""
        folder = self.path(run_id, path).parent
        with explained(folder):
            folder.mkdir(0o700, exist_ok=True)
        return self.times(run_id, path)

    @staticmethod
    def _forget(path: Path) -> None:
        for name in (path, path.with_suffix(".idx"), path.with_suffix(".lines")):
            name.unlink(missing_ok=True)


def _is_mark(mark: Any) -> bool:
    """Whether what a machine said is [offset, time]."""
    return (
        isinstance(mark, list)
        and len(mark) == 2
        and isinstance(mark[0], int)
        and isinstance(mark[1], int | float)
        and 0 <= mark[0] < 1 << 50
        and 0 <= mark[1] < 1e11
    )
