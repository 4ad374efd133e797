"""Where a user's path leads on this machine, and what is too dear to be deleted or moved.

Paths are bytes here: names that are no UTF-8, or none that Python's own encoding knows, stay what they are.
"""

import os
import stat
from typing import Any, Dict, List, Set, Tuple

from workbench.remote.forms.tree_paths import MAX_PART, MAX_PATH, encode
from workbench.remote.machine import Machine
from workbench.remote.wire import parameters
from workbench.remote.wire.problems import RequestError

Identity = Tuple[int, int]  # device and inode of a folder

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
OURS = "wb compute prune NAME --dry-run shows what of it may go"


def place(params, name="path"):
    # type: (Dict[str, Any], str) -> bytes
    """The absolute path that a parameter means: ~ is the home, and so is where a relative one begins."""
    raw = os.path.expanduser(encode(parameters.text(params, name)))
    whole = os.path.normpath(os.path.join(os.path.expanduser(b"~"), raw))
    if len(whole) > MAX_PATH:
        raise RequestError("usage", "parameter %s is longer than a path may be" % name)
    return b"/" + whole.lstrip(b"/")


def part(name):
    # type: (Any) -> bytes
    """One name of a folder's; raises RequestError for what would lead elsewhere."""
    raw = encode(name) if isinstance(name, str) else b""
    if not raw or raw in (b".", b"..") or b"/" in raw or b"\0" in raw or len(raw) > MAX_PART:
        raise RequestError("usage", "%.80r is no name of a file" % (name,))
    return raw


def shown(path):
    # type: (bytes) -> str
    """A path as it travels; `tree_paths.encode` is the way back."""
    return path.decode("utf-8", "surrogateescape")


def identity(facts):
    # type: (os.stat_result) -> Identity
    """What tells a folder from every other, whatever path leads to it."""
    return (facts.st_dev, facts.st_ino)


class Guarded(object):
    """What is never deleted, moved or put in another's place: /, the home, our root, and all above them."""

    def __init__(self, machine):
        # type: (Machine) -> None
        self._dear = set()  # type: Set[Identity]
        home, root = os.path.expanduser("~"), machine.root
        for path in above(home) + above(root) + above(machine.lease_dir):
            try:
                self._dear.add(identity(os.stat(path)))
            except OSError:  # it cannot be looked at, so it cannot be removed either
                continue
        self._root = identity(os.stat(root))
        self._runs = identity(os.stat(machine.runs))

    def check(self, path):
        # type: (bytes) -> os.stat_result
        """What there is at a path that is to go; raises RequestError where it may not, FileNotFoundError."""
        facts = os.lstat(path)
        if stat.S_ISDIR(facts.st_mode):
            self.check_folder(facts, path)
        inside = identity(os.stat(os.path.dirname(path)))
        if inside == self._root:
            raise RequestError("refused", "%s is the workbench's own" % shown(path), OURS)
        if inside == self._runs:
            raise RequestError("refused", "%s is a run" % shown(path), OURS)
        return facts

    def check_folder(self, facts, path):
        # type: (os.stat_result, bytes) -> None
        """Raise RequestError for a folder that stays, wherever it was met."""
        if identity(facts) in self._dear:
            what = "%s is the home, the workbench's folder, or above one of them" % shown(path)
            raise RequestError("refused", what, "name what is to go more closely")


def above(path):
    # type: (str) -> List[str]
    """A path and everything it lies in, as the file system has them."""
    real = os.path.realpath(path)
    found = [real]
    while real != "/":
        real = os.path.dirname(real)
        found.append(real)
    return found
