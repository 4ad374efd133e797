"""The rows of an SQLite file that was cut short, as far as its pages are there and whole.

SQLite refuses all of such a file, or takes the zeros it sees behind its end for what stood there. Only what
is needed of its format is read here: tables with rowids in UTF-8. A row whose page, or a page that it goes on
in, is not there as a whole does not exist; nothing is guessed.
"""

import os
import stat
import struct
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

MAGIC = b"SQLite format 3\0"
LONGEST = 1 << 20
"""Bytes of a row, or of what made a table; a longer one is passed over."""
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_INTERIOR, _LEAF = 5, 13
_REFUSED = (21, 24, 31)
"""What sqlite3.h calls SELECT, ATTACH and FUNCTION: Python 3.6 has no name for the last."""

_Table = NamedTuple("_Table", [("root", int), ("columns", List[str])])


class NotThere(Exception):
    """A page that was cut off."""


class CutShort(object):
    """An open file. A context manager. Raises OSError; ValueError for what is no such file, or is not cut."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            head = os.pread(self._file, 100, 0) if stat.S_ISREG(os.fstat(self._file).st_mode) else b""
            if len(head) < 100 or not head.startswith(MAGIC):
                raise ValueError("no SQLite file")
            size = struct.unpack(">H", head[16:18])[0]
            self._page = 65536 if size == 1 else size
            self._usable = self._page - head[20]
            self.there = os.fstat(self._file).st_size // max(1, self._page)
            """Whole pages."""
            self.wanted: int = struct.unpack(">I", head[28:32])[0]
            """Pages it had, by its own account."""
            sound = self._page >= 512 and self._usable >= 480 and head[24:28] == head[92:96]
            if not sound or head[56:60] != b"\0\0\0\1" or self.there >= self.wanted:
                raise ValueError("not cut short, or not in UTF-8")
            self.missing: Dict[str, int] = {}
            """Pages that were looked for in vain, by table; more may lie below each."""
            self._tables = self._schema()
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> "CutShort":
        return self

    def __exit__(self, *_: Any) -> None:
        os.close(self._file)

    def rows(self, name: str, after: int = 0, having: bytes = b"") -> Iterator[Tuple[int, Dict[str, Any]]]:
        """The rows of a table beyond a rowid, in order. having: what stands in all pages that matter."""
        table = self._tables.get(name)
        if table is None:
            self.missing[name] = self.missing.get(name, 0) + 1
            return
        for rowid, values in self._walk(name, table.root, after, having):
            yield rowid, dict(zip(table.columns, values))

    def _schema(self) -> Dict[str, _Table]:
        found = {}
        for _, values in self._walk("sqlite_master", 1, 0, b""):
            if len(values) >= 5 and values[0] == "table" and isinstance(values[4], str):
                columns = _columns(values[4])
                if columns and isinstance(values[3], int):
                    found[str(values[1])] = _Table(values[3], columns)
        return found

    def _walk(self, name: str, root: int, after: int, having: bytes) -> Iterator[Tuple[int, List[Any]]]:
        """The rows below a page, whatever is not there left out and counted."""
        waiting, seen = [root], set()  # type: List[int], Set[int]
        while waiting:
            number = waiting.pop()
            if number in seen:
                continue  # a damaged file: the same page twice
            seen.add(number)
            try:
                data = self._at(number)
            except NotThere:
                self.missing[name] = self.missing.get(name, 0) + 1
                continue
            base = 100 if number == 1 else 0
            try:
                if data[base] == _INTERIOR:
                    waiting += _children(data, base, after)[::-1]
                elif data[base] == _LEAF and having in data:
                    for row in self._cells(name, data, base):
                        if row[0] > after:
                            yield row
            except (IndexError, struct.error):
                self.missing[name] = self.missing.get(name, 0) + 1  # no such page after all

    def _cells(self, name: str, data: bytes, base: int) -> Iterator[Tuple[int, List[Any]]]:
        count = struct.unpack_from(">H", data, base + 3)[0]
        for at in struct.unpack_from(">%dH" % count, data, base + 8):
            size, at = _varint(data, at)
            rowid, at = _varint(data, at)
            rowid = rowid - (1 << 64) if rowid >> 63 else rowid
            try:
                values = _values(self._payload(data, at, size))
            except NotThere:
                self.missing[name] = self.missing.get(name, 0) + 1
                continue
            except (IndexError, ValueError, struct.error):
                continue
            yield rowid, values

    def _payload(self, data: bytes, at: int, size: int) -> bytes:
        """The bytes of a row, and of the pages it goes on in."""
        if size > LONGEST:
            raise ValueError("too long")
        most = self._usable - 35
        if size <= most:
            return data[at : at + size]
        least = (self._usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (self._usable - 4)
        local = local if local <= most else least
        parts = [data[at : at + local]]
        left, following = size - local, struct.unpack_from(">I", data, at + local)[0]
        while left > 0:
            page = self._at(following)
            parts.append(page[4 : 4 + min(left, self._usable - 4)])
            left -= self._usable - 4
            following = struct.unpack_from(">I", page)[0]
        return b"".join(parts)

    def _at(self, number: int) -> bytes:
        if not 0 < number <= self.there:
            raise NotThere()
        data = os.pread(self._file, self._page, (number - 1) * self._page)
        if len(data) < self._page:
            raise NotThere()
        return data


def _children(data: bytes, base: int, after: int) -> List[int]:
    """The pages below an interior one that have rows beyond a rowid, in order."""
    count = struct.unpack_from(">H", data, base + 3)[0]
    found = []
    for at in struct.unpack_from(">%dH" % count, data, base + 12):
        if _varint(data, at + 4)[0] > after:
            found.append(struct.unpack_from(">I", data, at)[0])
    return found + [struct.unpack_from(">I", data, base + 8)[0]]


def _varint(data: bytes, at: int) -> Tuple[int, int]:
    """A number and where what follows it begins."""
    value = 0
    for place in range(at, at + 8):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    return value << 8 | data[at + 8], at + 9


def _values(payload: bytes) -> List[Any]:
    """The columns of a row."""
    end, at = _varint(payload, 0)
    found, place = [], end  # type: List[Any], int
    while at < end:
        kind, at = _varint(payload, at)
        size = _INTEGERS.get(kind, 8 if kind == 7 else (kind - 12) // 2 if kind >= 12 else 0)
        data = payload[place : place + size]
        if len(data) < size:
            raise ValueError("cut short")
        place += size
        found.append(_value(kind, data))
    return found


def _value(kind: int, data: bytes) -> Any:
    if kind in _INTEGERS:
        return int.from_bytes(data, "big", signed=True)
    if kind == 7:
        return struct.unpack(">d", data)[0]
    if kind >= 12:
        return data.decode("utf-8", "replace") if kind % 2 else data
    return {8: 0, 9: 1}.get(kind)


def _columns(made_by: str) -> Optional[List[str]]:
    """The columns that a CREATE TABLE makes: SQLite is asked, and may do nothing else; None for none."""
    import sqlite3

    if len(made_by) > LONGEST or not made_by.upper().startswith("CREATE TABLE"):
        return None
    made = False

    def allowed(action: int, *_: Any) -> int:
        # None lifts an authorizer since Python 3.11 only; before that it refuses all there is.
        return sqlite3.SQLITE_OK if made or action not in _REFUSED else sqlite3.SQLITE_DENY

    connection = sqlite3.connect(":memory:")
    try:
        connection.set_authorizer(allowed)
        connection.execute(made_by)
        made = True
        (name,) = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchone()
        quoted = '"%s"' % str(name).replace('"', '""')
        return [str(row[1]) for row in connection.execute("PRAGMA table_info(%s)" % quoted)]
    except (sqlite3.Error, ValueError, TypeError):
        return None
    finally:
        connection.close()
