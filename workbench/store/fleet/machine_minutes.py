"""The tables of what machines' figures were, by the minute: lows, means and highs.

A row is one minute of one machine: three two-byte numbers for each series of its layout, which says once
which series those are. No events tell of them.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Mapping, Sequence

from workbench.entities.machine_series import NAN, Minute, Span, kept, unit
from workbench.store.sqlite.codec import INTEGER_MAX, from_text, to_text
from workbench.store.sqlite.database import Transaction

_SPAN = struct.Struct("<3e")
_GAP = _SPAN.pack(NAN, NAN, NAN)
Found = dict[str, dict[int, Span]]


def put(change: Transaction, minutes: Mapping[str, Iterable[Minute]]) -> None:
    """Keep minutes of machines, by the machines' names; one that is there already is replaced."""
    for target, some in minutes.items():
        for minute in some:
            layout, names = _layout(change, target, minute.figures.keys())
            data = b"".join(_packed(name, minute.figures.get(name)) for name in names)
            change.execute(
                "INSERT OR REPLACE INTO machine_minutes (layout, minute, data) VALUES (?, ?, ?)",
                (layout, minute.minute, data),
            )


def _packed(name: str, span: Span | None) -> bytes:
    if span is None:
        return _GAP
    of = unit(name)
    return _SPAN.pack(*(kept(value, of) for value in span))


def _layout(change: Transaction, target: str, names: Iterable[str]) -> tuple[int, list[str]]:
    """The number and the series of a layout that has these: the machine's newest, as long as that will do."""
    row = change.execute(
        "SELECT id, series FROM machine_layouts WHERE target = ? ORDER BY id DESC LIMIT 1", (target,)
    ).fetchone()
    if row is not None and set(names) <= set(known := from_text(list[str], row[1])):
        return row[0], known
    series = sorted(names)
    cursor = change.execute(
        "INSERT INTO machine_layouts (target, series) VALUES (?, ?)", (target, to_text(series))
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid, series


def read(connection: sqlite3.Connection, target: str, names: Sequence[str], first: int, stop: int) -> Found:
    """The minutes of some of a machine's series, from first to before stop, by name and minute."""
    found: Found = {name: {} for name in names}
    for layout, series in _layouts(connection, target):
        places = [
            (found[name], unit(name), at * _SPAN.size) for at, name in enumerate(series) if name in found
        ]
        if not places:
            continue
        for minute, data in connection.execute(
            "SELECT minute, data FROM machine_minutes WHERE layout = ? AND minute >= ? AND minute < ?",
            (layout, first, stop),
        ):
            for spans, of, at in places:
                low, mean, high = _SPAN.unpack_from(data, at)
                if mean == mean:
                    spans[minute] = Span(low * of, mean * of, high * of)
    return found


def names(connection: sqlite3.Connection, target: str) -> list[str]:
    """The series of a machine that minutes are kept of, in order of their names."""
    return sorted({name for _, series in _layouts(connection, target) for name in series})


def _layouts(connection: sqlite3.Connection, target: str) -> list[tuple[int, list[str]]]:
    rows = connection.execute("SELECT id, series FROM machine_layouts WHERE target = ?", (target,)).fetchall()
    return [(row[0], from_text(list[str], row[1])) for row in rows]


def prune(change: Transaction, before: int) -> int:
    """Forget the minutes before one, and all of machines that are no target any more; how many there were."""
    gone = 0
    for layout, target in change.execute("SELECT id, target FROM machine_layouts").fetchall():
        known = change.execute("SELECT 1 FROM targets WHERE name = ?", (target,)).fetchone()
        stop = before if known is not None else INTEGER_MAX
        cursor = change.execute("DELETE FROM machine_minutes WHERE layout = ? AND minute < ?", (layout, stop))
        gone += cursor.rowcount
    change.execute(
        "DELETE FROM machine_layouts WHERE NOT EXISTS (SELECT 1 FROM machine_minutes WHERE layout = id)"
    )
    return gone
