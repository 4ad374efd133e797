"""Unified diffs as values: which files one is about, and how much it adds and takes away. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # another break within a line is part of what it says


class PatchFile(NamedTuple):
    """One file of a unified diff."""

    path: str
    added: int
    removed: int
    text: str


def patch_files(text: str) -> list[PatchFile]:
    """The files of a diff as `git diff` and `snapshots.diff.unified` write it, in its order.

    What stands before the first file's line is passed over.
    """
    found: list[PatchFile] = []
    lines: list[str] = []
    for line in _LINE.findall(text):
        if line.startswith("diff ") and lines:
            found.append(_file(lines))
            lines = []
        if lines or line.startswith("diff "):
            lines.append(line)
    if lines:
        found.append(_file(lines))
    return found


def _file(lines: list[str]) -> PatchFile:
    """Lines are counted within hunks only: a removed line may begin with "--"."""
    added = removed = 0
    inside = False
    for line in lines:
        if line.startswith("@@"):
            inside = True
        elif inside and line.startswith("+"):
            added += 1
        elif inside and line.startswith("-"):
            removed += 1
    return PatchFile(_path(lines), added, removed, "".join(lines))


def _path(lines: list[str]) -> str:
    """The path by the sides' lines, which say it alone; else by the first line, as far as it is plain."""
    for mark in ("+++ ", "--- "):
        for line in lines[:8]:
            name = line[len(mark) :].rstrip("\r\n").split("\t")[0]
            if line.startswith(mark) and name != "/dev/null":
                return _without_side(name)
    words = lines[0].rstrip("\r\n").removeprefix("diff ").removeprefix("--git ")
    middle = len(words) // 2  # both sides are of one length where the path is the same
    return _without_side(words[middle + 1 :] if words[middle : middle + 1] == " " else words)


def _without_side(name: str) -> str:
    plain = name[1:-1] if len(name) > 1 and name[0] == name[-1] == '"' else name
    return plain[2:] if plain[:2] in ("a/", "b/") else plain
