"""What a run logged besides numbers as what a report shows of it, whichever document it stands in. Pure.

Everything is cut to what a reader looks at, and what is left out is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from workbench.text import evaluation_plots, pictures, sizes
from workbench.text.confusion import Heat, heat
from workbench.text.evaluation_plots import EvaluationPlot
from workbench.text.evaluations import Grid, grid, of_columns
from workbench.text.numbers import counted
from workbench.text.pictures import Picture

MOST_ROWS = 50
"""Rows of a table: the last ones."""
MOST_COLUMNS = 30
MOST_CLASSES = 40
"""Of a confusion matrix."""
MOST_CURVES = 12
"""In one plot."""
MOST_DOTS = 50_000_000
"""Of a picture: a file of a few bytes may unpack to more than a browser has room for."""

TITLES: Final = {"evaluations": "Evaluations", "images": "Images", "tables": "Tables", "texts": "Texts"}


class Table(NamedTuple):
    """Rows under titles, and what is to be said below them."""

    grid: Grid
    notes: list[str]


class Matrix(NamedTuple):
    """A confusion matrix, and what is to be said below it."""

    heat: Heat
    """Only the first so many classes; the shares are of all of them."""
    notes: list[str]


def evaluation(value: Mapping[str, Any]) -> Matrix | list[EvaluationPlot] | Table:
    """An evaluation in the form that suits its schema, as rows where it has no other."""
    schema, data = str(value["schema"]), value["data"]
    if schema == "confusion_matrix" and (found := heat(data, normalised=False)) is not None:
        return _matrix(found)
    plots = [_plot(plot) for plot in evaluation_plots.plots(schema, data)]
    return plots or _table(grid(schema, data), 0)


def table(value: Mapping[str, Any]) -> Table:
    """The last rows of a table."""
    return _table(of_columns(value["columns"]), value.get("more"))


def picture(value: Mapping[str, Any]) -> Picture | str:
    """What picture there is; else a sentence: why it is not shown."""
    if "data" not in value:
        return str(value.get("problem") or "it was not fetched")
    found = pictures.read(value["data"])
    if found is None:
        return "it is no PNG, JPEG or GIF"
    if found.width * found.height > MOST_DOTS:
        return f"{found.width} x {found.height} dots are too many"
    return found


def about(value: Mapping[str, Any], found: Picture) -> str:
    """A picture's kind and sizes."""
    return f"{found.kind} {found.width} x {found.height}, {sizes.short(len(value['data']))}"


def _matrix(found: Heat) -> Matrix:
    most = MOST_CLASSES
    notes = [] if found.accuracy is None else [f"right of all {found.accuracy * 100:.2f}%"]
    if len(found.labels) > most:
        notes.append(f"the first {most} of {len(found.labels)} classes")
    texts = [row[:most] for row in found.texts[:most]]
    shares = [row[:most] for row in found.shares[:most]]
    return Matrix(found._replace(labels=found.labels[:most], texts=texts, shares=shares), notes)


def _plot(found: EvaluationPlot) -> EvaluationPlot:
    lines, most = found.lines, MOST_CURVES
    if len(lines) <= most:
        return found
    return found._replace(title=f"{found.title}, the first {most} of {len(lines)}", lines=lines[:most])


def _table(found: Grid, before: int | None) -> Table:
    """before: how many more rows there are, None where that is not known."""
    rows = [row[:MOST_COLUMNS] for row in found.rows[-MOST_ROWS:]]
    notes = []
    if before is None:
        notes.append(f"the last {counted(len(rows), 'row')}")
    elif (every := before + len(found.rows)) > len(rows):
        notes.append(f"the last {counted(len(rows), 'row')}; {every - len(rows)} more before them")
    if len(found.titles) > MOST_COLUMNS:
        notes.append(f"{counted(len(found.titles) - MOST_COLUMNS, 'more column')}")
    return Table(Grid(found.titles[:MOST_COLUMNS], rows, found.diagonal), notes)
