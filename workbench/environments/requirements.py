"""Requirements files: what they say of packages, with what they include, or what cannot be kept. Pure.

A requirements file can name anything pip can reach. What is kept are packages of an index, and files at https
addresses: what stands for a folder of this machine, for whatever a repository holds tomorrow, or for a
password is refused, by its line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import NamedTuple

from workbench.environments import requirement_lines as lines
from workbench.environments.requirement_lines import Bad
from workbench.errors import ConfigurationError
from workbench.text.sanitize import clean_name

Include = Callable[[str], str]
"""The text of an included file, by its path from the first file's folder; raises OSError, ValueError."""
MOST_BYTES = 1_000_000
MOST_FILES = 20
MOST_PROBLEMS = 50


class Requirements(NamedTuple):
    """What a requirements file asks for, without its options."""

    lines: list[str]
    """A requirement each: name, extras, versions, marker, --hash options."""
    constraints: list[str]
    """Versions that packages have if they are there."""
    index_url: str | None
    """The index in place of the public one."""
    indexes: list[str]
    """Indexes beside it; the first is asked first."""
    prerelease: bool

    @property
    def text(self) -> str:
        """The requirements as a file of their own."""
        return "".join(line + "\n" for line in self.lines)

    @property
    def constraints_text(self) -> str | None:
        """The constraints as a file of their own; None where there are none."""
        return "".join(line + "\n" for line in self.constraints) or None

    @property
    def locked(self) -> bool:
        """Whether each names one version and its hashes, so that there is nothing to resolve."""
        return bool(self.lines) and all(lines.is_exact(line) for line in self.lines)


def read(text: str, name: str = "requirements.txt", include: Include | None = None) -> Requirements:
    """What a file of that name says, with the files it includes.

    Raises ConfigurationError, whose data["problems"] lists each line that cannot be kept, and why.
    """
    reader = _Reader(include)
    reader.file(text, name, constraint=False)
    if reader.problems:
        first = reader.problems[0]
        more = len(reader.problems) - 1
        raise ConfigurationError(
            f"{first}" + (f", and {more} more" if more else ""),
            reader.hint,
            problems=reader.problems[:MOST_PROBLEMS],
        )
    return Requirements(
        list(dict.fromkeys(reader.lines)),
        list(dict.fromkeys(reader.constraints)),
        reader.index,
        list(dict.fromkeys(reader.indexes)),
        reader.prerelease,
    )


class _Reader:
    """One reading of a file and of those it includes."""

    def __init__(self, include: Include | None) -> None:
        self._include = include
        self._open: list[str] = []
        self._files = 0
        self.lines: list[str] = []
        self.constraints: list[str] = []
        self.index: str | None = None
        self.indexes: list[str] = []
        self.prerelease = False
        self.problems: list[str] = []
        self.hint = ""

    def file(self, text: str, name: str, *, constraint: bool) -> None:
        """Read one file; what is wrong is noted with its line."""
        self._open.append(name)
        self._files += 1
        for number, line in logical_lines(text):
            try:
                self._line(line, name, constraint)
            except Bad as problem:
                self.problems.append(f"{clean_name(name, 200)}:{number}: {problem.words}")
                self.hint = self.hint or problem.hint
        self._open.pop()

    def _line(self, line: str, name: str, constraint: bool) -> None:
        if not line.startswith("-"):
            (self.constraints if constraint else self.lines).append(lines.requirement(line))
            return
        option, value = _option(line)
        if option in ("-r", "--requirement", "-c", "--constraint"):
            self._included(value, name, constraint or option in ("-c", "--constraint"))
        elif option in ("-i", "--index-url", "--pypi-url"):
            self.index = lines.index(value)
        elif option == "--extra-index-url":
            self.indexes.append(lines.index(value))
        elif option == "--pre":
            self.prerelease = True
        elif option not in lines.HARMLESS:
            raise lines.refused_option(option, value)

    def _included(self, value: str, name: str, constraint: bool) -> None:
        if "://" in value:
            raise Bad("a file at an address may be another tomorrow", "save it beside this one")
        if not value or "\0" in value or value.startswith(("/", "~")):
            raise Bad(
                f"{clean_name(value, 80)!r} is no path from this file", "name it from this file's folder"
            )
        path = _joined(str(PurePosixPath(name).parent), value)
        if path in self._open:
            raise Bad(f"{clean_name(value, 80)} includes itself", "")
        if self._files >= MOST_FILES:
            raise Bad(f"more than {MOST_FILES} files are included", "")
        if self._include is None:
            raise Bad(f"{clean_name(value, 80)} is not here to be included", "write its lines into this file")
        try:
            text = self._include(path)
        except (OSError, ValueError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else str(problem)
            raise Bad(f"{clean_name(value, 80)} cannot be read: {reason}", "") from problem
        self.file(text, path, constraint=constraint)


def logical_lines(text: str) -> list[tuple[int, str]]:
    """Lines with the number of their first, without comments and what is empty; ends with "\\" are joined."""
    found: list[tuple[int, str]] = []
    pending, start = "", 0
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        comment = raw.lstrip().startswith("#")
        line = "" if comment else raw
        start = start or number
        if line.endswith("\\") and not comment:
            pending += line[:-1] + " "
            continue
        whole = re.split(r"(?:^|\s)#", pending + line, maxsplit=1)[0].strip()
        if whole:
            found.append((start, " ".join(whole.split())))
        pending, start = "", 0
    if pending.strip():
        found.append((start, " ".join(pending.split())))
    return found


def _option(line: str) -> tuple[str, str]:
    match = re.match(r"(--[A-Za-z-]+|-[A-Za-z])(?:\s*=\s*|\s*)(.*)\Z", line)
    if match is None:
        raise Bad(f"{clean_name(line, 80)!r} is no option", "")
    value = match[2]
    if value[:1] in "'\"":
        try:
            words = shlex.split(value)
        except ValueError as problem:
            raise Bad(f"{clean_name(line, 80)!r} has a quote without an end", "") from problem
        value = " ".join(words)
    return match[1], value


def _joined(folder: str, path: str) -> str:
    parts: list[str] = []
    for part in [*PurePosixPath(folder).parts, *PurePosixPath(path).parts]:
        if part == ".." and parts and parts[-1] not in ("..", "/"):
            parts.pop()
        elif part != ".":
            parts.append(part)
    return str(PurePosixPath(*parts)) if parts else "."
