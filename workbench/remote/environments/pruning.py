"""Making room: environments that nobody used for a while go, with what only they needed of the cache."""

import os
import subprocess
import time
from typing import Any, Dict, List, Optional, Set

from workbench.remote.disk.filelock import try_lock
from workbench.remote.environments.listing import keys_of, needed_by_runs
from workbench.remote.environments.places import Place
from workbench.remote.environments.removal import remove_environment
from workbench.remote.environments.tools_here import own_uvs
from workbench.remote.files.disk_use import BLOCK
from workbench.remote.machine import Machine
from workbench.remote.runs.runfolder import remove_quietly
from workbench.remote.snapshots.leftovers import remove_tree
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange

CLEAN_SECONDS = 120.0


def prune_environments(machine, exchange):
    # type: (Machine, Exchange) -> Dict[str, Any]
    """Params older (seconds since it was used last), keys (only these; all when absent), dry_run=true.

    Events {"removed": {"environment": key, "bytes"}} and {"kept": {"environment": key, "why"}}; the answer is
    {"environments", "bytes"}. Bytes are what the disk gets back: what other environments link to as well
    does not count.
    """
    params = exchange.params
    dry_run = params.get("dry_run") is not False
    older = parameters.seconds(params, "older") or 0.0
    asked = params.get("keys")
    needed = needed_by_runs(machine)
    count = {"environments": 0, "bytes": 0}
    gone, there = set(), set()  # type: Set[str], Set[str]
    for key in keys_of(machine):
        exchange.check()
        place = Place(machine, key)
        packages = set((place.read_ready() or {}).get("packages") or {})
        if isinstance(asked, list) and key not in asked:
            there |= packages
            continue
        why = reason_to_stay(place, older, needed)
        size = None if why else removed(place, dry_run)
        exchange.wait_credit()
        if size is None:
            there |= packages
            exchange.event({"kept": {"environment": key, "why": why or "it is in use, or being built"}})
            continue
        gone |= packages
        count["environments"] += 1
        count["bytes"] += size
        exchange.event({"removed": {"environment": key, "bytes": size}})
    if not isinstance(asked, list):  # wheels that were sent serve all of them
        count["bytes"] += prune_wheels(machine, older, dry_run)
    if not dry_run:
        clean_cache(machine, sorted(gone - there))
    return dict(count)


def reason_to_stay(place, older, needed):
    # type: (Place, float, Any) -> Optional[str]
    """Why an environment stays; None when it may go."""
    if place.key in needed:
        return "a run that is not over needs it"
    if os.path.isdir(place.path) and time.time() - place.last_used() < older:
        return "it was used lately"
    return None


def removed(place, dry_run):
    # type: (Place, bool) -> Optional[int]
    """Remove one that nobody uses; the bytes it held, None when somebody does."""
    lock = try_lock(place.lock)
    if lock is None:
        return None
    try:
        size = own_bytes(place.path)
        if not dry_run:
            remove_environment(place)
            for path in (place.state, place.log):
                remove_quietly(path)
    finally:
        os.close(lock)
    return size


def own_bytes(folder):
    # type: (str) -> int
    """Bytes below a folder that only it and the cache have."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            facts = os.lstat(os.path.join(place, name))
            total += facts.st_blocks * BLOCK if facts.st_nlink <= 2 else 0
    return total


def prune_wheels(machine, older, dry_run):
    # type: (Machine, float, bool) -> int
    """Wheels that were sent and not built with for so long; their bytes."""
    folder = os.path.join(machine.root, "uv", "wheels")
    freed = 0
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return 0
    for name in names:
        path = os.path.join(folder, name)
        try:
            if time.time() - os.stat(path).st_mtime < older:
                continue
            freed += sum(os.lstat(os.path.join(path, one)).st_blocks * BLOCK for one in os.listdir(path))
        except OSError:
            continue
        if not dry_run:
            remove_tree(path)
    return freed


def clean_cache(machine, packages):
    # type: (Machine, List[str]) -> None
    """Take packages that no environment has any more out of uv's cache, which never shrinks by itself.

    uv waits there for whoever builds; one that waits long is left for the next time.
    """
    cache = os.path.join(machine.root, "uv", "cache")
    uv = any_uv(machine)
    if uv is None or not packages or not os.path.isdir(cache):
        return
    words = [uv, "--cache-dir", cache, "--color", "never", "--no-progress", "cache"]
    for more in (["clean"] + packages, ["prune"]):
        try:
            subprocess.run(
                words + more, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, timeout=CLEAN_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return


def any_uv(machine):
    # type: (Machine) -> Optional[str]
    """A copy of ours, else the machine's own; None where there is neither."""
    try:
        names = os.listdir(os.path.join(machine.root, "uv"))
    except FileNotFoundError:
        return None
    copies = [os.path.join(machine.root, "uv", name, "uv") for name in names]
    own = [path for path, _ in own_uvs()]
    return next((path for path in copies + own if os.access(path, os.X_OK)), None)
