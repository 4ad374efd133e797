"""Files and folders between this side and a machine, by the words one would give to `cp -r`."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from workbench.errors import Conflict, NotFound, UsageError
from workbench.workspace.client import Client
from workbench.workspace.file_transfer import FileTransfer
from workbench.workspace.folder_transfer import FolderTransfer

Progress = Callable[[str, int, int], None]


class Brought(NamedTuple):
    """What came of one of the words: where it is, how many files were there already, what was left out."""

    place: str
    there: int = 0
    left_out: Sequence[str] = ()


class Transfers:
    """Transfers for one caller."""

    def __init__(
        self, client: Client, target: str, *, overwrite: bool = False, on_progress: Progress | None = None
    ) -> None:
        self._client = client
        self._target = target
        self._progress = on_progress
        self._what = ""
        self._done = self._total = 0
        options: dict[str, Any] = {"overwrite": overwrite, "moved": self._moved}
        self._files = FileTransfer(client, target, **options)
        self._folders = FolderTransfer(client, target, **options)

    def _begin(self, what: str, total: int) -> None:
        self._what, self._done, self._total = what, 0, total

    def _moved(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(self._what, self._done, self._total)

    def _stat(self, path: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._client.call("files", "stat", target=self._target, path=path)
        except NotFound:
            return None
        return found

    def upload(self, sources: Sequence[Path], to: str) -> Iterator[Brought]:
        """Bring files and folders to a path of the machine, each as it is done.

        A folder there takes them under their own names; else the one source gets the name that was given.
        What differs from what is there already is a Conflict unless it may be overwritten. A transfer that
        was cut goes on when it is asked for again.
        """
        for source in sources:
            if not source.exists():
                raise NotFound(f"there is no {source} here")
        place = self._stat(to)
        into = to.endswith("/") or (place is not None and _is_folder(place["entry"]))
        if len(sources) > 1 and not into:
            raise UsageError(f"{to} on {self._target} is no folder", "end it with / to have it made")
        if into:
            made = self._client.call("files", "mkdir", target=self._target, path=to, parents=True)
            to = str(made["path"])
        elif place is not None:
            to = str(place["path"])
        for source in sources:
            yield self._up(source, posixpath.join(to, source.resolve().name) if into else to)

    def _up(self, source: Path, to: str) -> Brought:
        if not source.is_dir():
            self._begin(source.name, source.stat().st_size)
            return Brought(self._files.send(source, to))
        plan = self._folders.plan_sending(source, to)
        self._begin(source.resolve().name, plan.total)
        self._folders.send(plan, source, to)
        return Brought(to, plan.there, plan.left_out)

    def download(self, paths: Sequence[str], to: Path) -> Iterator[Brought]:
        """Bring a machine's files and folders to a place of this side, each as it is done; as `upload`."""
        found = []
        for path in paths:
            place = self._stat(path)
            if place is None:
                raise NotFound(f"there is no {path} on {self._target}")
            found.append(place)
        into = to.is_dir()
        if len(paths) > 1 and not into:
            raise UsageError(f"{to} is no folder here", "make it first, or fetch one thing at a time")
        for asked, place in zip(paths, found, strict=True):
            name = _name_of(asked) or _name_of(str(place["path"])) or self._target
            yield self._down(place, to / name if into else to)

    def _down(self, place: dict[str, Any], to: Path) -> Brought:
        path, entry = str(place["path"]), place["entry"]
        if not _is_folder(entry):
            if (entry.get("leads") or entry["kind"]) != "file":
                raise Conflict(f"{path} is a {entry['kind']}, no file to fetch")
            if entry["kind"] == "link":  # its own size is that of its text
                now = self._client.call("files", "hash", target=self._target, path=path)
                entry = {"size": now["size"], "sha256": now["sha256"]}
            self._begin(posixpath.basename(path), int(entry["size"]))
            return Brought(str(self._files.fetch(path, entry, to)))
        plan = self._folders.plan_fetching(path, to)
        self._begin(posixpath.basename(path), plan.total)
        self._folders.fetch(plan, path, to)
        return Brought(str(to), plan.there, plan.left_out)


def _name_of(path: str) -> str:
    """What a path names in its folder; empty where that is no name of its own.

    What was asked for decides what is written here: a machine may say that it was something else.
    """
    name = posixpath.basename(path.rstrip("/"))
    alone = name == path.rstrip("/")
    return "" if name in ("", ".", "..") or (alone and name.startswith("~")) else name


def _is_folder(entry: dict[str, Any]) -> bool:
    return bool((entry.get("leads") or entry["kind"]) == "dir")
