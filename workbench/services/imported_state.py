"""What is remembered of a run that was brought in: a small file a run, beside the store."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from workbench.home import private_folder


def read_state(place: Path) -> dict[str, Any] | None:
    """What was kept; None when nothing was, or it cannot be read."""
    try:
        found = json.loads(place.read_bytes())
    except (FileNotFoundError, ValueError):
        return None  # what is here already is not taken twice all the same
    return found if isinstance(found, dict) else None


def came_in_a_bundle(folder: Path, run: str) -> bool:
    """Whether a run of the workspace with this folder was brought in: nothing on a machine is ours."""
    return machine_there(folder, run) is not None


def machine_there(folder: Path, run: str) -> dict[str, Any] | None:
    """What a bundle told of the machine that a run ran on; None for a run that came in none."""
    state = read_state(folder / "imports" / f"{run}.json") or {}
    machine = state.get("machine")
    return None if "bundle" not in state else machine if isinstance(machine, dict) else {}


def write_state(place: Path, state: dict[str, Any]) -> None:
    """Keep it, put in place by rename. Raises OSError."""
    private_folder(place.parent)
    partial = place.with_suffix(".partial")
    partial.write_text(json.dumps(state))
    os.replace(partial, place)
