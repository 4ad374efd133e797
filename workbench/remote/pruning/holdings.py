"""What the workbench keeps on a machine and what room that takes: runs, snapshots, contents, environments."""

import os
import time
from typing import Any, Dict, Iterator, List, Tuple

from workbench.remote.data.cache import KEY, Cache
from workbench.remote.data.removal import held
from workbench.remote.disk.mounts import free_bytes
from workbench.remote.files.disk_use import BLOCK, Usage
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.pruning.payload_use import copies
from workbench.remote.runs.run_status import is_terminal, state_of
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.wire.exchange import Exchange

OFTEN = 0.3  # seconds between two words about how far it is
FOLDERS = ("runs", "trees", "blobs", "payload", "environments", "interpreters", "data")
MANIFEST = ".json"
LOCK = ".lock"  # of an environment: its time is when a run took it last


def holdings(exchange, machine):
    # type: (Exchange, Machine) -> Dict[str, Any]
    """All of it; bytes are what the disk holds.

    {"root", "free", "total", "runs": [{run, bytes, age, state?, snapshot?, environment?, workspace?, name?}],
    "trees": [{snapshot, bytes, age}], "environments": [{key, bytes, age}],
    "data": [{key, bytes, age, name?}], "copies" (of our program, but for
    the one at work): [{payload, bytes, age}], "blobs", "payloads" (all copies), "other": {count, bytes}}.
    age: seconds since it changed last. Events meanwhile: {"done", "of", "bytes"}.
    """
    count = Usage(exchange)
    said = [time.monotonic()]
    found = []  # type: List[Dict[str, Any]]
    names = sorted(name for name in os.listdir(machine.runs) if protocol.valid_run_id(name))
    for number, name in enumerate(names):
        found.append(_run(machine, count, name))
        if time.monotonic() - said[0] >= OFTEN and exchange.credit > 0:
            said[0] = time.monotonic()
            size = sum(run["bytes"] for run in found)
            exchange.event({"done": number + 1, "of": len(names), "bytes": size})
    trees = [
        {"snapshot": name[: -len(MANIFEST)], "bytes": count.tree(os.fsencode(path)), "age": age_of(path)}
        for name, path in _entries(machine, "trees")
        if protocol.SHA256.match(name[: -len(MANIFEST)]) and name.endswith(MANIFEST)
    ]
    environments = [
        {"key": name, "bytes": count.tree(os.fsencode(path)), "age": min(age_of(path), age_of(path + LOCK))}
        for name, path in _entries(machine, "environments")
        if os.path.isdir(path)
    ]
    cache = Cache(machine.root)
    data = list(held(cache, count))
    answer = {
        "root": machine.root,
        "free": free_bytes(machine.root),
        "runs": found,
        "trees": trees,
        "environments": environments,
        "data": data,
        "copies": [
            {"payload": sha, "bytes": sum(map(_size, files)), "age": age_of(files[0])}
            for sha, files in sorted(copies(machine).items())
            if not machine.payload.startswith(files[0])
        ],
        "blobs": _contents(machine, count, "blobs"),
        "payloads": _contents(machine, count, "payload"),
        "other": _other(machine, count),
    }  # type: Dict[str, Any]
    parts = [answer[name]["bytes"] for name in ("blobs", "payloads", "other")]
    answer["total"] = sum(parts) + sum(item["bytes"] for item in found + trees + environments + data)
    return answer


def _run(machine, count, name):
    # type: (Machine, Usage, str) -> Dict[str, Any]
    folder = RunFolder(machine, name)
    row = {"run": name, "bytes": count.tree(os.fsencode(folder.path))}  # type: Dict[str, Any]
    try:
        status, spec = folder.read_status() or {}, folder.read_spec() or {}
    except (OSError, ValueError):  # one damaged run is one row without a state
        status, spec = {}, {}
    if status.get("transitions"):
        row["state"] = state_of(status)
        row["over"] = is_terminal(status)
        row["ours"] = status.get("machine") == machine.machine_id
    try:
        row["age"] = max(0.0, time.time() - os.stat(folder.status).st_mtime)
    except OSError:
        row["age"] = age_of(folder.path)
    for field in ("snapshot", "environment", "workspace", "name", "experiment"):
        if isinstance(spec.get(field), str):
            row[field] = spec[field][:500]
    return row


def age_of(path):
    # type: (str) -> float
    """Seconds since something was written last, by this machine's clock; 0 when it is gone."""
    try:
        return max(0.0, time.time() - os.lstat(path).st_mtime)
    except OSError:
        return 0.0


def _size(path):
    # type: (str) -> int
    """Bytes of a file on the disk; 0 when it is gone."""
    try:
        return os.lstat(path).st_blocks * BLOCK
    except OSError:
        return 0


def _entries(machine, folder):
    # type: (Machine, str) -> Iterator[Tuple[str, str]]
    place = os.path.join(machine.root, folder)
    try:
        names = sorted(os.listdir(place))
    except FileNotFoundError:
        return
    for name in names:
        yield name, os.path.join(place, name)


def _contents(machine, count, folder):
    # type: (Machine, Usage, str) -> Dict[str, int]
    before = count.files
    size = sum(count.tree(os.fsencode(path)) for _, path in _entries(machine, folder))
    return {"count": count.files - before, "bytes": size}


def _other(machine, count):
    # type: (Machine, Usage) -> Dict[str, int]
    """What is in none of the folders, or half removed."""
    before, size = count.files, 0
    for name, path in _entries(machine, ""):
        if name not in FOLDERS:
            size += count.tree(os.fsencode(path))
    for name, path in _entries(machine, "runs"):
        if not protocol.valid_run_id(name):
            size += count.tree(os.fsencode(path))
    for name, path in _entries(machine, "data"):
        if not KEY.match(name):  # files on their way, or of no tree: those of trees are counted
            size += count.tree(os.fsencode(path))
    return {"count": count.files - before, "bytes": size}
