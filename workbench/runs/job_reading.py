"""Reads the tree of a job file by its table of fields; all mistakes are noted, not the first only. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import Any

from workbench.runs import scalars
from workbench.runs.job_data import read_outputs
from workbench.runs.job_environment import read_environment
from workbench.runs.job_fields import JOB_TYPES_NOT_YET, Field, Kind
from workbench.runs.job_inputs import read_inputs
from workbench.runs.job_on_end import read_on_end
from workbench.runs.job_paths import Finder
from workbench.runs.job_processes import read_distribution, read_services, read_size, read_words
from workbench.runs.yaml_tree import Mapping, Node, Place, Problem, Scalar, Sequence

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAX_LINE = 4096


class JobReader:
    """Walks a tree by a Field; `problems` holds what was found wrong, `places` where each field stood.

    finder: looks for the files that are named; None: they stay as they are written.
    """

    def __init__(self, problems: list[Problem], finder: Finder | None = None) -> None:
        self.problems = problems
        self.finder = finder
        self.places: dict[str, Place] = {}

    def complain(self, place: Place, path: str, message: str) -> None:
        """Note one mistake."""
        self.problems.append(Problem(place, path, message))

    def mapping(self, node: Node, about: Field, path: str = "") -> dict[str, Any]:
        """The fields of a mapping that could be read, by dotted path; a null value counts as absent."""
        found: dict[str, Any] = {}
        if not isinstance(node, Mapping):
            if not _null(node):
                self.complain(node.place, path, "must be a mapping of fields")
            return found
        for key, value in node.entries:
            name = f"{path}.{key.text}" if path else key.text
            known = about.fields.get(key.text)
            if known is None:
                place = value.place if value.place.words else key.place
                self.complain(place, name, unknown_field(key.text, about))
                continue
            self.places[name] = value.place
            if known.kind is Kind.MAPPING:
                found.update(self.mapping(value, known, name))
            elif not _null(value) and (read := self.value(value, known, name)) is not None:
                found[name] = read
        return found

    def value(self, node: Node, about: Field, path: str) -> Any:
        """The value of one field, None when it is wrong (and noted) or ignored."""
        if about.kind is Kind.IGNORED:
            return None
        special = _SPECIAL.get(about.kind)
        if special is not None:
            return special(node, path, self)
        if about.kind in (Kind.TAGS, Kind.VARIABLES):
            return self.texts(node, path, about.kind)
        if about.kind is Kind.NAMES:
            return self.lines(node, path, about.kind)
        if about.kind in (Kind.LINES, Kind.PATTERNS):
            whether = scalars.boolean(node.text) if isinstance(node, Scalar) else None
            off_or_on = about.kind is Kind.PATTERNS and whether is not None
            return whether if off_or_on else self.lines(node, path)
        if about.kind is Kind.COMMAND:
            return self.command(node, path)
        if not isinstance(node, Scalar):
            self.complain(node.place, path, f"must be {about.kind.value}")
            return None
        if about.kind in (Kind.TEXT, Kind.LINE):
            return self.text(node, path, one_line=about.kind is Kind.LINE)
        if about.kind is Kind.JOB_TYPE:
            return self._job_type(node, path)
        return self._number(node, about.kind, path)

    def text(self, node: Scalar, path: str, one_line: bool = False) -> str | None:
        """The text of a scalar, checked for what no machine or record takes."""
        if "\0" in node.text or _surrogate(node.text):
            self.complain(node.place, path, "holds a character that cannot be sent")
            return None
        if one_line and ("\n" in node.text or len(node.text) > MAX_LINE or not node.text.strip()):
            self.complain(node.place, path, f"must be one line of 1 to {MAX_LINE} characters")
            return None
        return node.text

    def _number(self, node: Scalar, kind: Kind, path: str) -> int | float | bool | None:
        value: int | float | bool | None
        if kind is Kind.BOOLEAN:
            value = scalars.boolean(node.text)
            fits = value is not None
        elif kind in (Kind.SECONDS, Kind.GRACE):
            value = scalars.number(node.text)
            fits = value is not None and (value > 0 or (kind is Kind.GRACE and value == 0))
            value = float(value) if value is not None else None
        else:
            value = scalars.integer(node.text)
            fits = value is not None and (kind not in (Kind.COUNT, Kind.POSITIVE) or 0 <= value <= 4096)
            fits = fits and (kind is not Kind.POSITIVE or value != 0)
            if kind is Kind.ONE and value is not None and value > 1:
                self.complain(node.place, path, "more than one machine a run is not supported yet; 1 is")
                return None
            fits = fits and (kind is not Kind.ONE or value == 1)
        if not fits:
            self.complain(node.place, path, f"must be {kind.value}, not {shown(node.text)}")
            return None
        return value

    def _job_type(self, node: Scalar, path: str) -> str | None:
        if node.text in JOB_TYPES_NOT_YET:
            self.complain(node.place, path, f"{node.text} jobs are not supported yet; command is")
            return None
        if node.text != "command":
            self.complain(node.place, path, f"must be command, not {shown(node.text)}")
        return node.text

    def command(self, node: Node, path: str) -> list[str] | str | None:
        """What is run: a shell line or script; an exact argv only where a command line said so."""
        if isinstance(node, Sequence) and node.place.words:
            # Several words of a command line are an exact argv; a file has no such form.
            words = [self.text(item, path) for item in node.items if isinstance(item, Scalar)]
            return [word for word in words if word is not None] or None
        if not isinstance(node, Scalar):
            self.complain(node.place, path, "must be text: one line, or several after `command: |`")
            return None
        if not node.text.strip():
            self.complain(node.place, path, "is empty: say what to run")
            return None
        return self.text(node, path)

    def texts(self, node: Node, path: str, kind: Kind = Kind.TAGS) -> dict[str, str | None] | None:
        """Names with a text each, as tags (where it may be absent) or variables have them."""
        if not isinstance(node, Mapping):
            self.complain(node.place, path, f"must be {kind.value}")
            return None
        found: dict[str, str | None] = {}
        for key, value in node.entries:
            name = f"{path}.{key.text}"
            if kind is Kind.VARIABLES and not VARIABLE.fullmatch(key.text):
                self.complain(key.place, name, "is no variable name: letters, digits and _")
            elif not isinstance(value, Scalar):
                self.complain(value.place, name, "must be text")
            elif kind is Kind.TAGS and not key.text.strip():
                self.complain(key.place, name, "a tag needs a name")
            elif self.text(key, name, one_line=True) is not None:
                if value.null:
                    found[key.text] = None if kind is Kind.TAGS else ""
                elif (text := self.text(value, name)) is not None:
                    found[key.text] = text
        return found

    def lines(self, node: Node, path: str, kind: Kind = Kind.LINES) -> list[str] | None:
        """One text or a list of them; for NAMES a list of variables' names."""
        if isinstance(node, Mapping) or (kind is Kind.NAMES and not isinstance(node, Sequence)):
            self.complain(node.place, path, f"must be {kind.value}")
            return None
        items = node.items if isinstance(node, Sequence) else (node,)
        found = []
        for number, item in enumerate(items):
            name = f"{path}[{number}]"
            if not isinstance(item, Scalar):
                self.complain(item.place, name, "must be text")
            elif kind is Kind.NAMES and not VARIABLE.fullmatch(item.text):
                self.complain(item.place, name, f"must be letters, digits and _, not {shown(item.text)}")
            elif (text := self.text(item, name)) is not None:
                found.append(text)
        return found


_SPECIAL: dict[Kind, Callable[[Node, str, JobReader], Any]] = {
    Kind.INPUTS: read_inputs,
    Kind.OUTPUTS: read_outputs,
    Kind.ENVIRONMENT: read_environment,
    Kind.DISTRIBUTION: read_distribution,
    Kind.SERVICES: read_services,
    Kind.SIZE: read_size,
    Kind.WORDS: read_words,
    Kind.ON_END: read_on_end,
}
"""The kinds that are read by a room of their own."""


def unknown_field(name: str, about: Field) -> str:
    """Why a field is refused: known and not yet there, misspelt, or unknown."""
    if name in about.not_yet:
        return about.not_yet[name]
    close = difflib.get_close_matches(name, [*about.fields, *about.not_yet], 1, 0.7)
    if close:
        return f"unknown field, did you mean {close[0]}?"
    return f"unknown field; known are {', '.join(key for key in about.fields if key != '$schema')}"


def shown(text: str) -> str:
    """A user's text inside a sentence: short, on one line, and harmless."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.null


def _surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
