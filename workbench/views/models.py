"""How models, versions, verdicts and histories look, the same in both faces. Pure: JSON in, cells out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.entities.model import CHANGED_AFTER_RUN
from workbench.text import numbers, sizes, times
from workbench.text.cells import cut, width
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, wrap

RUNS_CODE = "runs code when loaded"
"""The badge of a version that has files which do."""
Json = Mapping[str, Any]
PASSED, FAILED = "✔", "✖"


def reference(version: Json) -> str:
    """NAME:VERSION."""
    return f"{clean_name(str(version['name']), 128)}:{version['version']}"


def written_late(version: Json) -> str:
    """What to mind of a version whose files changed after their run; empty where none did."""
    late = str((version.get("properties") or {}).get(CHANGED_AFTER_RUN) or "")
    if not late:
        return ""
    names = cut(clean_name(late, 1000), 200)
    return f"written after the run ended, so its metrics may be of other files: {names}"


def format_of(version: Json) -> Cell:
    """How it is kept, with the badge where loading it runs code."""
    kept = clean_name(str(version.get("format") or "-"), 40)
    if not version.get("runs_code"):
        return Cell(kept)
    return Cell(f"{kept} ! {RUNS_CODE}", "warn")


def framework_of(version: Json) -> str:
    """Framework and its version."""
    said = [version.get("framework"), version.get("framework_version")]
    return clean_name(" ".join(str(word) for word in said if word), 60) or "-"


def size_of(version: Json) -> str:
    """Bytes of all files."""
    return sizes.short(version.get("size"))


def aliases_of(version: Json) -> Cell:
    """Its aliases."""
    names = [clean_name(str(alias), 64) for alias in version.get("aliases") or []]
    return Cell(", ".join(names), "good" if "champion" in names else "active" if names else "")


def aliases_of_model(model: Json) -> str:
    """champion:7 candidate:9."""
    return " ".join(
        f"{clean_name(str(alias), 64)}:{to}" for alias, to in (model.get("aliases") or {}).items()
    )


def total(versions: Sequence[Json]) -> str:
    """How much room these versions take, contents that they share counted each time."""
    return sizes.short(sum(int(version.get("size") or 0) for version in versions)) if versions else ""


def metric_names(versions: Iterable[Json], first: Sequence[str] = ()) -> list[str]:
    """The metrics that any of these versions has: those of first, then the most common ones."""
    counts: dict[str, int] = {}
    for version in versions:
        for name in version.get("metrics") or {}:
            counts[str(name)] = counts.get(str(name), 0) + 1
    rest = sorted((name for name in counts if name not in first), key=lambda name: (-counts[name], name))
    return [name for name in first if name in counts] + rest


def metric_cell(version: Json, name: str, champion: Json | None) -> str:
    """A metric's value, and behind it how far from the champion's it is."""
    value = numbers.number((version.get("metrics") or {}).get(name))
    if value is None:
        return "-"
    said = numbers.short(value)
    other = None if champion is None else numbers.finite((champion.get("metrics") or {}).get(name))
    if other is None or champion is None or champion["version"] == version["version"] or value != value:
        return said
    return f"{said} ({difference(value, other)})"


def difference(value: float, other: float) -> str:
    """How far a value is from the champion's, as short as it means something: +0.05."""
    return numbers.delta(round(value - other, 12), 3)


def source_of(version: Json) -> str:
    """The run and path it came from, or its file's name here."""
    path = clean_name(str(version.get("path") or ""), 200)
    if not version.get("run"):
        return path or "-"
    run = clean_name(str(version.get("run_name") or version["run"]), 60)
    return f"{run}  {path}" if path else run


def datasets_of(version: Json) -> list[str]:
    """relation: NAME:VERSION of each dataset it has to do with."""
    found = []
    for item in version.get("datasets") or []:
        number = "" if item.get("version") is None else f":{item['version']}"
        relation = clean_name(str(item["relation"]), 60)
        found.append(f"{relation}: data:{clean_name(str(item['name']), 128)}{number}")
    return found


def lineage_of(version: Json) -> str:
    """data -> run -> model, as far as it is known."""
    data = ", ".join(line.partition(": ")[2] for line in datasets_of(version))
    run = "" if not version.get("run") else clean_name(str(version.get("run_name") or version["run"]), 60)
    return " -> ".join(part for part in (data, run, reference(version)) if part)


def rule_line(line: Json) -> tuple[str, str, str]:
    """A verdict's line: its sign, the rule, and why."""
    sign = PASSED if line.get("passed") else FAILED
    return sign, clean_name(str(line["rule"]), 300), clean_name(str(line["said"]), 500)


def verdict_lines(verdict: Json, room: int = 0) -> list[Cell]:
    """A verdict line by line, and what it comes to.

    room: cells of a line, 0 for any; where a rule and its reason do not fit, the reason stands below it.
    """
    found = []
    for line in verdict.get("lines") or []:
        sign, rule, said = rule_line(line)
        role = "good" if line.get("passed") else "bad"
        whole = f"{sign} {rule}  ({said})"
        if not room or width(whole) <= room:
            found.append(Cell(whole, role))
            continue
        first, *rest = wrap(rule, max(10, room - 2))
        reason = wrap(said, max(10, room - 4))
        found.append(Cell(f"{sign} {first}", role))
        found += [Cell(f"  {text}", role) for text in rest] + [Cell(f"    {text}", role) for text in reason]
    named, alias = reference(verdict), clean_name(str(verdict["alias"]), 64)
    if not found:
        found.append(Cell("no rules: this model has no gate", "dim"))
    current = verdict.get("current")
    now = "nobody has it now" if current is None else f"{verdict['name']}:{current} has it now"
    word = "may be" if verdict.get("passed") else "is kept from being"
    found.append(Cell(f"{named} {word} {alias}; {clean_name(now, 200)}", "bold"))
    return found


def evaluated_by(evaluation: Json) -> str:
    """What an evaluation was run by: the job file, or the run it was like."""
    return clean_name(str(evaluation["recipe"]).removeprefix("job:"), 200)


def evaluation_status(evaluation: Json) -> Cell:
    """How it ended; anything but Completed stands out."""
    status = clean_name(str(evaluation["status"]), 40)
    roles = {"Completed": "good", "Failed": "bad", "Canceled": "bad"}
    return Cell(status, roles.get(status, ""))


def evaluation_metrics(evaluation: Json) -> str:
    """What it measured: acc 0.93, latency_ms 12."""
    found = [
        f"{clean_name(name, 60)} {metric_cell(evaluation, name, None)}" for name in metric_names([evaluation])
    ]
    return ", ".join(found) or "-"


def evaluation_line(evaluation: Json) -> str:
    """An evaluation as one line: acc 0.93 on test:3 by eval.yml (calm-otter-3)."""
    run = clean_name(str(evaluation.get("run_name") or evaluation["run"]), 60)
    on = f"on {clean_name(str(evaluation['dataset']), 200)} by {evaluated_by(evaluation)} ({run})"
    status = evaluation_status(evaluation)
    return f"{evaluation_metrics(evaluation) if status.role == 'good' else status.text} {on}"


def move_cells(move: Json) -> str:
    """What a move did: champion: 6 -> 7."""
    before = "nobody" if move.get("previous") is None else str(move["previous"])
    after = "nobody" if move.get("version") is None else str(move["version"])
    return f"{before} -> {after}"


def how(move: Json) -> Cell:
    """How it moved; one that was forced, or passed a gate by, stands out."""
    action = clean_name(str(move["action"]), 20)
    if move.get("forced"):
        return Cell(f"{action}, FORCED", "bad")
    if move.get("unjudged"):
        return Cell(f"{action}, UNJUDGED", "warn")
    return Cell(action)


def why(move: Json) -> str:
    """The reason, and who agreed."""
    said = clean_name(str(move.get("why") or ""), 2000)
    approver = move.get("approver")
    agreed = f"approved by {clean_name(str(approver), 200)}" if approver else ""
    return "; ".join(part for part in (said, agreed) if part)


def moved_text(move: Json, now: datetime) -> str:
    """A move as one line: churn:7 is champion since 3 May 12:04 (ann): better."""
    alias, name = clean_name(str(move["alias"]), 64), clean_name(str(move["name"]), 128)
    when = times.local(times.parse(move.get("time")), now)
    who = clean_name(str(move["who"]), 200)
    to = move.get("version")
    said = f"{alias} of {name} was taken away" if to is None else f"{name}:{to} is {alias}"
    reason = f": {cut(why(move), 300)}" if why(move) else ""
    forced = " FORCED" if move.get("forced") else " UNJUDGED" if move.get("unjudged") else ""
    return f"{said} since {when} ({who}){forced}{reason}"
