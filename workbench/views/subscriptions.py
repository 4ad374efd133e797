"""How a subscription looks, the same on the command line and on screens. Pure: JSON in, texts out."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from workbench.text.sanitize import clean_name


def sink(item: Mapping[str, Any]) -> str:
    """Where its events go: the bell, a host, a command."""
    words = item.get("command")
    told = " ".join(words) if isinstance(words, list) else words or item.get("host") or ""
    return clean_name(f"{item['sink']} {told}".strip(), 200)


def wanted(item: Mapping[str, Any]) -> str:
    """Which events."""
    chosen = item.get("filter") or {}
    parts = [",".join(chosen.get("kinds") or ["everything"])]
    if chosen.get("prefix") or chosen.get("suffix"):
        parts.append(f"{chosen.get('prefix') or ''}*{chosen.get('suffix') or ''}")
    parts += [f"{key}={value}" for key, value in (chosen.get("data") or {}).items()]
    return clean_name(" ".join(parts), 200)


def problem(item: Mapping[str, Any]) -> str:
    """Why the last delivery failed; empty where none did."""
    return clean_name(str(item.get("problem") or ""), 300)


def host_of(url: str) -> str:
    """The host of an address, which may be posted to then; numbers, maybe private, are allowed by hand."""
    from urllib.parse import urlsplit  # only for this: help should not pay for it

    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return "" if ":" in host or host[-1:].isdigit() else host


def command_line(name: str, kinds: str, data: str, to: str, where: str) -> str:
    """The command that makes one: kinds and data as words, to: command, webhook or bell."""
    words = ["wb", "activity", "subscribe", name or "NAME"]
    for kind in kinds.replace(",", " ").split():
        words += ["--on", kind]
    for pair in data.split():
        words += ["--data", pair]
    words += {"bell": ["--bell"], "webhook": ["--webhook", where or "URL"]}.get(
        to, ["--", where or "COMMAND"]
    )
    return " ".join(shlex.quote(word) if word != "--" else word for word in words)
