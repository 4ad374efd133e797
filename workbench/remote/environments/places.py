"""Where an environment is on a machine, and what is known of it there.

`environments/<key>/` is the environment itself, at the path it is built at and stays at. Beside it, by the
same name: `.lock`, held exclusively by who builds or removes it and shared by runs that use it, for as long
as they live; `.wanted`, held shared by whoever waits for it, so that a builder sees when nobody does;
`.json`, how the last build went; `.log`, what it said. It is ready when `.ready` inside says so: written
last, removed first.
"""

import fcntl
import os
import re
import time
from typing import Any, Dict, List, Optional

from workbench.remote.disk.filelock import open_lock_file
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.runs.runfolder import read_object, write_whole

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,99}\Z")
IMAGE = "image"
BUILT = ("requirements", "project", "conda", IMAGE)
"""Kinds of which something is built at environments/<key>."""
READY = ".ready"
MAX_READY = 4 << 20
BUILDING, IS_READY, FAILED, UNWANTED = "building", "ready", "failed", "unwanted"


class Place(object):
    """One environment of a machine. Raises ValueError for what is no key: only those are part of a path."""

    def __init__(self, machine, key):
        # type: (Machine, str) -> None
        if not isinstance(key, str) or not KEY.match(key):
            raise ValueError("not a key of an environment: %.60r" % (key,))
        self.key = key
        self.folder = os.path.join(machine.root, "environments")
        self.path = os.path.join(self.folder, key)
        self.python = os.path.join(self.path, "bin", "python")
        self.ready = os.path.join(self.path, READY)
        self.lock = self.path + ".lock"
        self.wanted = self.path + ".wanted"
        self.state = self.path + ".json"
        self.log = self.path + ".log"

    def make_folder(self):
        # type: () -> None
        """Make the folder that environments are in. Raises OSError."""
        os.makedirs(self.folder, 0o700, exist_ok=True)

    def read_ready(self):
        # type: () -> Optional[Dict[str, Any]]
        """{"packages": {name: version}, "python", "built", "seconds", "by"}; None while it is not ready."""
        try:
            found = read_object(self.ready, MAX_READY)
        except (OSError, ValueError):  # damaged: it is built anew
            return None
        if found is None or not (IMAGE in found or os.access(self.python, os.X_OK)):
            return None
        return found

    def read_state(self):
        # type: () -> Dict[str, Any]
        """How its last build is or went: {"attempt", "state", "name", "version", "started", "ended"?,
        "problem"?, "offset" (of its log)}; empty when nothing is known."""
        try:
            return read_object(self.state, MAX_READY) or {}
        except (OSError, ValueError):
            return {}

    def write_state(self, value):
        # type: (Dict[str, Any]) -> None
        """Replace it. Raises OSError."""
        write_whole(self.state, protocol.dumps(value), sync=False)

    def used(self):
        # type: () -> None
        """Note that it is used now, by this machine's clock."""
        now = time.time()
        try:
            os.utime(self.lock, (now, now))
        except OSError:
            return  # a disk without room for a time: it looks older than it is, and a lock holds it

    def last_used(self):
        # type: () -> float
        """When a run took it last, seconds since 1970; 0 when that is not known."""
        try:
            return os.stat(self.lock).st_mtime
        except OSError:
            return 0.0


def place_of(machine, spec):
    # type: (Machine, Dict[str, Any]) -> Optional[Place]
    """Where the environment of a run's spec is; None for one that has nothing built by us."""
    build = spec.get("environment_build")
    if not isinstance(build, dict) or build.get("kind") not in BUILT:
        return None
    return Place(machine, str(build.get("key")))


def completed(machine, spec):
    # type: (Machine, Dict[str, Any]) -> Dict[str, Any]
    """The spec with the interpreter of its environment, which only the machine knows where it is."""
    place = place_of(machine, spec)
    if place is not None:
        python = None if spec["environment_build"]["kind"] == IMAGE else place.python
        return dict(spec, python=python, environment=place.key)
    python = spec.get("python")
    if isinstance(python, str) and python.startswith("~"):
        return dict(spec, python=os.path.expanduser(python))
    return spec


def open_hold(place):
    # type: (Place) -> int
    """A descriptor of the lock, not locked yet; whoever inherits it shares the lock. Raises OSError."""
    place.make_folder()
    return open_lock_file(place.lock)


def hold_for(machine, spec):
    # type: (Machine, Dict[str, Any]) -> Optional[int]
    """What a run's supervisor keeps open as long as the run lives; None for one without an environment."""
    place = place_of(machine, spec)
    return None if place is None else open_hold(place)


def waits_for_build(machine, spec):
    # type: (Machine, Dict[str, Any]) -> Optional[str]
    """What a run does while its environment is built; None when it is ready, or there is none."""
    place = place_of(machine, spec)
    if place is None or place.read_ready() is not None:
        return None
    return "building the environment %s" % named(spec["environment_build"])


def named(build):
    # type: (Dict[str, Any]) -> str
    """An environment as one calls it."""
    name = str(build.get("name") or build.get("key"))
    return "%s:%s" % (name, build["version"]) if build.get("version") else name


def share(handle):
    # type: (int) -> bool
    """Lock a descriptor of `open_hold` with others; False while somebody builds or removes."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def let_go(handle):
    # type: (int) -> None
    """Unlock it again."""
    fcntl.flock(handle, fcntl.LOCK_UN)


def check_build(value):
    # type: (Any) -> None
    """Raise ValueError, in words, for what no environment could be built of."""
    if value is None:
        return
    if not isinstance(value, dict):
        raise ValueError("environment_build is no mapping")
    if value.get("kind") not in BUILT:
        return  # another part's: it looks itself
    if not KEY.match(str(value.get("key") or "")):
        raise ValueError("environment_build has no key")
    for name in ("lock", "conda", "lacking", "interpreter", "uv", "name", "index"):
        if not isinstance(value.get(name), (str, type(None))):
            raise ValueError("environment_build: %s is no text" % name)
    indexes = value.get("indexes") or []
    if not isinstance(indexes, list) or not all(isinstance(one, str) for one in indexes):
        raise ValueError("environment_build: indexes is no list of texts")
    wheel_names(value)


def wheel_names(build):
    # type: (Dict[str, Any]) -> List[List[str]]
    """[[sha256, file name]] that were sent for a build; ValueError for names that are no file's."""
    found = build.get("wheels") or []
    if not isinstance(found, list):
        raise ValueError("environment_build: wheels is no list")
    for one in found:
        fits = isinstance(one, list) and len(one) == 2 and all(isinstance(word, str) for word in one)
        if not fits or not protocol.SHA256.match(one[0]) or not WHEEL.match(one[1]):
            raise ValueError("environment_build: no wheel: %.80r" % (one,))
    return found


WHEEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+!-]{0,250}\Z")
