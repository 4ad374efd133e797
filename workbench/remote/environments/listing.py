"""Which environments a machine has, how they are, and when they were of use last."""

import os
import time
from typing import Any, Dict, List, Set

from workbench.remote.disk.filelock import try_lock
from workbench.remote.environments.places import BUILDING, FAILED, IS_READY, KEY, Place
from workbench.remote.files.disk_use import Usage
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.runs import run_status
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.wire.exchange import Exchange

ENDINGS = (".json", ".lock")


def keys_of(machine):
    # type: (Machine) -> List[str]
    """The keys of all that is, or was tried to be built."""
    try:
        names = os.listdir(os.path.join(machine.root, "environments"))
    except FileNotFoundError:
        return []
    keys = set()  # type: Set[str]
    for name in names:
        key = name[: -len(".json")] if name.endswith(".json") else name
        if KEY.match(key):
            keys.add(key)
    return sorted(keys)


def listing(machine, exchange):
    # type: (Machine, Exchange) -> List[Dict[str, Any]]
    """[{"key", "state", "name", "version", "kind", "python", "packages", "bytes", "started", "ended", "age",
    "in_use", "problem"}], what is not known absent; age: seconds since it was used last."""
    count = Usage(exchange)
    found = []
    for key in keys_of(machine):
        exchange.check()
        one = described(machine, Place(machine, key))
        if one is not None:
            path = Place(machine, key).path
            one["bytes"] = count.tree(os.fsencode(path)) if os.path.isdir(path) else 0
            found.append(one)
    return found


def described(machine, place):
    # type: (Machine, Place) -> Any
    """One environment without its size; None where there is nothing to tell."""
    state, ready = place.read_state(), place.read_ready()
    one = {name: state.get(name) for name in ("name", "version", "kind", "started", "ended")}
    one["key"] = place.key
    if ready is not None:
        used = place.last_used()
        for name in ("name", "version", "kind", "python", "packages"):
            one[name] = ready.get(name)
        one.update(state=IS_READY, age=max(0.0, time.time() - used), in_use=in_use(place))
        return one
    if state.get("state") == BUILDING and in_use(place):
        one.update(state=BUILDING)
        return one
    if state.get("state") == FAILED:
        one.update(state=FAILED, problem=str(state.get("problem") or "")[:1000])
        return one
    if os.path.isdir(place.path) or state.get("state") == BUILDING:
        one.update(
            state=FAILED, problem="its builder was killed half way; it is built anew when it is wanted"
        )
        return one
    return None


def in_use(place):
    # type: (Place) -> bool
    """Whether a run uses it, or somebody is at it, now."""
    handle = try_lock(place.lock)
    if handle is None:
        return True
    os.close(handle)
    return False


def needed_by_runs(machine):
    # type: (Machine) -> Set[str]
    """The keys that runs name which are not over, also such as do not hold them yet."""
    needed = set()  # type: Set[str]
    for name in os.listdir(machine.runs):
        if not protocol.valid_run_id(name):
            continue
        folder = RunFolder(machine, name)
        try:
            status, spec = folder.read_status(), folder.read_spec()
        except (OSError, ValueError):  # a damaged one says nothing; what lives holds a lock
            continue
        if spec is not None and isinstance(spec.get("environment"), str):
            if status is None or not run_status.is_terminal(status):
                needed.add(spec["environment"])
    return needed
