"""The columns a list can show, and which of them a user chose."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Column(NamedTuple):
    """One column; widths are cells.

    title and unit stand in the header, and nowhere else. Between least and ideal a column gives way to more
    important ones, between ideal and most it takes what is left over.
    """

    id: str
    title: str
    unit: str = ""
    right: bool = False
    """Numbers are right-aligned."""
    least: int = 4
    ideal: int = 10
    most: int = 0
    """0: never wider than ideal."""
    rest: bool = False
    """It takes all that the others leave; one column of a list at most."""
    keep: int = 50
    """Where not all columns fit, those with the least stay away."""
    middle: bool = False
    """Too long texts are cut in the middle: paths and names whose end says most."""
    sortable: bool = True
    descending: bool = False
    """The first sort by it is descending: the newest, the best first."""
    shown: bool = True
    """Shown unless the user chooses; the others are offered by the column chooser."""
    help: str = ""
    """A few words for the column chooser."""


WIDEST = 200
"""Cells a user may give a column."""
_SIZED = re.compile(r"(.*)\|([0-9]{1,3})", re.DOTALL)


def read_choice(choice: Sequence[str] | None) -> dict[str, int | None]:
    """What a choice says: ids in order, each with the width that the user gave it, as in loss|12."""
    found: dict[str, int | None] = {}
    for entry in choice or ():
        sized = _SIZED.fullmatch(entry)
        id, width = (entry, None) if sized is None else (sized[1], int(sized[2]))
        found.setdefault(id, None if width is None else max(1, min(width, WIDEST)))
    return found


def write_choice(ids: Sequence[str], widths: Mapping[str, int]) -> tuple[str, ...]:
    """A choice of these columns with the widths that were given."""
    return tuple(f"{id}|{widths[id]}" if id in widths else id for id in ids)


def fitted(columns: Sequence[Column], choice: Sequence[str] | None) -> Sequence[Column]:
    """The columns as wide as the user wants them."""
    widths = {id: width for id, width in read_choice(choice).items() if width is not None}
    if not widths:
        return columns
    return [
        column._replace(least=widths[column.id], ideal=widths[column.id], most=0, rest=False)
        if column.id in widths
        else column
        for column in columns
    ]


def chosen(columns: Sequence[Column], choice: Sequence[str] | None) -> list[int]:
    """The indices of the columns to show, in order: the user's choice, else the shown ones.

    Ids that no column has (any more) count for nothing; a choice of which nothing is left is none.
    """
    by_id = {column.id: index for index, column in enumerate(columns)}
    wanted = [by_id[id] for id in read_choice(choice) if id in by_id]
    return wanted or [index for index, column in enumerate(columns) if column.shown]


def name_of(column: Column) -> str:
    """A column's name where it stands alone."""
    name = column.title or column.id
    return f"{name} ({column.unit})" if column.unit else name
