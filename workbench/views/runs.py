"""How a run looks in lists and on its own page. Pure: JSON of runs in, cells out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from workbench.text import numbers, states, times
from workbench.text.outcomes import reason
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field

FRESH = 10.0
"""Seconds after which what a machine said last is shown with its age."""
LOOK_AGAIN = 5.0
"""Seconds after which it is worth asking whether the machine spoke meanwhile."""

DEEPEST = 8
"""Levels of children that are set in; those below stand with them."""
KEYS = (
    "id",
    "name",
    "experiment",
    "target",
    "status",
    "cause",
    "created",
    "started",
    "ended",
    "exit_code",
    "attempt",
    "gpus",
    "message",
)
"""What a line of csv or tab-separated text holds of a run."""

Run = Mapping[str, Any]


class Judge(NamedTuple):
    """What an experiment's runs are judged by: a metric, and whether more of it is better."""

    metric: str
    maximize: bool


def judges(experiments: Sequence[Mapping[str, Any]]) -> dict[str, Judge]:
    """The judge of each experiment that has one, by the experiment's name."""
    return {
        item["name"]: Judge(item["primary_metric"], item.get("goal") == "maximize")
        for item in experiments
        if item.get("primary_metric")
    }


def fields(
    runs: Sequence[Run],
    primary: Mapping[str, Judge],
    now: datetime,
    ascii_only: bool,
    depths: Mapping[str, int] = MappingProxyType({}),
) -> list[Field]:
    """The columns of a list of runs.

    primary: what each experiment is judged by. depths: how far a run's name is set in, by id.
    """
    together = len({run["experiment"] for run in runs}) == 1
    found = [
        Field(Column("STATE", keep=90), lambda run: state(run, ascii_only)),
        Field(
            Column("NAME", keep=100, least=14, middle=True),
            lambda run: indented(run, depths.get(run["id"], 0)),
        ),
        Field(Column("EXP", keep=30 if together else 58, least=8), lambda run: clean_name(run["experiment"])),
        Field(Column("TARGET", keep=70, least=7), lambda run: clean_name(run["target"])),
    ]
    if any(run.get("gpus") or run.get("gpus_wanted") for run in runs):
        found.append(Field(Column("GPU", right=True, keep=40), gpu_cell))
    found += [
        Field(
            Column("AGE", right=True, keep=55), lambda run: times.ago(times.parse(run.get("created")), now)
        ),
        Field(Column("TOOK", right=True, keep=65), lambda run: took(run, now)),
    ]
    metric = metric_field(runs, primary, ascii_only)
    if metric is not None:
        found.append(metric)
    if any(run.get("children") for run in runs):
        found.append(Field(Column("CHILDREN", keep=50, least=4), below))
    if any(note(run, now).text for run in runs):
        found.append(Field(Column("NOTE", keep=60, least=24), lambda run: note(run, now)))
    return found


def indented(run: Run, depth: int) -> str:
    """A run's name, set in by how far it stands below another."""
    return "  " * min(depth, DEEPEST) + clean_name(run["name"])


def below(run: Run) -> Cell:
    """How many runs there are below one, and how they do: 12, 3 active, 1 failed."""
    told = run.get("children")
    if not isinstance(told, Mapping):
        return Cell("")
    words = [str(told.get("count", 0))]
    words += [f"{told['active']} active"] if told.get("active") else []
    words += [f"{told['failed']} failed"] if told.get("failed") else []
    return Cell(", ".join(words), "bad" if told.get("failed") else "")


def metric_field(runs: Sequence[Run], primary: Mapping[str, Judge], ascii_only: bool) -> Field | None:
    """The column of the metric runs are judged by: a number where all share one, else name and number.

    The best of several shown numbers stands out.
    """
    primary = _logged(runs, primary)
    judged = {
        primary[run["experiment"]] for run in runs if run.get("metrics") and run["experiment"] in primary
    }
    if not judged:
        return None
    if len(judged) > 1:
        return Field(Column("METRIC", keep=75, least=10), lambda run: _named_metric(run, primary))
    judge = judged.pop()
    values = [last(run, judge.metric) for run in runs]
    best = _best(values, judge)
    texts = zip(numbers.column(values), values, strict=True)
    cells = [Cell(text, "good" if value is not None and value == best else "") for text, value in texts]
    shown = dict(zip((run["id"] for run in runs), cells, strict=True))
    way = "" if ascii_only else " ↑" if judge.maximize else " ↓"
    return Field(
        Column(clean_name(judge.metric, 20) + way, right=True, keep=75), lambda run: shown[run["id"]]
    )


def _logged(runs: Sequence[Run], primary: Mapping[str, Judge]) -> dict[str, Judge]:
    """The judges; where no run of an experiment logs its metric, one that most of them do log."""
    found = dict(primary)
    for experiment, judge in primary.items():
        logged = [run["metrics"] for run in runs if run["experiment"] == experiment and run.get("metrics")]
        if logged and not any(judge.metric in metrics for metrics in logged):
            from workbench.entities.experiment import Goal, guess_goal, metric_of_most  # heavy, seldom wanted

            metric = metric_of_most(Counter(name for metrics in logged for name in metrics), None)
            found[experiment] = Judge(str(metric), guess_goal(str(metric)) is Goal.MAXIMIZE)
    return found


def _best(values: Sequence[float | None], judge: Judge) -> float | None:
    """The best of several finite values, None where nothing was compared."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if len(finite) < 2:
        return None
    return max(finite) if judge.maximize else min(finite)


def state(run: Run, ascii_only: bool) -> Cell:
    """A run's state as glyph, word and colour."""
    look = states.look(states.RUN, clean_name(str(run.get("status", ""))))
    return Cell(look.text(ascii_only), look.role)


def gpus(run: Run) -> str:
    """The GPUs a run holds, by index where they have one, by number otherwise."""
    held = [str(item) for item in run.get("gpus") or []]
    if not held:
        return "-"
    if all(item.isdigit() for item in held):
        return ",".join(held)
    return f"x{len(held)}"


def gpu_cell(run: Run) -> Cell:
    """The same as a cell; of one that waits how many it wants, quietly."""
    held = gpus(run)
    wanted = run.get("gpus_wanted")
    return Cell(f"x{wanted}" if held == "-" and wanted else held, "quiet" if held == "-" else "")


def took(run: Run, now: datetime) -> str:
    """How long the run ran, or runs so far."""
    return times.took(times.parse(run.get("started")), times.parse(run.get("ended")), now)


def note(run: Run, now: datetime) -> Cell:
    """What else there is to say about a run in one line: why it waits or died, how old the news is."""
    status = run.get("status", "")
    message = reason(run)
    code = run.get("exit_code")
    if status == "Failed":
        tail = f"exit {code}" if code is not None else ""
        if run.get("signal"):
            tail = f"signal {run['signal']}"
        why = message
        said = f"{why}  ({tail})" if why and tail and tail.split()[-1] not in why else why or tail
        return Cell(said, "bad")
    if status in states.ACTIVE_RUN:
        stale = staleness(run, now)
        return Cell("  ".join(part for part in (stale, message) if part), "quiet" if stale else "")
    return Cell(message or clean_name(str(run.get("description") or "").partition("\n")[0], 80), "quiet")


def staleness(run: Run, now: datetime) -> str:
    """ "as of 12:04:05" where an active run's machine has been silent for more than a few seconds."""
    as_of = times.parse(run.get("as_of"))
    return f"as of {times.local(as_of, now)}" if as_of is not None and is_older(run, FRESH, now) else ""


def is_older(run: Run, seconds: float, now: datetime) -> bool:
    """Whether a run goes on and its row tells what its machine said so long ago; it may have spoken since."""
    as_of = times.parse(run.get("as_of"))
    going_on = run.get("status") in states.ACTIVE_RUN
    return going_on and as_of is not None and (now - as_of).total_seconds() > seconds


def last(run: Run, metric: str) -> float | None:
    """The last value of one of the run's metrics."""
    value = (run.get("metrics") or {}).get(metric)
    return numbers.number(value.get("last") if isinstance(value, Mapping) else value)


def metric_text(value: Any) -> str:
    """The last value of a metric as a run's row has it, short."""
    return numbers.format_metric(value.get("last") if isinstance(value, Mapping) else value)


def _named_metric(run: Run, primary: Mapping[str, Judge]) -> str:
    judge = primary.get(run["experiment"])
    value = last(run, judge.metric) if judge else None
    return "-" if value is None or judge is None else f"{clean_name(judge.metric, 20)} {numbers.short(value)}"


def mapping(values: Any) -> str:
    """Keys and values on one line; a bare tag is its key alone."""
    if not isinstance(values, Mapping):
        return ""
    shown = (clean_name(key if value in (None, "") else f"{key}={value}") for key, value in values.items())
    return "  ".join(shown)
