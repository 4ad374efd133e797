"""How a machine looks in lists and on its own page. Pure: JSON of targets in, cells out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workbench.text import durations, sizes, states, times
from workbench.text.sanitize import clean, clean_name
from workbench.text.tables import Cell
from workbench.views.queue import cordon_words


def with_summary(target: dict[str, Any]) -> dict[str, Any]:
    """A target's row: its name first, then its address, number of GPUs and free ones where they are known."""
    facts, settings = target.get("facts") or {}, target.get("settings") or {}
    first: dict[str, Any] = {key: target[key] for key in ("name", "kind") if key in target}
    if settings.get("address"):
        first["address"] = settings["address"]
    if isinstance(facts.get("gpus"), list):
        first["gpus"] = len(facts["gpus"])
    if facts.get("free") is not None:
        first["free"] = facts["free"]
    return {**first, **target}


def state(target: dict[str, Any], plain: bool) -> Cell:
    """A target's state as glyph, word and colour."""
    look = states.look(states.TARGET, clean_name(str(target.get("state", "unknown"))))
    if target.get("state") == "unknown" and not target.get("last_seen"):
        look = states.NEVER
    return Cell(look.text(plain), look.role)


def name_of(target: dict[str, Any], plain: bool) -> Cell:
    """A target's name, the default one marked."""
    mark = (" *" if plain else " ★") if target.get("default") else ""
    return Cell(clean_name(target["name"]) + mark, "bold")


def seen(target: dict[str, Any], now: datetime) -> str:
    """How long ago the machine was heard of."""
    if target.get("state") == "connected":
        return "now"
    return times.ago(times.parse(target.get("last_seen")), now)


def load(target: dict[str, Any]) -> str:
    """How many runs it has: "2 running, 1 waiting"; empty for none."""
    return ", ".join(f"{target[key]} {key}" for key in ("running", "waiting") if target.get(key))


def problem(target: dict[str, Any]) -> Cell:
    """Why it is not connected, else why nothing starts there; empty where all is well."""
    trouble = clean_name(str(target.get("problem") or ""), 400)
    return Cell(trouble, "bad") if trouble else Cell(cordon(target), "warn")


def cordon(target: dict[str, Any]) -> str:
    """That it is cordoned or drained, by whom and why: "cordoned by ann: a new fan"; else empty."""
    held = target.get("cordon")
    return cordon_words(held, target.get("running")).removeprefix("is ") if isinstance(held, dict) else ""


def card(target: dict[str, Any], now: datetime, plain: bool) -> list[tuple[str, Cell | str]]:
    """A machine's facts, most important first; unknown ones are empty."""
    facts, settings = target.get("facts") or {}, dict(target.get("settings") or {})
    address = clean_name(str(settings.pop("address", "") or "this machine"))
    usual = _usual_settings()
    settings = {key: value for key, value in settings.items() if value != usual.get(key)}
    python = python_of(facts)
    if settings.get("python") and str(settings["python"]) in python:
        settings.pop("python")  # the fact says it already, with its version
    return [
        ("name", name_of(target, plain)),
        ("state", state(target, plain)),
        ("problem", Cell(clean_name(str(target.get("problem") or ""), 400), "bad")),
        ("queue", Cell(cordon(target), "warn")),
        ("address", address),
        ("seen", seen(target, now)),
        ("host", clean_name(str(facts.get("hostname") or ""))),
        ("user", clean_name(str(facts.get("user") or ""))),
        ("runs", load(target)),
        ("gpus", gpu_lines(facts)),
        ("cpus", clean_name(str(facts.get("cpus") or ""))),
        ("memory", _bytes(facts.get("memory"))),
        ("disk", _disk(facts)),
        ("python", clean(python, 400)),
        *((_label(key), _setting(key, value)) for key, value in settings.items() if _said(value)),
    ]


def _usual_settings() -> dict[str, Any]:
    """Settings as they are when nobody set them, which need not be shown."""
    from workbench.entities.base import to_wire  # brings msgspec, which help should not pay for
    from workbench.entities.target import TargetSettings

    found: dict[str, Any] = to_wire(TargetSettings())
    return found


def gpu_lines(facts: dict[str, Any]) -> str:
    """A line a kind of GPU: how many, name, memory; "none" where the machine said so, empty when unknown."""
    gpus = facts.get("gpus")
    if not isinstance(gpus, list):
        return ""
    kinds: dict[str, int] = {}
    for gpu in gpus:
        label = clean_name(str(gpu.get("name", "GPU"))) if isinstance(gpu, dict) else clean_name(str(gpu))
        memory = _bytes(gpu.get("memory")) if isinstance(gpu, dict) else ""
        kind = f"{label}, {memory}" if memory else label
        kinds[kind] = kinds.get(kind, 0) + 1
    return "\n".join(f"{count} x {kind}" for kind, count in kinds.items()) or "none"


def python_of(facts: dict[str, Any]) -> str:
    """The interpreter a machine uses, as one text."""
    python = facts.get("python")
    if isinstance(python, dict):
        return " ".join(str(value) for value in python.values() if value)
    return str(python or "")


def _disk(facts: dict[str, Any]) -> str:
    if not facts.get("home") or not _bytes(facts.get("home_free")):
        return ""
    return f"{_bytes(facts['home_free'])} free in {_text(facts['home'])}"


def _bytes(value: Any) -> str:
    return sizes.short(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _text(value: Any) -> str:
    return clean_name(str(value), 400)


def _label(key: str) -> str:
    return key.replace("_", " ") if key != "gpus" else "gpus a run"


def _said(value: Any) -> bool:
    return value not in (None, "", [], {}, False)


def _setting(key: str, value: Any) -> str:
    if key == "grace":
        return durations.short(value)
    if key in ("stream_cap", "foreign_memory"):
        return sizes.short(value)
    if isinstance(value, list):
        return "\n".join(_text(item) for item in value)
    if isinstance(value, dict):
        return "\n".join(f"{_text(name)}={_text(item)}" for name, item in value.items())
    return "yes" if value is True else _text(value)
