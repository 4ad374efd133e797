"""The columns of the list of runs, and what stands in them. Pure: rows of `runs.table` in, cells out."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from datetime import datetime
from math import nan
from typing import Any, NamedTuple

from workbench.text import numbers, times
from workbench.text.sanitize import clean_name
from workbench.text.sparkline import sparkline, trace
from workbench.tui.table.cell import Cell, Span
from workbench.tui.table.columns import Column
from workbench.views import runs as look

SPARK = 8
"""Cells of a sparkline."""
GPUS = 4
"""Cells of a list of GPUs; of a longer one only their number is told."""
MARK = 8
"""Cells of a metric's name before its value."""
FEW = 3
"""Params that are shown by themselves; where there are more, the user chooses."""
MOST_FIGURES = 300
"""Metrics whose lowest, highest and best values are offered as columns; filters and sorting know all."""
FOLDED, UNFOLDED = ("▸", "+"), ("▾", "-")
"""Signs before a run with children; the second where there is only ASCII."""
ATTRIBUTES = ("command", "description", "submitted_by", "branch", "commit", "exit_code", "attempt")
"""Attributes that are offered as columns beside those that rows always have."""
Row = Mapping[str, Any]


class Setting(NamedTuple):
    """What cells depend on beside the row."""

    now: datetime
    ascii: bool = False
    best: Mapping[str, str] = {}
    """The best run of each experiment, by its primary metric."""
    depths: Mapping[str, int] = {}
    """How far a run's name is set in, by id: its place below another."""
    unfolded: Container[str] = ()
    """The runs whose children are shown."""


class Shown(NamedTuple):
    """A column, what stands in it, and by what `runs.table` sorts it ("" = it cannot)."""

    column: Column
    cell: Callable[[Row, Setting], Cell]
    sort: str = ""


def shown(
    experiment: str | None,
    judge: look.Judge | None,
    params: Sequence[str],
    metrics: Sequence[str],
    tags: Sequence[str] = (),
    *,
    grouped: bool,
    own: look.Judge | None = None,
) -> list[Shown]:
    """Every column there is for the runs of an experiment and its judge, or of all experiments (None).

    grouped: the runs stand under their experiments, which say what they are judged by. own: what these runs
    are judged by, whatever their experiments are.
    """
    mixed = experiment is None and not grouped
    trend = Column("trend", "TREND", least=SPARK, ideal=SPARK, keep=45, sortable=False)
    return [
        Shown(Column("state", "STATE", least=13, ideal=13, keep=95), _state, "status"),
        Shown(
            Column("name", "NAME", least=15, ideal=18, most=0 if mixed else 28, keep=100, middle=True),
            _name,
            "name",
        ),
        Shown(
            Column("experiment", "EXP", least=6, ideal=10, most=18, keep=40, shown=mixed),
            _word("experiment"),
            "experiment",
        ),
        Shown(Column("target", "TARGET", least=8, ideal=8, most=16, keep=70), _word("target"), "target"),
        Shown(Column("gpus", "GPU", right=True, least=3, ideal=GPUS, keep=30, sortable=False), _gpus),
        Shown(Column("age", "AGE", right=True, least=4, ideal=4, keep=55, descending=True), _age, "created"),
        Shown(
            Column("took", "TOOK", right=True, least=5, ideal=6, keep=65, descending=True), _took, "duration"
        ),
        *(_by_own(own, trend) if own is not None else _by_experiment(judge, trend, mixed)),
        *(_figure("metric", name, _named_metric(name), usual=False) for name in metrics),
        *(_figure("param", name, _param(name), usual=len(params) <= FEW) for name in params),
        *(_figure("tag", name, _tag(name), usual=False, right=False) for name in tags),
        *(
            _figure(kind, name, _other_figure(kind, name), usual=False)
            for name in metrics[:MOST_FIGURES]
            for kind in ("min", "max", "best")
        ),
        *(_course(name) for name in metrics[:MOST_FIGURES]),
        *(_attribute(name) for name in ATTRIBUTES),
        # Of one list the age says more: without it nobody sees what the order is.
        Shown(
            Column("note", "NOTE", least=12, ideal=24, rest=True, keep=50 if mixed else 60, sortable=False),
            _note,
        ),
    ]


def _by_experiment(judge: look.Judge | None, trend: Column, mixed: bool) -> tuple[Shown, Shown, Shown]:
    """The columns of what the runs' experiments judge them by; mixed: each row says by which metric."""
    title = clean_name(judge.metric, 16) if judge else "METRIC"
    maximize = judge is not None and judge.maximize
    best = Column("best", "BEST", right=True, least=7, ideal=9, keep=20, shown=False)
    return (
        Shown(_judged(title, mixed, maximize), _metric(named=mixed), "primary"),
        Shown(trend, _trend),
        Shown(best, _best, "best"),
    )


def _by_own(own: look.Judge, trend: Column) -> tuple[Shown, Shown]:
    """The columns of a metric that is not that of the runs' experiment; the best run is that of ""."""
    name, usual = own.metric, _metric(named=False)

    def cell(row: Row, setting: Setting) -> Cell:
        value = (row.get("metrics") or {}).get(name)
        told = {**row, "last": value, "experiment": ""}
        return usual(told, setting)

    return (
        Shown(_judged(clean_name(name, 16), False, own.maximize), cell, f"metric:{name}"),
        Shown(trend, _spark(name)),
    )


def _judged(title: str, named: bool, maximize: bool) -> Column:
    """The column of what runs are judged by; named: each row says by which metric."""
    least, ideal, most = (MARK + 8, MARK + 8, 24) if named else (min(max(8, len(title)), 10), 10, 16)
    return Column(
        "metric", title, right=True, least=least, ideal=ideal, most=most, keep=80, descending=maximize
    )


def _figure(
    kind: str, name: str, cell: Callable[[Row, Setting], Cell], *, usual: bool, right: bool = True
) -> Shown:
    """The column of a figure of a metric, a param or a tag, which may have the same name."""
    said = f"{kind} {name}" if kind in ("min", "max", "best") else name
    id, title = f"{kind}:{name}", clean_name(said, 14)
    least = max(5, min(len(title), 10))  # a name is worth more cells than a note that is cut anyway
    ideal = max(8, len(title))
    column = Column(
        id, title, right=right, least=least, ideal=ideal, most=14, keep=35, shown=usual, help=kind
    )
    return Shown(column, cell, id)


def _course(name: str) -> Shown:
    """The column of a metric's course."""
    column = Column(
        f"spark:{name}",
        clean_name(name, 14),
        least=SPARK,
        ideal=SPARK,
        keep=30,
        sortable=False,
        shown=False,
        help="its course",
    )
    return Shown(column, _spark(name))


def _spark(name: str) -> Callable[[Row, Setting], Cell]:
    return lambda row, setting: _drawn((row.get("sparklines") or {}).get(name), setting)


def _attribute(name: str) -> Shown:
    column = Column(
        f"attribute:{name}", name.upper(), least=5, ideal=10, most=24, keep=30, shown=False, sortable=False
    )

    def cell(row: Row, _: Setting) -> Cell:
        value = (row.get("attributes") or {}).get(name)
        return Cell("-", "quiet") if value is None else Cell(clean_name(str(value), 60))

    return Shown(column, cell)


def cells(row: Row, columns: Sequence[Shown], setting: Setting) -> list[Cell]:
    """A row's cells; a run that waits says why across the columns that have nothing to say yet."""
    return [item.cell(row, setting) for item in columns]


def _word(key: str) -> Callable[[Row, Setting], Cell]:
    return lambda row, _: Cell(clean_name(str(row.get(key, ""))))


def _state(row: Row, setting: Setting) -> Cell:
    found = look.state(row, setting.ascii)
    return Cell(found.text, found.role)


def _name(row: Row, setting: Setting) -> Cell:
    role = "stale" if look.staleness(row, setting.now) else "text"
    name, told = clean_name(row["name"]), row.get("children")
    depth = setting.depths.get(row["id"], 0)
    if told is None:
        return Cell("  " * min(depth, look.DEEPEST) + name, role)
    sign = FOLDED[setting.ascii] if row["id"] not in setting.unfolded else UNFOLDED[setting.ascii]
    return Cell(
        f"{'  ' * min(depth, look.DEEPEST)}{sign} {name}", role, (Span(f" {told['count']}", "quiet"),)
    )


def _gpus(row: Row, _: Setting) -> Cell:
    found = look.gpu_cell(row)
    text = found.text if len(found.text) <= GPUS else f"x{len(row['gpus'])}"
    return Cell(text, found.role)


def _age(row: Row, setting: Setting) -> Cell:
    return Cell(times.ago(times.parse(row.get("created")), setting.now), "quiet")


def _took(row: Row, setting: Setting) -> Cell:
    text = look.took(row, setting.now)
    return Cell(text, "quiet" if text == "-" else "")


def _metric(*, named: bool) -> Callable[[Row, Setting], Cell]:
    """The last value; where there is none, why the run waits or ended, over the columns beside it."""

    def cell(row: Row, setting: Setting) -> Cell:
        if row.get("last") is None:
            why = look.note(row, setting.now)
            said = row["status"] in ("Queued", "Failed", "NotResponding") and why.text
            if not said and row.get("children") is not None:
                return Cell(_rolled_up(row["children"]), "", over=True)
            return Cell(why.text, why.role or "waiting", over=True) if said else Cell("-", "quiet")
        role = "better" if setting.best.get(row["experiment"]) == row["id"] else ""
        value = numbers.format_metric(row["last"])
        if not named:
            return Cell(value, role)
        return Cell(f"{_short(str(row.get('metric') or ''))} ", "quiet", (Span(value, role),))

    return cell


def _rolled_up(told: Mapping[str, Any]) -> str:
    """What there is below a run that measured nothing itself."""
    words = [look.below({"children": told}).text.replace(f"{told['count']}", f"{told['count']} below", 1)]
    words += [f"best {numbers.format_metric(told['best'])}"] if told.get("best") is not None else []
    return ", ".join(words)


def _short(metric: str) -> str:
    """A metric's name in few cells, so that its value is never what is cut: without its groups if need be."""
    return clean_name(metric if len(metric) <= MARK else metric.rpartition("/")[2], MARK)


def _trend(row: Row, setting: Setting) -> Cell:
    return _drawn(row.get("sparkline"), setting)


def _drawn(course: Sequence[Any] | None, setting: Setting) -> Cell:
    """A metric's course as a small line."""
    values = [numbers.number(value) for value in course or ()]
    known = [nan if value is None else value for value in values]
    if len(known) < 2:
        return Cell("")
    return Cell(sparkline(known, SPARK, ascii_only=True) if setting.ascii else trace(known, SPARK), "active")


def _best(row: Row, _: Setting) -> Cell:
    return Cell(numbers.format_metric(row.get("best")), "quiet" if row.get("best") is None else "")


def _named_metric(name: str) -> Callable[[Row, Setting], Cell]:
    def cell(row: Row, _: Setting) -> Cell:
        value = (row.get("metrics") or {}).get(name)
        return Cell("-", "quiet") if value is None else Cell(numbers.format_metric(value))

    return cell


def _other_figure(kind: str, name: str) -> Callable[[Row, Setting], Cell]:
    def cell(row: Row, _: Setting) -> Cell:
        value = (row.get("figures") or {}).get(f"{kind}:{name}")
        return Cell("-", "quiet") if value is None else Cell(numbers.format_metric(value))

    return cell


def _tag(name: str) -> Callable[[Row, Setting], Cell]:
    def cell(row: Row, _: Setting) -> Cell:
        tags = row.get("tags") or {}
        return Cell(clean_name(tags[name] or "yes", 60)) if name in tags else Cell("-", "quiet")

    return cell


def _param(name: str) -> Callable[[Row, Setting], Cell]:
    def cell(row: Row, _: Setting) -> Cell:
        value = (row.get("params") or {}).get(name)
        return Cell("-", "quiet") if value is None else Cell(clean_name(str(value), 60))

    return cell


def _note(row: Row, setting: Setting) -> Cell:
    if setting.best.get("") == row["id"] and row["status"] == "Completed":
        return Cell("best of these", "better")
    if setting.best.get(row["experiment"]) == row["id"] and row["status"] == "Completed":
        value, last = numbers.format_metric(row.get("best")), numbers.format_metric(row.get("last"))
        # Judged by its best value: where it ended elsewhere, the number beside it is another.
        return Cell("best so far" if value == last else f"best {value}", "better")
    found = look.note(row, setting.now)
    return Cell(found.text, found.role)
