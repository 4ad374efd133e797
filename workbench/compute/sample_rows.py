"""The tables of a probe's messages as they stand: rows by position, brought up to date cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from workbench.compute.sample_cells import CELLS, Cell
from workbench.remote.forms import sample_form

Fields = dict[str, Any]
E = TypeVar("E")


class Rows(Generic[E]):
    """One table: the decoded fields of its rows, and the entity made of each, made anew when it changes."""

    def __init__(self, key: str, make: Callable[[Fields], E | None]) -> None:
        self.moved = False
        """Whether the last message changed which row is whose."""
        self._cells = CELLS[key]
        self._most = sample_form.MAX_ROWS[key]
        self._make = make
        self._fields: list[Fields | None] = []
        self._made: dict[int, E | None] = {}

    def fill(self, rows: Any) -> None:
        """Take a table in full."""
        self.moved = True
        self._made.clear()
        self._fields = []
        for row in rows[: self._most] if isinstance(rows, list) else []:
            fields: Fields | None = None
            if isinstance(row, dict):
                fields = {}
                merge_fields(fields, row, self._cells)
            self._fields.append(fields)

    def change(self, delta: Any) -> None:
        """Take what changed."""
        self.moved = False
        if not isinstance(delta, dict):
            return
        gone, new = delta.get("-"), delta.get("+")
        for position in gone if isinstance(gone, list) else []:
            if self._there(position):
                self._fields[position] = None
                self._made.pop(position, None)
                self.moved = True
        for name, row in new.items() if isinstance(new, dict) else ():
            position = place(name, self._most)
            if position is None or not isinstance(row, dict):
                continue
            while len(self._fields) <= position:
                self._fields.append(None)
            self._fields[position] = {}
            self._set_row(position, row)
            self.moved = True
        for key, column in delta.items():
            cell = self._cells.get(key)
            if cell is not None:
                self._change_column(cell, column)

    def forget(self) -> None:
        """Make all entities anew: what they refer to has changed."""
        self._made.clear()

    def at(self, position: int) -> E | None:
        """The entity of a row."""
        if not self._there(position):
            return None
        if position not in self._made:
            fields = self._fields[position]
            assert fields is not None
            self._made[position] = self._make(fields)
        return self._made[position]

    def entities(self) -> list[E]:
        """Those of all rows, in the order of their positions."""
        found = (self.at(position) for position in range(len(self._fields)))
        return [entity for entity in found if entity is not None]

    def _there(self, position: Any) -> bool:
        fine = type(position) is int and 0 <= position < len(self._fields)
        return fine and self._fields[position] is not None

    def _set_row(self, position: int, row: Fields) -> None:
        fields = self._fields[position]
        assert fields is not None
        merge_fields(fields, row, self._cells)
        self._made.pop(position, None)

    def _change_column(self, cell: Cell, column: Any) -> None:
        changes: list[tuple[Any, Any]]
        if isinstance(column, list):
            changes = list(enumerate(column[: self._most]))
        elif isinstance(column, dict):
            changes = [(place(name, self._most), value) for name, value in column.items()]
        else:
            return
        for position, value in changes:
            if not self._there(position):
                continue
            fields = self._fields[position]
            assert fields is not None
            if set_cell(fields, cell, value):
                self._made.pop(position, None)
                self.moved = self.moved or cell.identifies


def merge_fields(fields: Fields, changes: Any, cells: Mapping[str, Cell]) -> None:
    """Bring decoded fields up to date with a mapping of short keys; null or nonsense removes one."""
    if not isinstance(changes, dict):
        return
    for key, value in changes.items():
        cell = cells.get(key)
        if cell is not None:
            set_cell(fields, cell, value)


def set_cell(fields: Fields, cell: Cell, value: Any) -> bool:
    """One field; whether that changed anything."""
    decoded = None if value is None else cell.decode(value)
    if fields.get(cell.name) == decoded:
        return False
    if decoded is None:
        del fields[cell.name]
    else:
        fields[cell.name] = decoded
    return True


def place(name: Any, most: int) -> int | None:
    """A row's position from its text."""
    if isinstance(name, str) and name.isascii() and name.isdigit() and len(name) < 6 and int(name) < most:
        return int(name)
    return None
