"""Removing what a user no longer needs of ours on a machine, by id, while others go on submitting.

No lock is shared by all who may submit: several machines can have one root. So the order of steps keeps what
a submit needs. A submit writes (or touches) its manifest, then looks which contents there are. Here contents
are put aside first, where a reader still finds them; then manifests are read again, and what a young one
names is put back. Who looked before they were put aside finds them, who looks after that is told that they
are missing and sends them.
"""

import fcntl
import json
import os
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, Set

from workbench.remote.data import removal
from workbench.remote.data.cache import Cache
from workbench.remote.disk.filelock import try_lock
from workbench.remote.environments.places import READY
from workbench.remote.files.disk_use import BLOCK, Usage
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.pruning import payload_use
from workbench.remote.pruning.run_removal import check_over, remove_run
from workbench.remote.runs.runfolder import RunFolder, remove_quietly
from workbench.remote.snapshots.leftovers import remove_tree, upload_name
from workbench.remote.snapshots.manifest import FILE
from workbench.remote.snapshots.trees import aside
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import RequestError

YOUNG = 24 * 3600.0  # seconds in which a snapshot may still be on its way to its first run
FRESH = 3600.0  # the same of a copy of our program: between a link's beginning and its lock
MAX_MANIFEST = 512 << 20


class Pruning(object):
    """One pruning: what goes, what stays and why, told as it happens."""

    def __init__(self, exchange, machine, dry_run):
        # type: (Exchange, Machine, bool) -> None
        self._exchange = exchange
        self._machine = machine
        self._dry_run = dry_run
        self.bytes = 0
        self.counts = {"runs": 0, "trees": 0, "blobs": 0, "environments": 0, "payloads": 0, "data": 0}
        self.gone = set()  # type: Set[str]
        self._trees = os.path.join(machine.root, "trees")

    def runs(self, ids):
        # type: (List[str]) -> None
        """Remove runs that are over."""
        for run_id in ids:
            self._exchange.check()
            try:
                size = self._size_of_run(run_id) if self._dry_run else remove_run(self._machine, run_id)
            except (OSError, ValueError, RequestError) as problem:
                self._kept("run", run_id, str(problem))
                continue
            self._gone("runs", "run", run_id, size)

    def _size_of_run(self, run_id):
        # type: (str) -> int
        folder = RunFolder(self._machine, run_id)
        check_over(folder)
        return Usage(self._exchange).tree(os.fsencode(folder.path))

    def trees(self, ids, without):
        # type: (List[str], Set[str]) -> None
        """Remove manifests that no run (but those in without) has, and that nobody asked for lately."""
        needed = {spec.get("snapshot") for spec in self._specs(without)}
        for snapshot in ids:
            self._exchange.check()
            if snapshot in needed:
                self._kept("tree", snapshot, "a run has it")
                continue
            size = self._without(os.path.join(self._trees, snapshot + ".json"))
            if size is None:
                self._kept("tree", snapshot, "it was asked for lately, or is gone")
            else:
                self._gone("trees", "tree", snapshot, size)

    def payloads(self, shas):
        # type: (List[str]) -> None
        """Remove copies of our program that no process and no run needs, with their compiled forms."""
        there, used = payload_use.copies(self._machine), payload_use.named(self._machine)
        for sha in shas:
            self._exchange.check()
            if used is None or sha in used or (sha in there and payload_use.is_held(there[sha][0])):
                self._kept("payload", sha, "it is in use, or may be" if used is None else "it is in use")
                continue
            files = there.get(sha, [""])
            more = sum(os.stat(path).st_blocks * BLOCK for path in files[1:])
            size = self._without(files[0], FRESH)
            if size is None:
                self._kept("payload", sha, "a link came from it a moment ago, or it is gone")
                continue
            for path in [] if self._dry_run else files[1:]:
                os.unlink(path)
            self._gone("payloads", "payload", sha, size + more)

    def _without(self, path, young=YOUNG):
        # type: (str, float) -> Optional[int]
        """Remove a file unless it is younger, also if it became so a moment ago; its bytes."""
        doubtful = aside(path)
        try:
            facts = os.stat(path)
            if self._dry_run or not is_old(facts, young):
                return facts.st_blocks * BLOCK if is_old(facts, young) else None
            os.rename(path, doubtful)
            if not is_old(os.stat(doubtful), young):
                os.rename(doubtful, path)
                return None
            os.unlink(doubtful)
            return facts.st_blocks * BLOCK
        except FileNotFoundError:
            return None

    def environments(self, keys, without):
        # type: (List[str], Set[str]) -> None
        """Remove environments that no run (but those in without) names and that nobody uses now."""
        needed = {spec.get("environment") for spec in self._specs(without)}
        for key in keys:
            self._exchange.check()
            if key in needed or not key or "/" in key or key.startswith("."):
                self._kept("environment", key, "a run names it")
                continue
            path = os.path.join(self._machine.root, "environments", key)
            lock = try_lock(path + ".lock") if os.path.isdir(path) else None
            if lock is None:
                self._kept("environment", key, "it is in use, or gone")
                continue
            try:
                size = Usage(self._exchange).tree(os.fsencode(path))
                if not self._dry_run:
                    remove_quietly(os.path.join(path, READY))  # first: half removed it is none
                    remove_tree(path)
            finally:
                fcntl.flock(lock, fcntl.LOCK_UN)
                os.close(lock)
            self._gone("environments", "environment", key, size)

    def data(self, keys):
        # type: (List[str]) -> None
        """Remove data of the cache that no run which is not over needs."""
        cache = Cache(self._machine.root)
        for key in keys:
            self._exchange.check()
            try:
                size = removal.remove(self._exchange, self._machine, cache, key, self._dry_run)
            except (OSError, removal.Kept) as problem:
                self._kept("data", key, str(problem))
                continue
            self._gone("data", "data", key, size)
        self.bytes += removal.sweep(cache, self._dry_run, self._exchange.check)

    def blobs(self, without):
        # type: (Set[str]) -> None
        """Remove contents that no manifest (but those in without) names."""
        began = time.time()
        needed = self._named(lambda name, _: name not in without)
        folder = os.path.join(self._machine.root, "blobs")
        doubtful = os.path.join(folder, upload_name(self._machine))  # so named, it is swept once we are dead
        sizes = {}  # type: Dict[str, int]
        try:
            self._put_aside(folder, doubtful, needed, sizes)
            if not self._dry_run and sizes:
                self._put_back(folder, doubtful, self._wanted_since(began, sizes), sizes)
        except BaseException:  # given up: a submit may have been told meanwhile that they are there
            if not self._dry_run and sizes:
                self._put_back(folder, doubtful, list(sizes), sizes)
                remove_tree(doubtful)
            raise
        if os.path.isdir(doubtful):
            remove_tree(doubtful)
        self.counts["blobs"] += len(sizes)
        self.bytes += sum(sizes.values())

    def _put_aside(self, folder, doubtful, needed, sizes):
        # type: (str, str, Set[bytes], Dict[str, int]) -> None
        """Move contents that nothing names out of the way, and note their sizes; a dry run notes only."""
        for sha256, path in self._contents(folder):
            if bytes.fromhex(sha256) in needed:
                continue
            try:
                facts = os.lstat(path)
                if not self._dry_run:
                    os.makedirs(doubtful, 0o700, exist_ok=True)
                    os.rename(path, os.path.join(doubtful, sha256))
            except FileNotFoundError:
                continue
            sizes[sha256] = facts.st_blocks * BLOCK

    def _put_back(self, folder, doubtful, wanted, sizes):
        # type: (str, str, List[str], Dict[str, int]) -> None
        for sha256 in wanted:
            os.rename(os.path.join(doubtful, sha256), os.path.join(folder, sha256[:2], sha256))
            del sizes[sha256]

    def _wanted_since(self, began, sizes):
        # type: (float, Dict[str, int]) -> List[str]
        """Those of the contents put aside that a manifest names which was written or touched meanwhile."""
        # Clocks of machines that share the root differ: whatever is young counts.
        named = self._named(lambda _, facts: facts.st_mtime > began - YOUNG)
        return [sha256 for sha256 in sizes if bytes.fromhex(sha256) in named]

    def _named(self, fits):
        # type: (Callable[[str, os.stat_result], bool]) -> Set[bytes]
        """The contents that manifests name which fit, by snapshot id and facts."""
        found = set()  # type: Set[bytes]
        try:
            names = os.listdir(self._trees)
        except FileNotFoundError:
            return found
        for name in names:
            self._exchange.check()
            path = os.path.join(self._trees, name)
            try:
                if name.endswith(".json") and fits(name[:-5], os.stat(path)):
                    found.update(contents_of(path))
            except FileNotFoundError:
                continue
        return found

    def _contents(self, folder):
        # type: (str) -> Iterator[Any]
        try:
            parts = os.listdir(folder)
        except FileNotFoundError:
            return
        for part in parts:
            if len(part) != 2:
                continue
            self._exchange.check()
            for name in os.listdir(os.path.join(folder, part)):
                if protocol.SHA256.match(name):
                    yield name, os.path.join(folder, part, name)

    def _specs(self, without):
        # type: (Set[str]) -> Iterator[Dict[str, Any]]
        for name in os.listdir(self._machine.runs):
            if protocol.valid_run_id(name) and name not in without:
                self._exchange.check()
                try:
                    yield RunFolder(self._machine, name).read_spec() or {}
                except ValueError:
                    words = "what run %s needs cannot be read" % name
                    raise RequestError("conflict", words, "remove that run first: wb run rm")

    def _gone(self, kind, name, identity, size):
        # type: (str, str, str, int) -> None
        self.counts[kind] += 1
        self.bytes += size
        self.gone.add(identity)
        self._exchange.wait_credit()
        self._exchange.event({"removed": {name: identity, "bytes": size}})

    def _kept(self, name, identity, why):
        # type: (str, str, str) -> None
        self._exchange.wait_credit()
        self._exchange.event({"kept": {name: identity, "why": why[:500]}})


def prune(exchange, machine):
    # type: (Exchange, Machine) -> Dict[str, Any]
    """Params runs, trees, environments, data, payloads (ids), blobs (contents that nothing names), dry_run.

    Events {"removed": {run | tree | environment | data | payload: id, "bytes"}} and {"kept": {...: id,
    "why"}}, then {"bytes", "runs", "trees", "blobs", "environments", "data", "payloads"}: how much and how
    many. What lives, is named by a run, or was asked for lately stays, whoever wants it gone.
    """
    params = exchange.params
    dry_run = params.get("dry_run") is not False
    work = Pruning(exchange, machine, dry_run)
    runs, trees, payloads = ids(params, "runs"), ids(params, "trees"), ids(params, "payloads")
    data = ids(params, "data")
    for run_id in runs:
        if not protocol.valid_run_id(run_id):
            raise RequestError("usage", "%.60r is no run id" % run_id)
    for name in trees + payloads + data:
        if not protocol.SHA256.match(name):
            raise RequestError("usage", "%.80r is no name of a snapshot, data or a payload" % name)
    work.runs(runs)
    work.trees(trees, work.gone)
    work.environments(ids(params, "environments"), work.gone)
    work.data(data)
    work.payloads(payloads)
    if params.get("blobs"):
        work.blobs(work.gone)
    return dict(work.counts, bytes=work.bytes)


def ids(params, name):
    # type: (Dict[str, Any], str) -> List[str]
    """A list of short texts; empty when absent."""
    value = params.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, str) and len(item) < 500 for item in value):
        raise RequestError("usage", "parameter %s must be a list of texts" % name)
    return value


def is_old(facts, young=YOUNG):
    # type: (os.stat_result, float) -> bool
    """Whether a file was neither written nor asked for in so many seconds."""
    return time.time() - facts.st_mtime > young


def contents_of(path):
    # type: (str) -> List[bytes]
    """The contents a manifest names, none for a damaged one: it is sent again when it is wanted."""
    try:
        with open(path, "rb") as file:
            entries = json.loads(file.read(MAX_MANIFEST).decode("ascii"))["entries"]
        return [bytes.fromhex(entry[4]) for entry in entries if entry[1] == FILE]
    except (ValueError, KeyError, TypeError, IndexError):
        return []
