"""Finding stretches of lines that match, where nobody asks for each line of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.text.log_hits import Counter, Finder, Hit

PIECE = 1 << 16
"""Bytes that are told line by line where not all of their lines match."""


def covering(find: Finder, count: Counter, offset: int) -> Finder:
    """As find, but lines that match one behind another may be one hit, from offset of the log on.

    Where most lines match it costs a fraction: what counts them says in one call that all do.
    """
    dense = False

    def cover(data: bytes, at: int) -> Iterator[Hit]:
        nonlocal dense
        lines = _lines(data)
        if not dense or at < offset:
            hits = list(find(data, at))
            dense = 2 * len(hits) > lines
            yield from hits
            return
        found = count(data)
        dense = 2 * found > lines
        if found == lines:
            yield Hit(at, at, at + len(data), "")
            return
        start = 0
        while start < len(data):
            stop = data.find(b"\n", start + PIECE) + 1 or len(data)
            piece = data[start:stop]
            found = count(piece)
            if found and found == _lines(piece):
                yield Hit(at + start, at + start, at + stop, "")
            elif found:
                yield from find(piece, at + start)
            start = stop

    return cover


def _lines(data: bytes) -> int:
    return data.count(b"\n") + bool(data and not data.endswith(b"\n"))
