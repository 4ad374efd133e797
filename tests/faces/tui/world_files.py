"""The files of the fixed world's machines: a small tree in memory."""

from __future__ import annotations

import posixpath
from collections.abc import AsyncGenerator
from copy import deepcopy
from typing import Any

from tests.faces.fixed_runs import ago
from workbench.errors import Conflict, NotFound

HOME = "/home/ann"
TREE: dict[str, bytes | str | None] = {
    "/": None,
    "/home": None,
    HOME: None,
    f"{HOME}/.cache": None,
    f"{HOME}/data": None,
    f"{HOME}/data/deep": None,
    f"{HOME}/data/large.bin": b"\0\1\2" * 1000,
    f"{HOME}/data/small.csv": b"a,b\n1,2\n",
    f"{HOME}/train.log": b"".join(b"epoch %d\n" % number for number in range(500))
    + b"Traceback (most recent call last):\n",
    f"{HOME}/evil\x1b]0;x\x07\nname": b"x",
    f"{HOME}/caf\udce9": b"x",
    f"{HOME}/link": "data",
    f"{HOME}/broken": "nowhere",
}
"""What is at a path: a file's bytes, None for a folder, a link's target."""


class FileServices:
    """The noun `files`."""

    def __init__(self) -> None:
        super().__init__()
        self.tree = deepcopy(TREE)

    def _path(self, path: str) -> str:
        found = posixpath.normpath(posixpath.join(HOME, path.replace("~", HOME, 1)))
        if found not in self.tree:
            raise NotFound(f"not there on the machine: {found}")
        return found

    def _entry(self, path: str) -> dict[str, Any]:
        what = self.tree[path]
        found: dict[str, Any] = {
            "name": posixpath.basename(path) or "/", "mode": 0o644, "modified": ago(hours=2), "user": "ann",
        }  # fmt: skip
        if what is None:
            return {**found, "kind": "dir", "size": 4096, "mode": 0o755}
        if isinstance(what, bytes):
            return {**found, "kind": "file", "size": len(what)}
        aim = posixpath.join(posixpath.dirname(path), what)
        leads = {"leads": self._entry(aim)["kind"]} if aim in self.tree else {}
        return {**found, "kind": "link", "size": len(what), "target": what, **leads}

    def _within(self, path: str) -> list[str]:
        return [
            posixpath.basename(other)
            for other in self.tree
            if other != "/" and posixpath.dirname(other) == path
        ]

    def files_order(
        self, target: str, path: str = "~", sort: str = "name", descending: bool = False, hidden: bool = True
    ) -> dict[str, Any]:
        folder = self._path(path)
        names = [name for name in self._within(folder) if hidden or not name.startswith(".")]
        entries = {name: self._entry(posixpath.join(folder, name)) for name in names}
        key = {
            "name": lambda n: (entries[n]["kind"] != "dir", n.lower()),
            "size": lambda n: entries[n]["size"],
        }
        return {"path": folder, "names": sorted(names, key=key.get(sort, key["name"]), reverse=descending)}

    def files_list(self, target: str, path: str, names: list[str]) -> dict[str, Any]:
        folder = self._path(path)
        return {"path": folder, "entries": [self._entry(posixpath.join(folder, name)) for name in names]}

    def files_stat(self, target: str, path: str) -> dict[str, Any]:
        found = self._path(path)
        return {"path": found, "home": HOME, "free": 81 << 30, "entry": self._entry(found)}

    async def files_get(
        self, target: str, path: str, offset: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        what = self.tree[self._path(path)]
        assert isinstance(what, bytes)
        yield what[offset : len(what) if length is None else offset + length]

    def files_mkdir(self, target: str, path: str, parents: bool = False) -> dict[str, Any]:
        self.tree[path] = None
        return {"path": path}

    def files_rename(self, target: str, path: str, to: str) -> dict[str, Any]:
        if to in self.tree:
            raise Conflict(f"{to} exists", "choose another name")
        for other in [other for other in self.tree if other == path or other.startswith(path + "/")]:
            self.tree[to + other[len(path) :]] = self.tree.pop(other)
        return {"path": to}

    async def files_copy(
        self, target: str, path: str, to: str, recursive: bool
    ) -> AsyncGenerator[dict[str, Any], None]:
        self.tree[to] = self.tree[path]
        yield {"count": 1, "bytes": 10, "left_out": 0, "path": to}

    async def files_delete(
        self, target: str, path: str, recursive: bool
    ) -> AsyncGenerator[dict[str, Any], None]:
        gone = [other for other in self.tree if other == path or other.startswith(path + "/")]
        for other in gone:
            del self.tree[other]
        yield {"count": len(gone), "bytes": 4096}

    async def files_usage(self, target: str, path: str) -> AsyncGenerator[dict[str, Any], None]:
        folder = self._path(path)
        rows = []
        for name in self._within(folder):
            whole = posixpath.join(folder, name)
            below = [
                what for other, what in self.tree.items() if other == whole or other.startswith(whole + "/")
            ]
            size = sum(len(what) for what in below if isinstance(what, bytes))
            rows.append({"name": name, "kind": self._entry(whole)["kind"], "bytes": size})
        rows.sort(key=lambda row: -row["bytes"])
        total = sum(row["bytes"] for row in rows)
        yield {"path": folder, "total": total // 2, "files": 3, "entries": rows[:1], "unreadable": []}
        yield {
            "path": folder,
            "total": total,
            "files": 6,
            "entries": rows,
            "elsewhere": 0,
            "unread": 1,
            "unreadable": ["/root"],
        }
