"""wb run compare, wb run diff: how runs differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import DocumentListing, Listing, command
from workbench.cli.session import Session
from workbench.errors import UsageError
from workbench.text.numbers import counted
from workbench.text.sanitize import clean, clean_name
from workbench.text.style import Look, paint
from workbench.text.tables import Cell, Column, Field, pairs, render
from workbench.views import comparison, comparison_document
from workbench.views.comparison import diff_role

LONG = 28
"""Cells over which a value stands below the table, so that it does not stretch every column."""
LEAST = 12
"""Cells a run's column needs to say anything; runs that do not fit beside each other go below."""


@command("compare", cls=DocumentListing)
@click.argument("runs", nargs=-1, required=True, shell_complete=complete.run)
@click.option("--all", "everything", is_flag=True, help="Show what is the same, too.")
@click.option(
    "--children",
    is_flag=True,
    help="Of one run: those below it. Of several: each stands for those below it, by means and spreads.",
)
@click.option("--save", metavar="NAME", help="Keep the comparison: wb run compare NAME shows it again.")
@click.pass_obj
def compare(
    session: Session, runs: tuple[str, ...], everything: bool, children: bool, save: str | None
) -> None:
    """Show runs side by side, held against the first: what differs; a star marks the best of a metric.

    Parameters, metrics with how far they are from the first run's, machines, settings, git, packages, code.
    One word alone is the name of a saved comparison.
    """
    if len(runs) == 1 and children:
        runs = tuple(run["id"] for run in session.call("runs", "children", run=runs[0]))
        children = False
        if len(runs) < 2:
            raise UsageError("there are no two runs below it", "wb run children RUN lists them")
    elif len(runs) == 1:
        if save is not None:
            raise UsageError(
                "there is nothing to compare one run with", "wb run compare RUN RUN... --save NAME"
            )
        runs = saved_runs(session, runs[0])
    if save is not None:
        kept = session.call("comparisons", "save", name=save, runs=list(runs))
        output.note(session, f"saved: wb run compare {kept['name']}, wb compare/{kept['name']}")
        runs = tuple(kept["runs"])
    asked = {"runs": list(runs), "all": everything or None, "children": children or None}
    found = session.call("runs", "compare", **asked)
    if session.format is None and session.to is not None and session.to.lower().endswith(".md"):
        session.format = "markdown"
    if output.chosen_format(session) in ("json", "jsonl"):
        output.record(session, found, [])
        return
    if session.format == "markdown":
        output.write(session, comparison_document.document(found))
        return
    if output.as_table(session):
        output.write(session, "\n".join(_tables(found, session.terminal.look, everything)) + "\n")
        if all(key.kind == "status" for key in comparison.keys(found)):
            output.note(session, "they do not differ; --all shows what is the same", "quiet")
        if guesses := comparison.guesses(found):
            output.note(session, guesses, "quiet")
        return
    titles = ("kind", "name", *(clean_name(run["name"]) for run in found["runs"]))
    values = [[kind, name, *texts] for kind, name, texts in _data(found)]
    output.write(session, output.delimited(values, titles, csv=output.chosen_format(session) == "csv"))


def saved_runs(session: Session, name: str) -> tuple[str, ...]:
    """The runs of a saved comparison that are still here; raises NotFound."""
    kept = session.call("comparisons", "get", name=name)
    gone = kept.get("gone") or []
    if gone:
        output.note(session, f"{counted(len(gone), 'run')} of {clean_name(name)} no longer here", "warn")
    return tuple(run for run in kept["runs"] if run not in gone)


def _data(found: dict[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Every compared thing as (kind, name, a text per run), numbers in full."""
    for name, values in found.get("params", {}).items():
        yield "param", clean_name(name), [output.plain(value) for value in values]
    for name, metric in found.get("metrics", {}).items():
        yield "metric", clean_name(name), [output.plain(value) for value in metric["values"]]
        if any(value is not None for value in metric.get("deltas", ())):
            yield "delta", clean_name(name), [output.plain(value) for value in metric["deltas"]]
        if any(value is not None for value in metric.get("peaks", ())):
            yield "best", clean_name(name), [output.plain(value) for value in metric["peaks"]]
        if any(stars := comparison.stars(metric)):
            yield "star", clean_name(name), ["*" if won else "" for won in stars]
    for name, values in found.get("facts", {}).items():
        yield "fact", clean_name(name), [output.plain(value) for value in values]
    for name, values in found.get("tags", {}).items():
        yield "tag", clean_name(name), [output.plain(value) for value in values]
    for name, values in found.get("packages", {}).items():
        yield "package", clean_name(name), [output.plain(value) for value in values]
    for change in found.get("code", []):
        yield (
            "code",
            clean_name(change["path"], 1000),
            [output.plain(value) for value in change["changes"]],
        )


def _tables(found: dict[str, Any], look: Look, everything: bool) -> list[str]:
    """One table, or several below each other where so many runs do not fit."""
    runs = found["runs"]
    packages = None if everything else comparison.MOST_PACKAGES
    told = list(comparison.rows(found, look.ascii_only, packages))
    every = [row.cells for row in told]
    left = max([len(row[0].text) for row in every], default=8)
    room = look.width - min(left, look.width // 3)
    each = max(1, room // (LEAST + 2))
    most = min(LONG, room // min(each, len(runs)) - 2)
    rows = _without_empty_headings([row for row in every if not _long(row, most)])
    lines: list[str] = []
    for start in range(0, len(runs), each):
        part = range(start, min(start + each, len(runs)))
        columns = [Column("", keep=100, least=10, middle=True)]
        columns += [
            Column(clean_name(runs[index]["name"]), right=True, least=8, keep=90, middle=True)
            for index in part
        ]
        picked = [[row[0], *(row[index + 1] for index in part)] if len(row) > 1 else row for row in rows]
        full = [row + [Cell("")] * (len(columns) - len(row)) for row in picked]
        lines += ["", *render(columns, full, *look)] if lines else render(columns, full, *look)
    for row in told:
        if not _long(row.cells, most):
            continue
        name, *values = row.cells
        title = f"best {clean_name(row.name)}" if row.kind == "peak" else name.text.strip()
        lines += ["", paint(title, "bold", look.colour)]
        said = [("  " + clean_name(run["name"]), value) for run, value in zip(runs, values, strict=True)]
        lines += pairs(said, *look)
    return lines


def _without_empty_headings(rows: list[list[Cell]]) -> list[list[Cell]]:
    """Rows less the headings (rows of one cell) that nothing stands below."""
    after = [*rows[1:], [Cell("")]]
    return [row for row, below in zip(rows, after, strict=True) if len(row) > 1 or len(below) > 1]


def _long(row: list[Cell], most: int) -> bool:
    return any(len(cell.text) > most for cell in row[1:])


@command("diff", cls=Listing)
@click.argument("a", shell_complete=complete.run)
@click.argument("b", required=False, shell_complete=complete.run)
@click.argument("path", required=False)
@click.option("--stat", is_flag=True, help="Only which files changed, and by how many lines.")
@click.pass_obj
def diff(session: Session, a: str, b: str | None, path: str | None, stat: bool) -> None:
    """Show how the code of run B differs from that of run A, as a unified diff; of one PATH if given.

    Of one run alone: what was not committed when it was submitted.
    """
    if stat:
        if b is None or path is not None:
            raise UsageError("--stat is about two runs", "wb run diff A B --stat")
        found = session.call("runs", "changed_files", a=a, b=b)
        output.rows(session, found, _FILES, ("path", "change", "added", "removed"), "both ran the same code")
        return
    if b is None:
        text = session.call("runs", "git_diff", run=a).get("text")
        same = "nothing was uncommitted, or it was no git work tree"
    else:
        text = session.call("runs", "diff", a=a, b=b, path=path)["text"]
        same = "both ran the same code"
    if output.chosen_format(session) in ("json", "jsonl"):
        output.record(session, {"text": text or ""}, [])
        return
    if not text:
        output.note(session, same)
        return
    if session.to is not None or not session.terminal.stdout:
        output.write(session, text if text.endswith("\n") else text + "\n")
        return
    for line in text.splitlines():
        print(paint(clean(line), diff_role(line), session.terminal.colour))


_FILES = [
    Field(Column("CHANGE", keep=80), lambda file: comparison.change_cell(file["change"])),
    Field(Column("+", right=True), lambda file: comparison.lines_cell(file.get("added"), "+")),
    Field(Column("-", right=True), lambda file: comparison.lines_cell(file.get("removed"), "-")),
    Field(Column("PATH", keep=100, least=10, middle=True), lambda file: clean_name(file["path"], 1000)),
]
