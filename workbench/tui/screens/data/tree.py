"""Paths as folders one goes into: what is in one, with how much is below it. Pure."""

from __future__ import annotations

from collections.abc import Iterable


class Tree:
    """Files by path with "/" between names, and the folder that is looked at; "" is the outermost."""

    def __init__(self, files: Iterable[tuple[str, int]]) -> None:
        self._files = sorted(files)
        self.folder = ""
        self._here: dict[str, tuple[int | None, int]] = {}
        self._list()

    @property
    def names(self) -> list[str]:
        """What is in the folder, folders first; those end with "/"."""
        return sorted(self._here, key=lambda name: (not name.endswith("/"), name))

    @property
    def total(self) -> tuple[int, int]:
        """How many files are in the folder and below, and their bytes."""
        found = self._here.values()
        return sum(1 if files is None else files for files, _ in found), sum(size for _, size in found)

    def entry(self, name: str) -> tuple[int | None, int]:
        """How many files are below a folder, None for a file, and bytes."""
        return self._here.get(name, (None, 0))

    def enter(self, name: str) -> None:
        """Into a folder that is in this one."""
        self.folder = f"{self.folder}/{name}".strip("/")
        self._list()

    def leave(self) -> str:
        """To the folder above; the name there of the one that was left."""
        self.folder, _, left = self.folder.rpartition("/")
        self._list()
        return f"{left}/"

    def _list(self) -> None:
        start = f"{self.folder}/" if self.folder else ""
        here: dict[str, tuple[int | None, int]] = {}
        for path, size in self._files:
            if not path.startswith(start):
                continue
            name, slash, _ = path[len(start) :].partition("/")
            if not slash:
                here[name] = (None, size)
                continue
            count, before = here.get(f"{name}/", (0, 0))
            here[f"{name}/"] = ((count or 0) + 1, before + size)
        self._here = here
