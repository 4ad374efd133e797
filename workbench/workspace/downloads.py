"""Writing what services stream to files of the caller: whole or not at all, resumed where it stopped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from workbench.errors import Conflict, NotFound, RemoteError, StoreError
from workbench.workspace.client import Client

Progress = Callable[[str, int, int], None]


def download(client: Client, run: str, path: str, to: Path, on_progress: Progress | None = None) -> Path:
    """Save a run's file; `to` may be a folder. Answers where it lies.

    Raises NotFound for a path the run does not have, Conflict when a folder is in the way, StoreError when
    this disk cannot take it. A download that broke goes on where it stopped as long as the file is the same.
    """
    run = str(client.call("runs", "get", run=run)["id"])  # @1 may mean another run at the next try
    known = {file["path"]: file for file in client.call("runs", "files", run=run)}
    if path not in known:
        raise NotFound(f"the run has no file {path}", "wb run files lists what it has")
    size = int(known[path]["size"])
    place = to / Path(path).name if to.is_dir() else to
    if place.is_dir():
        raise Conflict(f"{place} is a folder", "name a file to write")
    mark = f"{run}-{known[path].get('modified', '')}-{size}".replace("/", "_").replace(":", "")
    partial = place.with_name(f".{place.name}.{mark}.partial")
    done = partial.stat().st_size if partial.exists() else 0
    source = client.read("runs", "download", run=run, path=path, offset=done)
    _write(source, partial, done, lambda count: on_progress and on_progress(path, count, size))
    if done:  # a download in one piece was checked where it was read
        expected = client.call("runs", "file_hash", run=run, path=path)["sha256"]
        with open(partial, "rb") as handle:
            found = hashlib.file_digest(handle, "sha256").hexdigest()
        if found != expected:
            partial.unlink()
            raise RemoteError(f"{path} changed while it was read", "download it again")
    os.replace(partial, place)
    return place


def save_stream(source: Iterator[bytes], to: Path) -> Path:
    """Save a byte stream as the file `to`."""
    partial = to.with_name(f".{to.name}.{os.getpid()}.partial")
    _write(source, partial, 0, lambda _: None)
    os.replace(partial, to)
    return to


def _write(source: Iterator[bytes], partial: Path, done: int, progress: Callable[[int], object]) -> None:
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "ab" if done else "wb") as out:
            for block in source:
                out.write(block)
                done += len(block)
                progress(done)
            out.flush()
            os.fsync(out.fileno())
    except OSError as problem:
        raise StoreError(
            f"cannot write {partial.parent}: {problem.strerror}", "choose another place with --to"
        ) from problem
