"""Folders into datastores and out of them, and datasets to this side (AZ-45); a cut is gone on from."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from workbench.data.sources import safe_key
from workbench.errors import Conflict, HostileArchive, NotFound, UsageError
from workbench.remote.forms.tree_paths import path_problem
from workbench.text.sanitize import clean_name
from workbench.text.times import parse
from workbench.workspace.client import Client
from workbench.workspace.file_transfer import Counted, append, check_room, content, file_size, put_in_place
from workbench.workspace.persistence import persist

Progress = Callable[[str, int, int], None]


class Moved(NamedTuple):
    """What came of a transfer."""

    files: int
    """Files that moved."""
    there: int
    """Files that were there already and were left as they are."""
    bytes: int
    """Bytes of those that moved."""
    left_out: int = 0
    """Files whose names cannot be paths where they would go."""
    not_files: tuple[str, ...] = ()
    """What is neither a file nor a folder: links to folders, links that lead nowhere, pipes."""


class DataTransfer:
    """Transfers of one caller."""

    def __init__(self, client: Client, on_progress: Progress | None = None) -> None:
        self._client = client
        self._progress = on_progress
        self._what, self._done, self._total = "", 0, 0

    def _begin(self, what: str, total: int) -> None:
        self._what, self._done, self._total = what, 0, total

    def _tell(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(self._what, self._done, self._total)

    def upload(
        self, source: Path, datastore: str | None = None, target_path: str = "", overwrite: bool = False
    ) -> Moved:
        """Bring a folder, or one file, below a path of a datastore; "" is its root.

        Files that are there are left as they are unless they may be replaced. What a cut left of a file is
        gone on with when the same is asked for again. Raises NotFound, Refused, Unreachable.
        """
        if not source.exists():
            raise NotFound(f"there is no {source} here")
        not_files: list[str] = []
        everything = list(_files_here(source, not_files))
        found = [item for item in everything if safe_key(item[1])]
        self._begin(source.resolve().name, sum(facts.st_size for _, _, facts in found))
        known = {} if overwrite else self._known(datastore, target_path)
        files = there = size = 0
        for path, below, facts in found:
            key = f"{target_path.strip('/')}/{below}".strip("/")
            if key in known:
                there += 1
                self._tell(facts.st_size)
                continue
            if self._send(path, facts, datastore, key, overwrite):
                files, size = files + 1, size + facts.st_size
            else:
                there += 1
        return Moved(files, there, size, len(everything) - len(found), tuple(not_files))

    def _known(self, datastore: str | None, path: str) -> dict[str, int]:
        try:
            return {
                item["path"]: item["size"]
                for page in self._client.items("datastores", "walk", name=datastore, path=path)
                for item in page["items"]
            }
        except NotFound:
            return {}

    def _send(
        self, path: Path, facts: os.stat_result, datastore: str | None, key: str, overwrite: bool
    ) -> bool:
        """Send one file; False when it came there meanwhile."""
        told = (os.path.abspath(path), facts.st_size, facts.st_mtime_ns, datastore, key)
        token = token_of(told)
        counted = Counted(self._tell)

        def attempt() -> None:
            found = self._client.call("datastores", "stat", name=datastore, path=key, token=token)
            offset = min(int(found.get("arrived") or 0), facts.st_size)
            counted.at(offset)
            self._client.write(
                "datastores", "write", content(path, facts, offset, counted), name=datastore, path=key,
                token=token, size=facts.st_size, offset=offset, overwrite=overwrite,
            )  # fmt: skip

        try:
            persist(attempt, lambda: counted.moved)
        except Conflict as problem:
            if overwrite or not problem.message.endswith("exists there"):
                raise
            return False
        return True

    def download(
        self, to: Path, datastore: str | None = None, prefix: str = "", overwrite: bool = False
    ) -> Moved:
        """Bring all files at and below a path of a datastore to a folder here; "" is everything.

        They keep their paths below its root, as AZ-45 has it. Files that are here stay unless they may be
        replaced. Raises NotFound, StoreFull, Unreachable.
        """
        items: list[dict[str, Any]] = []
        left_out = 0
        for page in self._client.items("datastores", "walk", name=datastore, path=prefix):
            items += page["items"]
            left_out += page["left_out"]

        def read(item: dict[str, Any], offset: int) -> Iterator[bytes]:
            return self._client.read(
                "datastores", "read", name=datastore, path=item["path"], offset=offset, etag=item.get("etag")
            )

        moved = self._bring(items, to, prefix or datastore or "data", overwrite, read)
        return moved._replace(left_out=left_out)

    def fetch_dataset(self, dataset: str, to: Path, overwrite: bool = False) -> Moved:
        """Bring the files of a version of a dataset to a folder here; otherwise as `download`."""
        entries: list[list[Any]] = []
        end: dict[str, Any] = {}
        for found in self._client.items("datasets", "files", dataset=dataset):
            entries += found.get("entries") or []
            end = found
        single = end.get("single")
        as_seen = end.get("hash")  # what came of files that were others is not gone on with
        items = [
            {"path": path or single, "asked": path, "size": size, "etag": as_seen} for path, size in entries
        ]

        def read(item: dict[str, Any], offset: int) -> Iterator[bytes]:
            return self._client.read(
                "datasets", "read", dataset=dataset, path=item["asked"], offset=offset, seen=as_seen
            )

        moved = self._bring(items, to, dataset, overwrite, read)
        return moved._replace(left_out=int(end.get("left_out") or 0))

    def _bring(
        self,
        items: list[dict[str, Any]],
        to: Path,
        what: str,
        overwrite: bool,
        read: Callable[[dict[str, Any], int], Iterator[bytes]],
    ) -> Moved:
        if to.exists() and not to.is_dir():
            raise UsageError(f"{to} is no folder", "name a folder to bring them to")
        to.mkdir(parents=True, exist_ok=True)
        self._begin(what, sum(item["size"] for item in items))
        check_room(to, self._total)
        files = there = size = 0
        for item in items:
            place = checked_place(to, item["path"])
            if place.exists() and not overwrite:
                there += 1
                self._tell(item["size"])
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            self._fetch(item, place, overwrite, read)
            files, size = files + 1, size + item["size"]
        return Moved(files, there, size)

    def _fetch(
        self,
        item: dict[str, Any],
        place: Path,
        overwrite: bool,
        read: Callable[[dict[str, Any], int], Iterator[bytes]],
    ) -> None:
        # Of another content of the same path what is half here is another file.
        partial = place.with_name(f".{token_of((item['path'], item['size'], item.get('etag')))}.partial")
        counted = Counted(self._tell)

        def attempt() -> None:
            done = min(file_size(partial), item["size"])
            counted.at(done)
            append(read(item, done) if done < item["size"] else iter(()), partial, done, counted)

        persist(attempt, lambda: counted.moved)
        if file_size(partial) != item["size"]:
            partial.unlink()
            raise Conflict(f"{clean_name(item['path'], 200)} is not as it was", "fetch it again")
        modified = parse(item.get("modified"))
        if modified is not None:
            os.utime(partial, (modified.timestamp(), modified.timestamp()))
        put_in_place(partial, place, overwrite)


def checked_place(folder: Path, path: str) -> Path:
    """Where a file of that path goes below a folder here; raises HostileArchive for one that leads elsewhere.

    Nothing is written through a link that lies there.
    """
    problem = path_problem(path)
    if problem is not None:
        raise HostileArchive(f"{clean_name(path, 200)!r} cannot be written here: {problem}")
    at = folder
    for part in path.split("/")[:-1]:
        at = at / part
        if at.is_symlink():
            raise Conflict(f"{at} is a link", "nothing is written through links: name where it leads")
    return folder / path


def _files_here(source: Path, not_files: list[str]) -> Iterator[tuple[Path, str, os.stat_result]]:
    """The files of a folder, or the one file, with their paths below it; links to folders are not entered.

    not_files: is given the paths of those, and of what else is no file.
    """
    if not source.is_dir():
        yield source, source.name, source.stat()
        return
    for folder, folders, names in os.walk(source):
        folders.sort()
        linked = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        not_files += [Path(folder, name).relative_to(source).as_posix() for name in linked]
        for name in sorted(names):
            path = Path(folder, name)
            below = path.relative_to(source).as_posix()
            try:
                facts = path.stat()
            except FileNotFoundError:  # a link that leads nowhere
                not_files.append(below)
                continue
            if stat.S_ISREG(facts.st_mode):
                yield path, below, facts
            else:
                not_files.append(below)


def token_of(told: tuple[object, ...]) -> str:
    """What names a transfer that may be gone on with."""
    return hashlib.sha256(repr(told).encode("utf-8", "backslashreplace")).hexdigest()[:24]
