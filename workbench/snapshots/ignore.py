"""Ignore files exactly as git reads them. Pure: over a path, whether it is a directory, and loaded files.

Paths are bytes relative to the work tree's root (or to the scanned directory where there is no work tree),
"/" between names. The last matching line of the nearest file decides, and nothing below an ignored
directory can be taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from workbench.snapshots.wildmatch import compile_glob, literal_length


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of an ignore file."""

    text: str
    """As it was written, for people."""
    line: int
    source: str
    """What its file is called."""
    negated: bool
    directory_only: bool
    whole_path: bool
    """Compared with the path below the file's directory; otherwise with the name alone."""
    matches: Callable[[bytes], bool]


class RuleFile:
    """The rules of one file, those for plain names and suffixes found without trying each."""

    __slots__ = ("_any", "_names", "_suffixes", "base", "rules")

    def __init__(self, rules: Sequence[Rule], base: bytes) -> None:
        self.rules = tuple(rules)
        self.base = base
        """The directory the rules hold below, relative like all paths; b"" for the root."""
        self._names: dict[bytes, list[int]] = {}
        self._suffixes: dict[bytes, list[int]] = {}
        self._any: list[int] = []
        for index, rule in enumerate(self.rules):
            self._slot(rule).append(index)

    def _slot(self, rule: Rule) -> list[int]:
        found = rule.matches
        if isinstance(found, partial) and found.func is _is_name:
            return self._names.setdefault(found.args[0], [])
        if isinstance(found, partial) and found.func is _ends and found.args[0].rfind(b".") == 0:
            return self._suffixes.setdefault(found.args[0], [])
        return self._any

    def verdict(self, path: bytes, name: bytes, is_dir: bool) -> Rule | None:
        """The last rule that matches path (below the base, its last part name), or None."""
        best = -1
        dot = name.rfind(b".")
        suffix = self._suffixes.get(name[dot:], ()) if dot >= 0 else ()
        for index in (*self._names.get(name, ()), *suffix):
            if index > best and (is_dir or not self.rules[index].directory_only):
                best = index
        below = path
        if self.base:
            below = path[len(self.base) + 1 :]
        for index in reversed(self._any):
            if index < best:
                break
            rule = self.rules[index]
            if (is_dir or not rule.directory_only) and rule.matches(below if rule.whole_path else name):
                best = index
                break
        return self.rules[best] if best >= 0 else None


def parse(data: bytes, base: bytes = b"", source: str = "", *, ignore_case: bool = False) -> RuleFile:
    """The rules of an ignore file's bytes; lines that can match nothing are left out.

    base: the file's directory, relative like all paths. source: what to call the file.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    rules = []
    for number, raw in enumerate(data.split(b"\n"), 1):
        if raw.startswith(b"#") or not raw:
            continue
        # The last line gets its newline from git, so its carriage return goes too.
        line = _trim(raw.removesuffix(b"\r").partition(b"\0")[0])
        rule = _rule(line, number, source, ignore_case)
        if rule is not None:
            rules.append(rule)
    return RuleFile(rules, base)


def verdict(path: bytes, is_dir: bool, files: Sequence[RuleFile]) -> Rule | None:
    """The rule that decides on path itself, its parents not asked; None when no rule matches.

    files: weakest first; each must be of a directory above path.
    """
    name = path.rpartition(b"/")[2]
    for file in reversed(files):
        rule = file.verdict(path, name, is_dir)
        if rule is not None:
            return rule
    return None


def is_ignored(path: bytes, is_dir: bool, files: Sequence[RuleFile]) -> bool:
    """Whether git ignores path: by a rule on it, or because a directory above it is ignored.

    files: weakest first, of any directories; those not above path are passed over.
    """
    end = path.find(b"/")
    while True:
        here = path if end < 0 else path[:end]
        fitting = [file for file in files if not file.base or here.startswith(file.base + b"/")]
        rule = verdict(here, is_dir or end >= 0, fitting)
        if rule is not None and not rule.negated:
            return True
        if end < 0:
            return False
        end = path.find(b"/", end + 1)


def ignore_line(path: bytes, is_dir: bool) -> str:
    """The line that drops exactly path when it stands in the root's ignore file.

    A newline, which no line can hold, becomes "?".
    """
    out = bytearray(b"/")
    for byte in path:
        if byte in b"\n\r":
            out += b"?"
        elif byte in b"*?[\\ ":
            out += bytes((0x5C, byte))
        else:
            out.append(byte)
    return (bytes(out) + (b"/" if is_dir else b"")).decode("utf-8", "surrogateescape")


def _trim(line: bytes) -> bytes:
    # Trailing spaces go, unless a backslash keeps them.
    end = len(line)
    position = 0
    last = -1
    while position < end:
        if line[position] == 0x20:
            last = position if last < 0 else last
        else:
            position += line[position] == 0x5C
            if position >= end:
                return line
            last = -1
        position += 1
    return line if last < 0 else line[:last]


def _rule(line: bytes, number: int, source: str, ignore_case: bool) -> Rule | None:
    glob = line
    negated = glob.startswith(b"!")
    if negated:
        glob = glob[1:]
    directory_only = glob.endswith(b"/")
    if directory_only:
        glob = glob[:-1]
    if not glob:
        return None
    whole_path = b"/" in glob
    matches = _matcher(glob.removeprefix(b"/") if whole_path else glob, whole_path, ignore_case)
    if matches is None:
        return None
    text = line.decode("utf-8", "replace")
    return Rule(text, number, source, negated, directory_only, whole_path, matches)


def _matcher(glob: bytes, whole_path: bool, ignore_case: bool) -> Callable[[bytes], bool] | None:
    if not ignore_case:
        if literal_length(glob) == len(glob):
            return partial(_is_name, glob) if not whole_path else glob.__eq__
        if not whole_path and glob.startswith(b"*") and literal_length(glob[1:]) == len(glob) - 1:
            return partial(_ends, glob[1:])
    expression = compile_glob(glob, names_only=not whole_path, ignore_case=ignore_case)
    if expression is None:
        return None
    found = expression.fullmatch
    return lambda text: found(text) is not None


def _is_name(wanted: bytes, name: bytes) -> bool:
    return name == wanted


def _ends(wanted: bytes, name: bytes) -> bool:
    return name.endswith(wanted)
