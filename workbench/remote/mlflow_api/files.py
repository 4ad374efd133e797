"""Where the files of MLflow's artifact addresses lie in a run's outputs/, and moving them there and back.

0/<run>/artifacts/...            outputs/...
0/<child>/artifacts/...          outputs/children/<child>/...
0/models/<model>/artifacts/...   outputs/models/<model>/...
"""

import os
import stat
from typing import Any, BinaryIO, Callable, Dict, Iterable, List, NamedTuple

from workbench.remote.forms.tree_paths import path_problem
from workbench.remote.mlflow_api.wire import BAD, DENIED, NOT_FOUND, Refused

CHILDREN, MODELS = "children", "models"
MOST_LISTED = 50000

# root: relative to the run's folder; below: relative to root, "" is root itself.
Place = NamedTuple("Place", [("root", str), ("below", str)])


def place_of(path, own, is_run, is_model):
    # type: (str, str, Callable[[str], bool], Callable[[str], bool]) -> Place
    """Where the files of an address lie. own: the run's id.

    Raises Refused for what is no address of this run, its children or their models, or leads out of it.
    """
    parts = path.strip("/").split("/")
    if len(parts) >= 4 and parts[1] == MODELS and parts[3] == "artifacts" and is_model(parts[2]):
        root, rest = "outputs/%s/%s" % (MODELS, parts[2]), parts[4:]
    elif len(parts) >= 3 and parts[2] == "artifacts" and is_run(parts[1]):
        root = "outputs" if parts[1] == own else "outputs/%s/%s" % (CHILDREN, parts[1])
        rest = parts[3:]
    else:
        raise Refused(NOT_FOUND, "No such artifact: '%s'" % path[:200])
    return Place(root, checked("/".join(rest)))


def checked(below):
    # type: (str) -> str
    """A path below a run's files, "" for all of them. Raises Refused."""
    below = below.rstrip("/")
    problem = path_problem(below, backslash=False) if below else None
    if problem is None and any(ord(character) < 32 or ord(character) == 127 for character in below):
        problem = "has control characters"
    if problem is not None:
        raise Refused(BAD, "Invalid path: %s" % problem)
    return below


class Files(object):
    """The files of one run, its children and models. directory: the run's folder. Safe from any thread."""

    def __init__(self, directory):
        # type: (str) -> None
        self._directory = directory

    def put(self, place, pieces):
        # type: (Place, Iterable[bytes]) -> str
        """Write a file; it appears whole or not at all. Its path relative to the run's folder.

        Raises Refused for what cannot be a file there, OSError when the disk does not take it.
        """
        if not place.below:
            raise Refused(BAD, "Invalid path: a file needs a name")
        relative = "%s/%s" % (place.root, place.below)
        target = os.path.join(self._directory, relative)
        folder = os.path.dirname(target)
        try:
            os.makedirs(folder, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise Refused(BAD, "Invalid path: a file is where a folder would have to be")
        self._inside(folder, place)
        if os.path.isdir(target):
            raise Refused(BAD, "Invalid path: it is a folder")
        partial = os.path.join(folder, ".%s.partial" % os.urandom(8).hex())
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as opened:
                for piece in pieces:
                    opened.write(piece)
            os.chmod(partial, 0o644)
            os.replace(partial, target)
        except BaseException:
            os.unlink(partial)
            raise
        return relative

    def open(self, place):
        # type: (Place) -> BinaryIO
        """A regular file to read. Raises Refused."""
        path = os.path.join(self._directory, place.root, place.below)
        self._inside(path, place)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            raise self._missing(place)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self._missing(place)
        return os.fdopen(descriptor, "rb")

    def listed(self, place):
        # type: (Place) -> List[Dict[str, Any]]
        """What a folder holds, as MLflow's FileInfo with names only; of a file and of nothing, nothing."""
        folder = os.path.join(self._directory, place.root, place.below)
        self._inside(folder, place)
        hidden = (CHILDREN, MODELS) if place.root == "outputs" and not place.below else ()
        found = []  # type: List[Dict[str, Any]]
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            return []
        for name in names[:MOST_LISTED]:
            full = os.path.join(folder, name)
            if name.endswith(".partial") or (name in hidden and self._ours(full)):
                continue
            try:
                entry = os.stat(full)
                name.encode("utf-8")
            except (OSError, UnicodeEncodeError):
                continue
            if stat.S_ISDIR(entry.st_mode):
                found.append({"path": name, "is_dir": True})
            elif stat.S_ISREG(entry.st_mode):
                found.append({"path": name, "is_dir": False, "file_size": entry.st_size})
        return found

    def delete(self, place):
        # type: (Place) -> None
        """Remove a file. Raises Refused for folders: a run's results are not thrown away by its script."""
        path = os.path.join(self._directory, place.root, place.below)
        self._inside(os.path.dirname(path), place)
        if os.path.isdir(path) and not os.path.islink(path):
            raise Refused(DENIED, "folders of a run's outputs are not deleted from inside the run")
        try:
            os.unlink(path)
        except OSError:
            raise self._missing(place)

    def _ours(self, folder):
        # type: (str) -> bool
        """Whether a folder of outputs/ holds children's or models' files, and nothing of the script's."""
        try:
            return all(name.startswith("m-") or len(name) == 26 for name in os.listdir(folder))
        except OSError:
            return False

    def _inside(self, path, place):
        # type: (str, Place) -> None
        """Raise Refused when links lead out of the run's outputs."""
        outputs = os.path.realpath(os.path.join(self._directory, "outputs"))
        if os.path.commonpath([os.path.realpath(path), outputs]) != outputs:
            raise Refused(BAD, "Invalid path: a link leads out of outputs/")

    def _missing(self, place):
        # type: (Place) -> Refused
        return Refused(NOT_FOUND, "No such artifact: '%s'" % place.below[:200])
