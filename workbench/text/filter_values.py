"""What stands behind a comparison, read as what it is compared with. What cannot be is a ValueError."""

from __future__ import annotations

import math

from workbench.text.states import ACTIVE_RUN, RUN

LONGEST_NUMBER = 64
GOING_ON = ("Running", "Finalizing", "CancelRequested", "NotResponding")
STATES: dict[str, tuple[str, ...]] = {
    **{name.lower(): (name,) for name in RUN},
    **{look.word.replace(" ", ""): (name,) for name, look in RUN.items()},
    "active": tuple(name for name in RUN if name in ACTIVE_RUN),
    "over": tuple(name for name in RUN if name not in ACTIVE_RUN),
    "waiting": tuple(name for name in RUN if name in ACTIVE_RUN and name not in GOING_ON),
    # MLflow's names
    "finished": ("Completed",),
    "killed": ("Canceled",),
    "scheduled": ("NotStarted", "Starting", "Provisioning", "Preparing", "Queued"),
}
"""What a word means, in lower case and without blanks: states, and groups of them."""
FLAGS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def plain_state(text: str) -> str:
    """A state's name as STATES has it: CANCEL_REQUESTED is cancelrequested."""
    return text.lower().replace(" ", "").replace("_", "").replace("-", "")


def states(text: str) -> tuple[str, ...]:
    """The states that a word means."""
    found = STATES.get(plain_state(text))
    if found is None:
        raise ValueError(f"there is no state {text!r}")
    return found


def flag(text: str) -> bool:
    """Yes or no."""
    found = FLAGS.get(text.lower())
    if found is None:
        raise ValueError(f"{text!r} is neither yes nor no")
    return found


def number(text: str) -> float | None:
    """The number a text spells, nan and inf among them; None when it spells none."""
    if len(text) > LONGEST_NUMBER:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def finite(text: str) -> float | None:
    """As `number`; None too for nan and inf, which params are compared with as texts."""
    found = number(text)
    return found if found is not None and math.isfinite(found) else None
