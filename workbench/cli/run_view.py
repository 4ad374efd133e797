"""How a run looks in lists and on its own page. Pure: JSON of runs in, cells out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.cli.output import Field
from workbench.text import durations, numbers, sizes, states, times
from workbench.text.sanitize import clean, clean_name
from workbench.text.tables import Cell, Column

FRESH = 10.0
"""Seconds after which what a machine said last is shown with its age."""

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


def fields(runs: Sequence[Run], primary: Mapping[str, str], now: datetime, ascii_only: bool) -> list[Field]:
    """The columns of a list of runs; primary names the metric each experiment is judged by."""
    together = len({run["experiment"] for run in runs}) == 1
    found = [
        Field(Column("STATE", keep=90), lambda run: state(run, ascii_only)),
        Field(Column("NAME", keep=100, least=14, middle=True), lambda run: clean_name(run["name"])),
        Field(Column("EXP", keep=30 if together else 58, least=8), lambda run: clean_name(run["experiment"])),
        Field(Column("TARGET", keep=70, least=7), lambda run: clean_name(run["target"])),
        Field(Column("GPU", right=True, keep=40), gpus),
        Field(
            Column("AGE", right=True, keep=55), lambda run: times.ago(times.parse(run.get("created")), now)
        ),
        Field(Column("TOOK", right=True, keep=65), lambda run: took(run, now)),
    ]
    metric = metric_field(runs, primary)
    if metric is not None:
        found.append(metric)
    if any(note(run, now).text for run in runs):
        found.append(Field(Column("NOTE", keep=60, least=24), lambda run: note(run, now)))
    return found


def metric_field(runs: Sequence[Run], primary: Mapping[str, str]) -> Field | None:
    """The column of the metric runs are judged by: a number where all share one, else name and number."""
    names = {primary.get(run["experiment"]) for run in runs if run.get("metrics")} - {None}
    if not names:
        return None
    if len(names) > 1:
        return Field(Column("METRIC", keep=75, least=10), lambda run: _named_metric(run, primary))
    name = str(names.pop())
    values = [last(run, name) for run in runs]
    shown = dict(zip((run["id"] for run in runs), numbers.column(values), strict=True))
    return Field(Column(clean_name(name, 20), right=True, keep=75), lambda run: shown[run["id"]])


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
        said = f"{why}  ({tail})" if why and tail and tail not in why else why or tail
        return Cell(said, "bad")
    if status in states.ACTIVE_RUN:
        stale = staleness(run, now)
        return Cell("  ".join(part for part in (stale, message) if part), "quiet" if stale else "")
    return Cell(message or clean_name(str(run.get("description") or "").partition("\n")[0], 80), "quiet")


def reason(run: Run) -> str:
    """Why a run is in its state, in words; empty where that says no more than the state itself."""
    said = clean_name(str(run.get("message") or run.get("cause") or ""))
    word = states.look(states.RUN, str(run.get("status", ""))).word
    return "" if said.lower() in (word, str(run.get("status", "")).lower()) else said


def staleness(run: Run, now: datetime) -> str:
    """ "as of 12:04:05" where an active run's machine has been silent for more than a few seconds."""
    as_of = times.parse(run.get("as_of"))
    if run.get("status") not in states.ACTIVE_RUN or as_of is None:
        return ""
    return f"as of {times.local(as_of, now)}" if (now - as_of).total_seconds() > FRESH else ""


def last(run: Run, metric: str) -> float | None:
    """The last value of one of the run's metrics."""
    value = (run.get("metrics") or {}).get(metric)
    return numbers.number(value.get("last") if isinstance(value, Mapping) else value)


def _named_metric(run: Run, primary: Mapping[str, str]) -> str:
    name = primary.get(run["experiment"])
    value = last(run, name) if name else None
    return "-" if value is None or not name else f"{clean_name(name, 20)} {numbers.short(value)}"


def page(run: Run, now: datetime, ascii_only: bool) -> list[tuple[str, Cell | str]]:
    """A run's facts, most important first; empty ones are left out when they are printed."""
    shown = state(run, ascii_only)
    stale = staleness(run, now)
    why = (
        note(run, now).text if run.get("status") in ("Failed", "Queued", "Preparing", "NotResponding") else ""
    )
    status = "  ".join(part for part in (shown.text, why, stale if stale not in why else "") if part)
    facts: list[tuple[str, Cell | str]] = [
        ("name", Cell(clean_name(run["name"]), "bold")),
        ("id", clean_name(run["id"])),
        ("status", Cell(status, shown.role)),
        ("experiment", clean_name(run["experiment"])),
        ("target", clean_name(run["target"]) + (f"  GPU {gpus(run)}" if run.get("gpus") else "")),
        ("command", clean(str(run.get("command") or ""), 2000)),
        ("created", _moment(run, "created", now)),
        ("started", _moment(run, "started", now)),
        ("ended", _moment(run, "ended", now)),
        ("took", took(run, now) if run.get("started") else ""),
        ("attempt", str(run["attempt"]) if run.get("attempt", 1) != 1 else ""),
        ("note", clean(str(run.get("description") or ""), 4000)),
        ("tags", mapping(run.get("tags"))),
        ("properties", mapping(run.get("properties"))),
        ("params", mapping(run.get("params"))),
        ("metrics", metrics(run)),
        ("environment", clean_name(str(run.get("environment") or ""))),
        ("git", git(run.get("git"))),
        ("snapshot", clean_name(str(run.get("snapshot") or ""))[:12]),
        ("parent", clean_name(str(run.get("parent") or ""))),
        ("used", resources(run.get("resources"))),
        ("warnings", Cell(str(run["warnings"]), "warn") if run.get("warnings") else ""),
        ("by", clean_name(str(run.get("submitted_by") or ""))),
        ("archived", "yes" if run.get("archived") else ""),
    ]
    return facts


def mapping(values: Any) -> str:
    """Keys and values on one line; a bare tag is its key alone."""
    if not isinstance(values, Mapping):
        return ""
    shown = (clean_name(key if value in (None, "") else f"{key}={value}") for key, value in values.items())
    return "  ".join(shown)


def metrics(run: Run) -> str:
    """Each metric's last value, with the best and worst it had."""
    lines = []
    for name, value in (run.get("metrics") or {}).items():
        figures = value if isinstance(value, Mapping) else {"last": value}
        low, high = numbers.number(figures.get("min")), numbers.number(figures.get("max"))
        text = f"{clean_name(name, 60)} {numbers.format_metric(figures.get('last'))}"
        lines.append(text + (f"  ({numbers.short(low)} to {numbers.short(high)})" if low != high else ""))
    return "\n".join(lines)


def git(facts: Any) -> str:
    """Where the code came from: commit, branch, whether it was changed, repository."""
    if not isinstance(facts, Mapping):
        return ""
    parts = [str(facts.get("commit") or "")[:10], str(facts.get("branch") or "")]
    parts += ["with changes" if facts.get("dirty") else "", str(facts.get("repository_uri") or "")]
    return "  ".join(clean_name(part) for part in parts if part)


def resources(used: Any) -> str:
    """Processor time, peak memory and output of the last attempt."""
    if not isinstance(used, Mapping):
        return ""
    parts = []
    if used.get("cpu_seconds") is not None:
        parts.append(f"{durations.short(used['cpu_seconds'])} of CPU")
    if used.get("peak_memory") is not None:
        parts.append(f"{sizes.short(used['peak_memory'])} of memory at most")
    if used.get("stream_bytes") is not None:
        parts.append(f"{sizes.short(used['stream_bytes'])} of output")
    if used.get("stream_dropped"):
        parts.append(f"{sizes.short(used['stream_dropped'])} of it not kept")
    return ", ".join(parts)


def _moment(run: Run, key: str, now: datetime) -> str:
    when = times.parse(run.get(key))
    if when is None:
        return ""
    age = times.ago(when, now)
    return f"{times.local(when, now)}  ({age if age == 'now' else age + ' ago'})"
