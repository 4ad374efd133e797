"""A machine in a few lines, for the face that attached it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workbench.compute.measurement import Measurement, gpus_of
from workbench.entities.target import Target, TargetSettings
from workbench.text import sizes
from workbench.text.numbers import finite
from workbench.text.sanitize import clean_name


def card(target: Target, measured: Measurement) -> list[str]:
    """The machine in a few lines, for the face that attached it. Pure."""
    facts = measured.facts
    lines = [f"{target.name}: {_who(facts)}"]
    processors, memory = finite(facts.get("cpus")), finite(facts.get("memory"))
    parts = [
        f"{processors:.0f} CPUs" if processors else "",
        f"{sizes.short(memory)} memory" if memory else "",
    ]
    lines.append(", ".join(part for part in parts if part) or "-")
    lines += [f"GPU {line}" for line in _gpu_lines(gpus_of(facts))] or ["no GPU"]
    lines.append(f"python {target.settings.python or measured.python or '-'}")
    lines.append(f"root {target.settings.root or '~/.workbench'}" + _home_note(facts, target.settings))
    if measured.round_trip is not None:
        channel = "-" if measured.channel is None else f"{measured.channel * 1000:.0f} ms"
        lines.append(f"round trip {measured.round_trip * 1000:.1f} ms, a new channel {channel}")
    return lines


def _who(facts: dict[str, Any]) -> str:
    user, host = (clean_name(str(facts.get(key) or "-"), 100) for key in ("user", "hostname"))
    return f"{user} on {host}"


def _home_note(facts: dict[str, Any], settings: TargetSettings) -> str:
    if settings.root is not None:
        return ""
    free, fs = finite(facts.get("home_free")), clean_name(str(facts.get("home_fs") or ""), 40)
    parts = [fs, "" if free is None else f"{sizes.short(free)} free"]
    return f" ({', '.join(part for part in parts if part)})" if any(parts) else ""


def _gpu_lines(gpus: Iterable[dict[str, Any]]) -> list[str]:
    counted: dict[str, int] = {}
    for gpu in gpus:
        memory = finite(gpu.get("memory"))
        name = clean_name(str(gpu.get("name") or "of unknown make"), 80)
        line = f"{name}, {sizes.short(memory)}" if memory else name
        counted[line] = counted.get(line, 0) + 1
    return [f"{count} x {line}" for line, count in counted.items()]
