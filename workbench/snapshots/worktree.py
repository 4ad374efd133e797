"""Which ignore files hold for a directory: its git work tree's, the user's own, and our built-in ones."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.snapshots.gitcommand import run_git
from workbench.snapshots.ignore import RuleFile, parse

AMLIGNORE = b".amlignore"
GITIGNORE = b".gitignore"
MOST = 16 << 20
"""Bytes of an ignore file that are read."""

NEVER_SENT = frozenset((b".git", b".hg", b".svn", b".bzr", b".workbench"))
"""Names that no rule brings back: version control, and our own state."""

# What can be made again from what is sent. The weakest rules of all: `!node_modules/` takes one back.
BUILT_IN = b"""\
.venv/
__pycache__/
.ipynb_checkpoints/
.mypy_cache/
.ruff_cache/
.pytest_cache/
.hypothesis/
.tox/
.nox/
node_modules/
.DS_Store
"""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that hold at a scanned directory before its own ignore file is read."""

    prefix: bytes
    """The directory's path below the work tree's root; b"" at the root or outside of any."""
    files: tuple[RuleFile, ...]
    """Weakest first."""
    ignore_case: bool


def standing_rules(root: Path, environ: Mapping[str, str] | None = None) -> Rules:
    """The rules for root that come from outside of it, as git would read them.

    In order of strength: ours, the user's (core.excludesFile, else git/ignore of the settings folder),
    .git/info/exclude, and the ignore files from the work tree's root down to above root.
    """
    environ = os.environ if environ is None else environ
    built_in = parse(BUILT_IN, source="built-in")
    found = find_work_tree(root)
    if found is None:
        return Rules(b"", (built_in,), False)
    top, git_dir = found
    personal, ignore_case = _configuration(top, environ)
    files = [built_in]
    for place in (personal, git_dir / "info" / "exclude"):
        data = read_rules(os.fsencode(place)) if place is not None else None
        if data is not None:
            files.append(parse(data, source=str(place), ignore_case=ignore_case))
    prefix = os.fsencode(root.relative_to(top)) if root != top else b""
    names = prefix.split(b"/") if prefix else []
    for depth in range(len(names)):
        base = b"/".join(names[:depth])
        own = directory_rules(os.path.join(os.fsencode(top), base), base, ignore_case)
        if own is not None:
            files.append(own)
    return Rules(prefix, tuple(files), ignore_case)


def directory_rules(directory: bytes, base: bytes, ignore_case: bool = False) -> RuleFile | None:
    """The ignore file of one directory: .amlignore, else .gitignore; None without either.

    base: the directory relative to the work tree's root.
    """
    for name in (AMLIGNORE, GITIGNORE):
        # Git does not follow a .gitignore that is a link; an .amlignore is ours to follow.
        data = read_rules(os.path.join(directory, name), follow=name == AMLIGNORE)
        if data is not None:
            source = base + b"/" + name if base else name
            return parse(data, base, source.decode("utf-8", "replace"), ignore_case=ignore_case)
    return None


def read_rules(path: bytes, *, follow: bool = True) -> bytes | None:
    """The bytes of an ignore file; None when it is absent, no ordinary file, too large, or unreadable."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        handle = os.open(path, flags)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        data = file.read(MOST + 1)
    return data if len(data) <= MOST else None


def find_work_tree(directory: Path) -> tuple[Path, Path] | None:
    """The root of the git work tree that directory is in, and the git directory with its info/; or None."""
    for top in (directory, *directory.parents):
        git = top / ".git"
        if git.is_dir():
            if (git / "HEAD").exists() or (git / "HEAD").is_symlink():
                return top, _common(git)
        elif git.is_file():
            linked = _linked(git)
            if linked is not None:
                return top, _common(linked)
    return None


def _linked(file: Path) -> Path | None:
    # A linked work tree or a submodule: `.git` is a file that names the real directory.
    try:
        with file.open("rb") as opened:
            first = opened.read(8192)
    except OSError:
        return None
    if not first.startswith(b"gitdir: "):
        return None
    git = file.parent / os.fsdecode(first.removeprefix(b"gitdir: ").rstrip(b"\r\n"))
    return git if git.is_dir() else None


def _common(git: Path) -> Path:
    try:
        with (git / "commondir").open("rb") as file:
            return git / os.fsdecode(file.read(8192).rstrip(b"\r\n"))
    except OSError:
        return git


def _configuration(top: Path, environ: Mapping[str, str]) -> tuple[Path | None, bool]:
    answer = run_git(
        top, "config", "-z", "--get-regexp", r"^core\.(excludesfile|ignorecase)$", environ=environ
    )
    values: dict[bytes, bytes] = {}
    for item in answer.out.split(b"\0") if answer else ():
        name, has_value, value = item.partition(b"\n")
        values[name] = value if has_value else b"true"
    ignore_case = values.get(b"core.ignorecase", b"").lower() in (b"true", b"yes", b"on", b"1")
    chosen = values.get(b"core.excludesfile")
    home = environ.get("HOME")
    if chosen is not None:
        if not chosen:
            return None, ignore_case
        if chosen.startswith(b"~/") and home:
            return Path(home, os.fsdecode(chosen[2:])), ignore_case
        return top / Path(os.fsdecode(os.path.expanduser(chosen))), ignore_case
    settings = environ.get("XDG_CONFIG_HOME")
    if settings:
        return Path(settings) / "git" / "ignore", ignore_case
    return (Path(home) / ".config" / "git" / "ignore" if home else None), ignore_case
