"""One pass over a source tree: what is to be kept, and everything that is left out with the reason."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from workbench.remote.forms.tree_paths import MAX_DEPTH, MAX_PATH
from workbench.snapshots.ignore import RuleFile, verdict
from workbench.snapshots.worktree import AMLIGNORE, GITIGNORE, NEVER_SENT, Rules, directory_rules

_VENV = (b"pyvenv.cfg", b"conda-meta")


class Reason(StrEnum):
    """Why something of a source tree is not in its snapshot."""

    IGNORED = "ignored"
    """By a line of an ignore file; the detail names it."""
    ALWAYS = "always left out"
    """Version control, our own state, virtual environments."""
    UNREADABLE = "unreadable"
    SPECIAL = "special file"
    """A pipe, socket or device."""
    VANISHED = "vanished"
    CHANGING = "kept changing"
    """It was written to each time it was read."""
    TOO_DEEP = "too deep"


class LeftOut(NamedTuple):
    """One thing that is not in the snapshot; a directory ends with "/" and stands for all below it."""

    path: str
    reason: Reason
    detail: str = ""


class Found(NamedTuple):
    """A file or link that is to be kept, by its path relative to the scanned directory."""

    path: bytes
    status: os.stat_result


@dataclass(slots=True)
class Walk:
    """What one pass saw."""

    files: list[Found] = field(default_factory=list)
    links: list[Found] = field(default_factory=list)
    directories: list[bytes] = field(default_factory=list)
    """Those gone into, parents before their children; the scanned one is not among them."""
    left_out: list[LeftOut] = field(default_factory=list)


def text(path: bytes) -> str:
    """A path as the manifest holds it."""
    return path.decode("utf-8", "surrogateescape")


def walk(root: Path, rules: Rules, exclude: Iterable[Path] = ()) -> Walk:
    """Walks root under rules; symbolic links are never followed. exclude: our own folders, left out.

    Raises OSError when root itself cannot be listed.
    """
    out = Walk()
    hidden = {os.fsencode(os.path.abspath(path)) for path in exclude}
    top = os.fsencode(root)
    todo: list[tuple[bytes, tuple[RuleFile, ...]]] = [(b"", rules.files)]
    while todo:
        directory, files = todo.pop()
        place = os.path.join(top, directory) if directory else top
        try:
            with os.scandir(place) as listing:
                entries = list(listing)
        except OSError as problem:
            if not directory:
                raise
            out.left_out.append(_failed(directory + b"/", problem))
            continue
        names = {entry.name for entry in entries}
        if directory:
            if any(mark in names for mark in _VENV) and not _taken_back(directory, files, rules):
                out.left_out.append(LeftOut(text(directory) + "/", Reason.ALWAYS, "a virtual environment"))
                continue
            out.directories.append(directory)
        if AMLIGNORE in names or GITIGNORE in names:
            own = directory_rules(place, _joined(rules.prefix, directory), rules.ignore_case)
            files = (*files, own) if own is not None else files
        below = _sort(out, entries, directory, rules.prefix, files, hidden)
        todo.extend((path, files) for path in below)
    return out


def _joined(prefix: bytes, path: bytes) -> bytes:
    return prefix + b"/" + path if prefix and path else prefix or path


def _sort(
    out: Walk,
    entries: list[os.DirEntry[bytes]],
    directory: bytes,
    prefix: bytes,
    files: tuple[RuleFile, ...],
    hidden: set[bytes],
) -> list[bytes]:
    """Puts the entries of one directory where they belong; returns the directories to go into."""
    start = directory + b"/" if directory else b""
    full = prefix + b"/" + start if prefix else start
    below = []
    for entry in entries:
        name = entry.name
        path = start + name
        try:
            is_dir = entry.is_dir(follow_symlinks=False)
            if name in NEVER_SENT or (hidden and entry.path in hidden):
                out.left_out.append(LeftOut(text(path) + "/" * is_dir, Reason.ALWAYS))
                continue
            rule = verdict(full + name, is_dir, files)
            if rule is not None and not rule.negated:
                told = f"{rule.source}:{rule.line}: {rule.text}"
                out.left_out.append(LeftOut(text(path) + "/" * is_dir, Reason.IGNORED, told))
            elif is_dir:
                below.append(path)
            else:
                _keep(out, entry, path)
        except OSError as problem:
            out.left_out.append(_failed(path, problem))
    return [path for path in below if not _too_deep(out, path)]


def _keep(out: Walk, entry: os.DirEntry[bytes], path: bytes) -> None:
    status = entry.stat(follow_symlinks=False)
    if len(path) > MAX_PATH:
        out.left_out.append(LeftOut(text(path), Reason.TOO_DEEP, f"its path is longer than {MAX_PATH} bytes"))
    elif stat.S_ISREG(status.st_mode):
        out.files.append(Found(path, status))
    elif stat.S_ISLNK(status.st_mode):
        out.links.append(Found(path, status))
    else:
        out.left_out.append(LeftOut(text(path), Reason.SPECIAL, _special(status.st_mode)))


def _too_deep(out: Walk, path: bytes) -> bool:
    if path.count(b"/") + 2 <= MAX_DEPTH:
        return False
    out.left_out.append(LeftOut(text(path) + "/", Reason.TOO_DEEP, f"more than {MAX_DEPTH} directories deep"))
    return True


def _taken_back(directory: bytes, files: tuple[RuleFile, ...], rules: Rules) -> bool:
    rule = verdict(_joined(rules.prefix, directory), True, files)
    return rule is not None and rule.negated


def _special(mode: int) -> str:
    for test, word in ((stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"), (stat.S_ISCHR, "device")):
        if test(mode):
            return word
    return "device"


def _failed(path: bytes, problem: OSError) -> LeftOut:
    if isinstance(problem, FileNotFoundError | NotADirectoryError):
        return LeftOut(text(path), Reason.VANISHED, "it was removed during the scan")
    return LeftOut(text(path), Reason.UNREADABLE, problem.strerror or str(problem))
