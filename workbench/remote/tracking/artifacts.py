"""Copying a script's files into outputs/ of the run's folder. Loaded with the first file that is kept."""

import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from typing import Any, Iterator, Tuple

MOST_FILES = 10000


def place_in_outputs(name: str) -> str:
    """The relative path, outputs/..., that a file called name gets.

    Raises ValueError for a name that leads elsewhere (absolute, with .. or control characters).
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if parts and parts[0] == "outputs":
        parts = parts[1:]
    if name.startswith("/") or ".." in parts or not parts:
        raise ValueError("%r is no name of a file in outputs/" % name[:200])
    if any(ord(character) < 32 for character in name):
        raise ValueError("%r has control characters" % name[:200])
    return "/".join(["outputs"] + parts)


def keep(directory: str, name: str, source: Any) -> str:
    """Copy source (a path or a binary stream) to outputs/NAME below directory; the copy's relative path.

    A file that lies there already is left as it is. The copy appears whole or not at all.
    Raises OSError when it cannot be copied, ValueError for a bad name or what is no regular file.
    """
    relative = place_in_outputs(name)
    target = os.path.join(directory, relative)
    outputs = os.path.realpath(os.path.join(directory, "outputs"))
    if hasattr(source, "read"):
        _write_whole(target, outputs, source)
        return relative
    if not stat.S_ISREG(os.stat(source).st_mode):
        raise ValueError("%s is not a regular file" % os.fspath(source))
    if os.path.exists(target) and os.path.samefile(source, target):
        return relative
    with open(source, "rb") as opened:
        _write_whole(target, outputs, opened)
    shutil.copymode(source, target)
    return relative


def _write_whole(target: str, outputs: str, source: Any) -> None:
    folder = os.path.dirname(target)
    os.makedirs(folder, exist_ok=True)
    if os.path.commonpath([os.path.realpath(folder), outputs]) != outputs:
        raise ValueError("a link leads out of outputs/")
    descriptor, partial = tempfile.mkstemp(prefix=".", suffix=".partial", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            shutil.copyfileobj(source, opened, 1 << 20)
        os.replace(partial, target)
    except BaseException:
        os.unlink(partial)
        raise


def files_below(path: Any) -> Iterator[Tuple[str, str]]:
    """(path below, path) of the regular files of a folder, at most 10,000; links to folders are not entered.

    Raises ValueError when it is no folder or has more files.
    """
    if not os.path.isdir(path):
        raise ValueError("%s is not a folder" % os.fspath(path))
    count = 0
    for folder, folders, files in os.walk(path):
        folders.sort()
        for file in sorted(files):
            full = os.path.join(folder, file)
            if os.path.isfile(full):
                count += 1
                if count > MOST_FILES:
                    raise ValueError("%s has more than %d files" % (os.fspath(path), MOST_FILES))
                yield os.path.relpath(full, path), full


@contextmanager
def saved_plot(plot: Any) -> Iterator[str]:
    """A file, there for the block, with the picture of a matplotlib figure or its pyplot module."""
    descriptor, path = tempfile.mkstemp(suffix=".png")
    os.close(descriptor)
    try:
        plot.savefig(path)
        yield path
    finally:
        os.unlink(path)
