"""The rows a user marked, by key; a mark outlives a row that is out of the list for a while."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.tui.table.lines import Lines


class Marks:
    """A set of keys, and where the last mark was set: there a range begins."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._last: str | None = None

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def toggle(self, key: str) -> None:
        """Mark a row, or take its mark away."""
        self._keys ^= {key}
        self._last = key

    def toggle_all(self, keys: Iterable[str]) -> None:
        """Mark all of these, or take the marks away when all have one."""
        wanted = set(keys)
        if wanted <= self._keys:
            self._keys -= wanted
        else:
            self._keys |= wanted

    def extend(self, lines: Lines, line: int) -> None:
        """Mark every row from the last mark to a line, both included."""
        begin = None if self._last is None else lines.find(self._last, line)
        begin = line if begin is None else begin
        for here in range(min(begin, line), max(begin, line) + 1):
            if not lines.is_header(here):
                self._keys.add(lines[here])
        self._last = lines[line]

    def clear(self) -> None:
        """Take all marks away."""
        self._keys.clear()
        self._last = None

    def shown(self, lines: Lines) -> tuple[str, ...]:
        """The marked rows that are in the list, in its order."""
        if not self._keys:
            return ()
        if len(self._keys) > len(lines) // 8:
            return tuple(key for key in lines.keys if key in self._keys)
        found = ((lines.find(key), key) for key in self._keys)
        return tuple(key for line, key in sorted((line, key) for line, key in found if line is not None))
