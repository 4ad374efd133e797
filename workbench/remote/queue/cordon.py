"""A machine taken out of service for a while: nothing starts on it, what runs goes on.

A file of the lease folder, so that every laptop and every user of that folder sees it. With "drain" nothing
new is taken on either: the machine empties itself.
"""

import time
from typing import Any, Dict, NamedTuple

from workbench.remote.machine import Machine
from workbench.remote.queue.shared_files import write_shared
from workbench.remote.runs.runfolder import read_object, remove_quietly
from workbench.remote.wire.problems import RequestError

MAX_TEXT = 500

# on: whether there is one. reason, by: for sentences; may be empty. since: since 1970, 0 when unknown.
Cordon = NamedTuple("Cordon", [("on", bool), ("drain", bool), ("reason", str), ("by", str), ("since", float)])
OPEN = Cordon(False, False, "", "", 0.0)


def read_cordon(machine):
    # type: (Machine) -> Cordon
    """How it is now; a file that cannot be read is a cordon all the same."""
    try:
        found = read_object(machine.cordon, 1 << 16)
    except (OSError, ValueError):
        found = {}
    if found is None:
        return OPEN
    since = found.get("since")
    known = isinstance(since, (int, float)) and not isinstance(since, bool) and 0 <= since < 1e12
    return Cordon(
        True,
        found.get("drain") is True,
        _text(found.get("reason")),
        _text(found.get("by")),
        float(since) if known and since is not None else 0.0,
    )


def set_cordon(machine, drain, reason, by):
    # type: (Machine, bool, str, str) -> Cordon
    """Let nothing start here from now on; without a reason the one that was given stays. Raises OSError."""
    said = _text(reason) or read_cordon(machine).reason
    entry = {"drain": drain, "reason": said, "by": _text(by), "since": time.time()}
    write_shared(machine.cordon, entry)
    return read_cordon(machine)


def lift_cordon(machine):
    # type: (Machine) -> Cordon
    """Let runs start again; repeated is fine. Raises OSError."""
    remove_quietly(machine.cordon)
    return OPEN


def why_closed(cordon):
    # type: (Cordon) -> str
    """Why nothing starts, as a sentence; empty when there is no cordon."""
    if not cordon.on:
        return ""
    text = "the machine is being drained" if cordon.drain else "the machine is cordoned"
    text += " by " + cordon.by if cordon.by else ""
    return text + (": " + cordon.reason if cordon.reason else "")


def refuse_new(machine):
    # type: (Machine) -> None
    """Raise RequestError where a drain takes on nothing new."""
    cordon = read_cordon(machine)
    if cordon.on and cordon.drain:
        hint = "choose another machine, or end it: wb compute cordon NAME --off"
        raise RequestError("refused", "nothing new is taken on: " + why_closed(cordon), hint)


def as_wire(cordon):
    # type: (Cordon) -> Dict[str, Any]
    """What the near end is told; empty without one."""
    if not cordon.on:
        return {}
    told = {"drain": cordon.drain, "reason": cordon.reason, "by": cordon.by}  # type: Dict[str, Any]
    if cordon.since:
        told["since"] = cordon.since
    return told


def _text(value):
    # type: (Any) -> str
    """One line of at most MAX_TEXT characters."""
    return " ".join(str(value).split())[:MAX_TEXT] if isinstance(value, str) else ""
