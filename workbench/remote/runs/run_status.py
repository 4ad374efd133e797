"""The status object of a run as a value: its transitions, who looks after it, what it used. Pure."""

from typing import Any, Dict, List, Optional

from workbench.remote.forms import protocol

Status = Dict[str, Any]


UNKNOWN = "unknown"  # in a status: the run never arrived, its id is claimed so that it cannot any more


def is_unknown(status):
    # type: (Any) -> bool
    """Whether a status is of a run that never arrived."""
    return isinstance(status, dict) and status.get(UNKNOWN) is True


def new_status(run_id, machine_id, boot_id, pidns, attempt, time):
    # type: (str, str, str, int, int, float) -> Status
    """The status of a run that was just claimed."""
    status = {
        "v": protocol.VERSION,
        "run": run_id,
        "machine": machine_id,
        "boot": boot_id,
        "pidns": pidns,
        "attempt": attempt,
        "guard": None,
        "supervisor": None,
        "child": None,
        "transitions": [],
        "gpus": [],
        "resources": {},
    }  # type: Status
    add_transition(status, protocol.NOT_STARTED, time)
    return status


def add_transition(status, state, time, cause=None, message=None, exit_code=None, signal=None):
    # type: (Status, str, float, Optional[str], Optional[str], Optional[int], Optional[int]) -> bool
    """Append a transition; seq counts on over all attempts. A terminal attempt takes none: False (AZ-72)."""
    transitions = status["transitions"]  # type: List[Dict[str, Any]]
    attempt = status.get("attempt", 1)
    if transitions and transitions[-1].get("attempt", 1) == attempt and is_terminal(status):
        return False
    entry = {"seq": len(transitions) + 1, "state": state, "time": time, "attempt": attempt}  # type: Dict[str, Any]
    optional = {"cause": cause, "message": message, "exit_code": exit_code, "signal": signal}
    entry.update((name, value) for name, value in optional.items() if value is not None)
    transitions.append(entry)
    if state != protocol.QUEUED:
        status.pop("note", None)
    return True


def state_of(status):
    # type: (Status) -> str
    """The newest state; NotStarted when nothing can be read from it."""
    transitions = status.get("transitions")
    if isinstance(transitions, list) and transitions and isinstance(transitions[-1], dict):
        return str(transitions[-1].get("state", protocol.NOT_STARTED))
    return protocol.NOT_STARTED


def is_terminal(status):
    # type: (Status) -> bool
    """Whether the newest state ends the run's newest attempt."""
    return state_of(status) in protocol.TERMINAL


def has_been(status, state):
    # type: (Status, str) -> bool
    """Whether the newest attempt went through a state."""
    attempt = status.get("attempt", 1)
    return any(
        entry["state"] == state and entry.get("attempt", 1) == attempt for entry in status["transitions"]
    )


def identity_of(status, who):
    # type: (Status, str) -> Optional[Any]
    """(pid, start) of "guard", "supervisor" or "child"; None when it never was or cannot be read."""
    entry = status.get(who)
    if not isinstance(entry, dict):
        return None
    pid, start = entry.get("pid"), entry.get("start")
    if isinstance(pid, int) and isinstance(start, int) and pid > 1:
        return (pid, start)
    return None


def begin_attempt(status, attempt, machine_id, boot_id, pidns, time, message=None):
    # type: (Status, int, str, str, int, float, Optional[str]) -> None
    """Turn the status of a finished run into that of its next attempt; transitions of the old stay."""
    status.update(attempt=attempt, machine=machine_id, boot=boot_id, pidns=pidns)
    status.update(guard=None, supervisor=None, child=None, gpus=[], resources={})
    status.pop("ticket", None)
    add_transition(status, protocol.NOT_STARTED, time, message=message)
