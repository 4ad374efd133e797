"""A run's own page: what became of it first, then how it was started, what it measured, whence it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.text import durations, numbers, sizes, states, times
from workbench.text.cells import cut
from workbench.text.cells import width as cells_of
from workbench.text.numbers import counted
from workbench.text.outcomes import reason
from workbench.text.sanitize import clean, clean_name
from workbench.text.states import IMPORTED
from workbench.text.style import Look, paint
from workbench.text.tables import Cell, Column, pairs, render, wrap
from workbench.views import notes, run_data
from workbench.views.runs import Run, gpus, mapping, note, staleness, state, took

MOST_WARNINGS = 5
MOST_METRICS = 40
MOST_NOTE = 400
"""Lines of a note; wb run note has all of it."""


def page(
    run: Run,
    trends: Mapping[str, str],
    warnings: Sequence[str],
    now: datetime,
    look: Look,
    models: Sequence[Mapping[str, Any]] = (),
    *,
    titled: bool = True,
) -> list[str]:
    """The page's lines. trends: a sparkline by metric; warnings: what the run's own logging complained of.

    models: the versions that came of it. titled: whether it begins with name, state and place; else it stands
    below a line that says them, and begins with when the run ended.
    """
    when = _place(run, now) if titled else ", ".join(_since(run, now))
    head = [_title(run, look)] if titled else []
    head += _below([(when, "quiet"), _why(run, now)], look)
    parts = [
        head,
        pairs(_said(_how(run)), *look),
        _long_note(run, look),
        _metrics(run, trends, look),
        _warnings(run, warnings, look),
        pairs(_said(_whence(run, models, now)), *look),
    ]
    lines: list[str] = []
    for part in parts:
        lines += ["", *part] if lines and part else part
    return lines


def _title(run: Run, look: Look) -> str:
    """The name and its state."""
    shown = state(run, look.ascii_only)
    glyph, _, word = shown.text.partition(" ")
    room = max(8, look.width - cells_of(shown.text) - 3)
    short = cut(clean_name(run["name"]), room, middle=True, ellipsis="~" if look.ascii_only else "…")
    name = paint(short, "bold", look.colour)
    return f"{paint(glyph, shown.role, look.colour)} {name}  {paint(word, shown.role, look.colour)}"


def _why(run: Run, now: datetime) -> tuple[str, str]:
    """Why it is as it is, where there is a why, and that sentence's role."""
    why = note(run, now).text if run.get("status") == "Failed" else reason(run)
    return why, state(run, ascii_only=False).role


def _below(said: Sequence[tuple[str, str]], look: Look) -> list[str]:
    """Sentences below the title, each with its role, as many lines as they take."""
    width = max(20, look.width - 2)
    lines = [(line, role) for text, role in said if text for line in wrap(text, width)]
    return [paint("  " + line, role, look.colour) for line, role in lines]


def _place(run: Run, now: datetime) -> str:
    """Where it ran, for how long and when, in half a sentence."""
    parts = [f"{clean_name(run['experiment'])} on {clean_name(run['target'])}"]
    if run.get("gpus"):
        parts.append(f"GPU {gpus(run)}")
    if run.get("attempt", 1) != 1:
        parts.append(f"attempt {run['attempt']}")
    if run.get("started"):
        parts.append(f"{'took' if run.get('ended') else 'for'} {took(run, now)}")
    return ", ".join([*parts, *_since(run, now)])


def _since(run: Run, now: datetime) -> list[str]:
    """When it ended, or was submitted; how old what is known of it is."""
    parts = []
    if run.get("ended"):
        parts.append("ended " + _ago(run, "ended", now))
    elif not run.get("started"):
        parts.append("submitted " + _ago(run, "created", now))
    parts += [staleness(run, now), "archived" if run.get("archived") else ""]
    return [part for part in parts if part]


def _ago(run: Run, key: str, now: datetime) -> str:
    age = times.ago(times.parse(run.get(key)), now)
    return "just now" if age == "now" else f"{age} ago"


def _how(run: Run) -> list[tuple[str, Cell | str]]:
    return [
        ("command", clean(str(run.get("command") or ""), 2000)),
        ("params", mapping(run.get("params"))),
        ("tags", mapping(run.get("tags"))),
        ("note", "" if _is_long(run) else clean(str(run.get("description") or ""), 4000)),
    ]


def _is_long(run: Run) -> bool:
    """Whether a note is more than a line: then it is read as the Markdown it is."""
    return "\n" in str(run.get("description") or "").strip()


def _long_note(run: Run, look: Look) -> list[str]:
    if not _is_long(run):
        return []
    narrow = look._replace(width=max(20, look.width - 2))
    told = notes.lines(str(run["description"]), narrow)[:MOST_NOTE]
    return [paint("note", "dim", look.colour), *(f"  {line}".rstrip() for line in told)]


def _properties(run: Run) -> dict[str, Any]:
    """Less those that say of git what the page says already."""
    found: dict[str, Any] = run.get("properties") or {}
    told = ("azureml.git.", "mlflow.source.git.") if run.get("git") else ()
    return {name: value for name, value in found.items() if not name.startswith(told)}


def _whence(run: Run, models: Sequence[Mapping[str, Any]], now: datetime) -> list[tuple[str, Cell | str]]:
    return [
        ("created", _moment(run, "created", now)),
        ("started", _moment(run, "started", now)),
        ("ended", _moment(run, "ended", now)),
        ("python", pythons(run)),
        ("git", git(run.get("git"))),
        ("snapshot", snapshot(run)),
        ("reads", run_data.lines(run.get("inputs") or [])),
        ("makes", run_data.lines(run.get("outputs") or [])),
        ("outputs", _collected(run)),
        ("became", "\n".join(f"{clean_name(model['name'])}:{model['version']}" for model in models)),
        ("parent", clean_name(str(run.get("parent") or ""))),
        ("used", resources(run.get("resources"))),
        ("properties", mapping(_properties(run))),
        ("by", clean_name(str(run.get("submitted_by") or ""))),
        ("id", clean_name(run["id"])),
    ]


def _said(facts: Sequence[tuple[str, Cell | str]]) -> list[tuple[str, Cell | str]]:
    return [(name, item) for name, item in facts if item]


def _metrics(run: Run, trends: Mapping[str, str], look: Look) -> list[str]:
    """Each metric's last value, its least and greatest, and how it went; of very many the first ones."""
    rows: list[list[Cell | str]] = []
    found = run.get("metrics") or {}
    for name, value in list(found.items())[:MOST_METRICS]:
        figures = value if isinstance(value, Mapping) else {"last": value}
        texts = [numbers.format_metric(figures.get(key)) for key in ("last", "min", "max")]
        trend = Cell(trends.get(name, ""), "active")
        rows.append([clean_name(name, 60), Cell(texts[0], "bold"), *texts[1:], trend])
    columns = [
        Column("metric", keep=100, least=12, middle=True),
        Column("last", right=True, keep=95),
        Column("min", right=True, keep=70),
        Column("max", right=True, keep=65),
        Column("", keep=60),
    ]
    lines = render(columns, rows, *look) if rows else []
    if len(found) > len(rows):
        more = f"{numbers.count(len(found) - len(rows))} more: wb run metrics {clean_name(run['name'])}"
        lines.append(paint(more, "quiet", look.colour))
    return lines


def _warnings(run: Run, texts: Sequence[str], look: Look) -> list[str]:
    if not run.get("warnings"):
        return []
    mark = states.CHECK["warn"].text(look.ascii_only).partition(" ")[0]
    head = f"{mark} {counted(run['warnings'], 'warning')} of the run"
    lines = [paint(head, "warn", look.colour)]
    for text in texts[:MOST_WARNINGS]:
        lines += ["  " + line for line in wrap(clean_name(text, 400), max(20, look.width - 2))]
    if len(texts) > MOST_WARNINGS:
        more = f"  {len(texts) - MOST_WARNINGS} more: wb run show {clean_name(run['name'])} --warnings"
        lines.append(paint(more, "quiet", look.colour))
    return lines


def pythons(run: Run) -> str:
    """The Pythons it used, one a line; before that is known, the one that was asked for."""
    lines = []
    for python in run.get("interpreters") or []:
        parts = [str(python.get(key) or "") for key in ("version", "path", "platform")]
        if python.get("distributions") is not None:
            parts.append(counted(python["distributions"], "package"))
        lines.append("  ".join(clean_name(part, 400) for part in parts if part))
    return "\n".join(lines) or clean_name(str(run.get("environment") or ""))


def _collected(run: Run) -> str:
    """That its files stay on the machine, of a run that had one."""
    stay = not run.get("collect_outputs", True) and run.get("target") != IMPORTED
    return "not collected: wb run download" if stay else ""


def snapshot(run: Run) -> str:
    """The beginning of the snapshot's id, or that none was wanted; of an imported run nothing is known."""
    if not run.get("snapshot_code", True) and run.get("target") != IMPORTED:
        return "off: it ran in an empty directory"
    return clean_name(str(run.get("snapshot") or ""))[:12]


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
    return "" if when is None else times.local(when, now)
