"""How an alert looks, the same on the command line and on screens. Pure: JSON in, cells out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workbench.text import times
from workbench.text.sanitize import clean_name
from workbench.text.states import ALERT, look
from workbench.text.tables import Cell


def severity(alert: Mapping[str, Any], plain: bool) -> Cell:
    """How bad it is, as glyph, word and colour."""
    found = look(ALERT, clean_name(str(alert.get("severity", ""))))
    return Cell(found.text(plain), found.role)


def text(alert: Mapping[str, Any]) -> str:
    """What is wrong, as a sentence."""
    return clean_name(str(alert.get("text") or ""), 400)


def advice(alert: Mapping[str, Any]) -> str:
    """What to do."""
    return clean_name(str(alert.get("advice") or ""), 400)


def age(alert: Mapping[str, Any], now: datetime) -> str:
    """How long it has been so."""
    return times.ago(times.parse(alert.get("since")), now)


def silence(alert: Mapping[str, Any], now: datetime) -> str:
    """Until when nobody is called for it; empty when somebody is."""
    until = times.parse(alert.get("silenced_until"))
    return f"silent until {times.local(until, now)}" if until is not None and until > now else ""


def of_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """The alert that an event of it tells of, with its machine."""
    return {**(event.get("data") or {}), "target": str(event.get("subject", "")).partition("/")[2]}
