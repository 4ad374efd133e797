"""A machine's status object as typed transitions. The machine is not trusted to be well-formed."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, NamedTuple

from workbench.entities.run import Resources, RunState, Transition
from workbench.text.numbers import amount, whole_amount
from workbench.text.sanitize import clean

MAX_TRANSITIONS = 10_000


class Status(NamedTuple):
    """What a status object says, as far as it can be understood."""

    transitions: list[Transition]
    gpus: list[str]
    resources: Resources | None
    note: str | None

    @property
    def terminal(self) -> bool:
        """Whether the newest transition ends the run."""
        return bool(self.transitions) and self.transitions[-1].state.terminal

    @property
    def without_end(self) -> Status:
        """The same before the transition that ended the run."""
        return self._replace(transitions=self.transitions[:-1]) if self.terminal else self


def read_status(status: dict[str, Any]) -> Status:
    """The typed form; entries that make no sense are left out, texts are cleaned."""
    transitions = []
    raw = status.get("transitions")
    for entry in (raw if isinstance(raw, list) else [])[:MAX_TRANSITIONS]:
        transition = _transition(entry)
        if transition is not None:
            transitions.append(transition)
    transitions.sort(key=lambda transition: transition.seq)
    gpus = status.get("gpus")
    note = status.get("note")
    return Status(
        transitions,
        [clean(str(gpu), 100) for gpu in gpus[:1024]] if isinstance(gpus, list) else [],
        _resources(status.get("resources")),
        clean(note, 1000) if isinstance(note, str) and note else None,
    )


def _transition(entry: Any) -> Transition | None:
    try:
        return Transition(
            seq=int(entry["seq"]),
            state=RunState(entry["state"]),
            time=datetime.fromtimestamp(float(entry["time"]), UTC),
            attempt=int(entry.get("attempt", 1)),
            cause=clean(entry["cause"], 100) if entry.get("cause") else None,
            message=clean(entry["message"], 4000) if entry.get("message") else None,
            exit_code=_whole(entry.get("exit_code")),
            signal=_whole(entry.get("signal")),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError):
        return None  # a newer machine's state or a broken entry: what is understood still counts


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _resources(value: Any) -> Resources | None:
    if not isinstance(value, dict):
        return None
    return Resources(
        cpu_seconds=amount(value.get("cpu_seconds")),
        peak_memory=whole_amount(value.get("peak_memory")),
        stream_bytes=whole_amount(value.get("stream_bytes")),
        stream_dropped=whole_amount(value.get("stream_dropped")),
    )
