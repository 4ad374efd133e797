"""What runs logged besides numbers, for wb run metrics: texts, tables, evaluations in a schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.cli import output
from workbench.cli.session import Session
from workbench.text import numbers
from workbench.text.evaluations import Grid, grid, of_columns
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field, render

Rows = list[dict[str, Any]]


def described(session: Session, run: str) -> Rows:
    """A row for each, to stand beside the series of the run: name, count, steps, and what it is as text."""
    texts = [
        _row(name, len(said), said[-1][1] or "", (said[0][0], said[-1][0]))
        for name, said in session.call("runs", "texts", run=run).items()
    ]
    others = [
        _row(item["name"], item["count"], clean_name(item.get("path") or item["kind"]))
        for item in session.call("runs", "logged", run=run)
        if item["kind"] != "text"
    ]
    return texts + others


def _row(
    name: str, count: int, text: str, steps: tuple[int | None, int | None] = (None, None)
) -> dict[str, Any]:
    return {"name": name, "count": count, "first_step": steps[0], "last_step": steps[1], "text": text}


def print_named(session: Session, run: str, name: str, limit: int | None) -> bool:
    """Print what the run logged under a name that is no series of numbers; False when there is nothing."""
    last = -limit if limit else 0
    if texts := session.call("runs", "texts", run=run, name=name).get(name):
        _print_texts(session, name, texts[last:])
    elif evaluations := session.call("runs", "evaluations", run=run, name=name).get(name):
        _print_evaluations(session, evaluations[last:])
    elif columns := session.call("runs", "rows", run=run, name=name).get(name):
        _print_table(session, {title: cells[last:] for title, cells in columns.items()})
    elif (path := _image(session, run, name)) is not None:
        output.line(session, path)
        output.note(session, f"wb run download {run} {path} brings it here", "quiet")
    else:
        return False
    return True


def _image(session: Session, run: str, name: str) -> str | None:
    """The place of a picture in the run's folder; None when there is none of that name."""
    found = [item for item in session.call("runs", "logged", run=run) if item["name"] == name]
    return next((str(item["path"]) for item in found if item.get("path")), None)


def _print_texts(session: Session, name: str, said: Sequence[Sequence[Any]]) -> None:
    fields = [
        Field(
            Column("STEP", right=True, keep=90), lambda one: "" if one["step"] is None else str(one["step"])
        ),
        Field(Column("TEXT", keep=100), lambda one: clean_name(one["value"] or "", 400)),
    ]
    found = [{"step": step, "value": text} for step, text in said]
    output.rows(session, found, fields, ("step", "value"), f"{name} has no points")


def _print_table(session: Session, columns: Mapping[str, Sequence[Any]]) -> None:
    if output.chosen_format(session) in ("json", "jsonl"):
        output.record(session, columns, [])
        return
    _print_grid(session, of_columns(columns))


def _print_evaluations(session: Session, found: Sequence[dict[str, Any]]) -> None:
    """All of them as JSON, the latest as a table."""
    if output.chosen_format(session) in ("json", "jsonl"):
        output.rows(session, found, [], (), "")
        return
    latest = found[-1]
    _print_grid(session, grid(str(latest["schema_type"]), latest["data"]))
    if len(found) > 1:
        output.note(session, f"the latest of {len(found)}; -o json has all", "quiet")


def _print_grid(session: Session, table: Grid) -> None:
    """A grid on a terminal, or its rows as lines."""
    if not output.as_table(session):
        values = [[output.plain(cell) for cell in row] for row in table.rows]
        titles = [clean_name(title) for title in table.titles]
        output.write(session, output.delimited(values, titles, csv=output.chosen_format(session) == "csv"))
        return
    columns = [_column(table, index) for index in range(len(table.titles))]
    shown = [
        [_cell(cell, table.diagonal and at == number + 1) for at, cell in enumerate(row)]
        for number, row in enumerate(table.rows)
    ]
    output.write(session, "\n".join(render(columns, shown, *session.terminal.look)) + "\n")


def _column(table: Grid, index: int) -> Column:
    """Numbers stand to the right; the first column says which row it is and stays longest."""
    right = all(numbers.number(row[index]) is not None for row in table.rows)
    return Column(clean_name(table.titles[index], 40), right=right, least=6, keep=100 if index == 0 else 50)


def _cell(value: Any, right: bool) -> Cell:
    number = numbers.number(value)
    text = clean_name(output.plain(value), 200) if number is None else numbers.short(number)
    return Cell(text or "-", "good" if right else "")
