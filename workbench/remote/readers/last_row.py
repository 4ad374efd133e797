"""The last row of a table that has no newline: what of it is to be had. Pure.

Whoever wrote it may have died within it, and "0.12" may be all there is of "0.1234". What a delimiter or a
closing quote follows is whole. Whether the cell at the very end is, the row does not say: who ended well has
written all of it, and where nobody writes any more and no column is missing it is taken as it stands, which
is said. Else a number there is left out, and said too; a row whose step stands there has nothing certain.
"""

from typing import List, NamedTuple, Tuple

from workbench.remote.readers.columns import Axes, cell, points, split
from workbench.remote.readers.entries import Entry, number_of

SHOWN = 40
"""Characters of a cell that are quoted."""
CUT, STANDS, WHOLE = "cut", "stands", "whole"
"""What is known of such an end: it may be cut short, nobody writes any more, or its writer ended well."""

LastRow = NamedTuple(
    "LastRow",
    [
        ("entries", List[Entry]),
        ("trouble", str),  # what was left out of it, or taken all the same, in words; empty for nothing
        ("entire", bool),  # its end was taken as well
    ],
)


def last_row(data: bytes, delimiter: str, names: List[str], order: Axes, end: str) -> LastRow:
    """The points of such a row; end: one of CUT, STANDS and WHOLE."""
    text = data.decode("utf-8", "replace")
    if not text.strip():
        return LastRow([], "", False)
    cells = None if text.count('"') % 2 else split(text, delimiter)
    if cells is None or len(cells) > len(names):
        return LastRow([], "its last line has no newline and is no whole row: it is left out", False)
    if end == WHOLE or (end == STANDS and len(cells) == len(names)):
        row = {name: cell(one) for name, one in zip(names, cells)}
        name, number = _at_end(cells, names)
        sure = end == WHOLE or not number or text.endswith('"')
        words = "its last line has no newline: %.100s = %s at its end is taken as it stands" % (name, number)
        return LastRow(points(row, order), "" if sure else words, True)
    entries, trouble = _certain(text, cells, names, order)
    return LastRow(entries, trouble, False)


def _certain(text: str, cells: List[str], names: List[str], order: Axes) -> Tuple[List[Entry], str]:
    """The points of what something follows, and what was left out, in words."""
    whole = len(cells) if text.endswith('"') else len(cells) - 1
    row = {name: cell(one) for name, one in zip(names, cells[:whole])}
    name, number = _at_end(cells, names) if cells[whole:] else ("", "")
    if order.step is not None and order.step not in row:
        return [], "its last line has no newline, so its step %s may be cut short: it is left out" % number
    if not number:
        return points(row, order), ""
    words = "its last line has no newline, so %.100s = %s in it may be cut short: that value is left out"
    return points(row, order), words % (name, number)


def _at_end(cells: List[str], names: List[str]) -> Tuple[str, str]:
    """The number at the very end and what it is called; "" where that is none."""
    number = "" if number_of(cell(cells[-1])) is None else cells[-1].strip()[:SHOWN]
    return names[len(cells) - 1], number
