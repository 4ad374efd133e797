"""The lines of a list: rows by key, and headers of groups, of which folded ones hide their rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from workbench.tui.table.cell import Cell

NEAR = 64


@dataclass(frozen=True, slots=True)
class Group:
    """A header and how many of the keys stand under it.

    key: unlike any row's. count: what is said about how many there are, where not all are loaded. detail:
    what stands behind title and count.
    """

    key: str
    title: str
    size: int
    count: int | None = None
    detail: tuple[Cell, ...] = ()


class Lines:
    """What a list shows, from the first line to the last; never changed once made."""

    def __init__(
        self, keys: Sequence[str] = (), groups: Sequence[Group] = (), folded: Collection[str] = ()
    ) -> None:
        if groups and sum(group.size for group in groups) != len(keys):
            raise ValueError("the groups' sizes must add up to the number of keys")
        self.groups = {group.key: group for group in groups}
        self.folded = frozenset(folded) & self.groups.keys()
        self._rows = keys
        self._index: dict[str, int] | None = None
        if not groups:
            self.keys: Sequence[str] = keys if isinstance(keys, tuple) else list(keys)
            return
        lines: list[str] = []
        begin = 0
        for group in groups:
            lines.append(group.key)
            if group.key not in self.folded:
                lines.extend(keys[begin : begin + group.size])
            begin += group.size
        self.keys = lines

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, line: int) -> str:
        return self.keys[line]

    def refolded(self, folded: Collection[str]) -> Lines:
        """The same rows with other groups folded."""
        return Lines(self._rows, tuple(self.groups.values()), folded)

    def find(self, key: str, near: int = 0) -> int | None:
        """The line of a row or header; looked for around `near` before anywhere else."""
        if self._index is None:
            begin = max(0, near - NEAR)
            window = self.keys[begin : near + NEAR]
            if key in window:
                return begin + window.index(key)
            self._index = {key: line for line, key in enumerate(self.keys)}
        return self._index.get(key)

    def is_header(self, line: int) -> bool:
        """Whether a line is a group's header."""
        return self.keys[line] in self.groups

    def header_of(self, line: int) -> int | None:
        """The line of the header above a row; None when there is none."""
        if not self.groups:
            return None
        return next((above for above in range(line, -1, -1) if self.is_header(above)), None)

    def rows_under(self, header: int) -> Sequence[str]:
        """The keys of the rows shown under a header."""
        group = self.groups[self.keys[header]]
        return () if group.key in self.folded else self.keys[header + 1 : header + 1 + group.size]

    def first_row(self) -> int:
        """The first line that is a row; the first line where all are headers, -1 where there is none."""
        rows = (line for line in range(min(len(self), NEAR)) if not self.is_header(line))
        return next(rows, 0 if len(self) else -1)
