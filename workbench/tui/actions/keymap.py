"""The user's own keys: `[keys]` of the settings, an action's id = Textual's key names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.app import App

from workbench.tui.actions.table import ACTIONS, Action, by_id


def keys_of(app: App[Any], action: Action) -> str:
    """The keys an action has in this app, the user's own where there are any."""
    chosen: Mapping[str, str] = getattr(app, "chosen_keys", {})
    return chosen.get(action.id, action.keys)


def checked(chosen: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The part of a key map that can be used, and a sentence for each entry that cannot."""
    good: dict[str, str] = {}
    wrong = []
    for identity, keys in chosen.items():
        words = ",".join(key.strip() for key in keys.split(",") if key.strip())
        if identity not in by_id():
            wrong.append(f"there is no action {identity}")
        elif not words:
            wrong.append(f"{identity} has no key")
        else:
            good[identity] = words
    return good, wrong + _clashes(good)


def _clashes(chosen: Mapping[str, str]) -> list[str]:
    """A sentence for each key that a chosen action takes from another of its place."""
    found = []
    for action in ACTIONS:
        if action.id not in chosen:
            continue
        for other in ACTIONS:
            both = set(chosen[action.id].split(",")) & set(chosen.get(other.id, other.keys).split(","))
            if other.place == action.place and other.id != action.id and both:
                found.append(f"{action.id} and {other.id} both have the key {sorted(both)[0]}")
    return found
