"""Which rows of what a run logged under names are asked for: of one name, only the last of each."""

from __future__ import annotations


def chosen(
    table: str, run: int, name: str | None, limit: int | None, *, among: str, newest: str
) -> tuple[str, list[object]]:
    """A condition in SQL on rows of a table with columns id, run and name, and its parameters.

    name: of this one; None: of all. limit: only the last so many of each group of rows that share the columns
    `among`, in the order `newest`; None: all.
    """
    where = "run = ?"
    values: list[object] = [run]
    if name is not None:
        where += " AND name = ?"
        values.append(name)
    if limit is not None:
        where += (
            " AND id IN (SELECT id FROM (SELECT id, row_number() OVER"
            f" (PARTITION BY {among} ORDER BY {newest}) AS back FROM {table} WHERE run = ?) WHERE back <= ?)"
        )
        values += [run, max(0, limit)]
    return where, values
