"""The inputs of a job file: literals, typed or bare, with the text they were written as; data beside them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.runs import scalars
from workbench.runs.job_fields import DATA_TYPES, INPUT_KEYS, INPUT_TYPES
from workbench.runs.scalars import Literal
from workbench.runs.yaml_tree import Mapping, Node, Place, Scalar, Sequence

if TYPE_CHECKING:
    from workbench.runs.job_data import Data
    from workbench.runs.job_reading import JobReader

Complain = Callable[[Place, str, str], None]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
NAME_WORDS = "a letter or _, then letters, digits and _"


@dataclass(frozen=True)
class Input:
    """One input: its value, the text that stands for it in a command, and where that was written."""

    value: Literal
    text: str
    place: Place


def read_inputs(node: Node, path: str, reader: JobReader) -> dict[str, Input | Data] | None:
    """The inputs by name; what is wrong is noted and left out."""
    if not isinstance(node, Mapping):
        reader.complain(node.place, path, "must be a mapping of names to values")
        return None
    found: dict[str, Input | Data] = {}
    for key, value in node.entries:
        name = f"{path}.{key.text}"
        if not NAME.fullmatch(key.text):
            reader.complain(key.place, name, f"is no name for an input: {NAME_WORDS}")
        elif isinstance(value, Sequence):
            reader.complain(value.place, name, "must be text, a number, a boolean or data, not a list")
        elif (
            read := _mapped(value, name, reader) if isinstance(value, Mapping) else _bare(value, name, reader)
        ):
            found[key.text] = read
    return found


def _mapped(value: Mapping, name: str, reader: JobReader) -> Input | Data | None:
    from workbench.runs.job_data import typed_data

    kind = value.get("type")
    if value.get("path") is not None or (isinstance(kind, Scalar) and kind.text in DATA_TYPES):
        return typed_data(value, name, reader)
    return _typed(value, name, reader.complain)


def _bare(value: Scalar, name: str, reader: JobReader) -> Input | Data | None:
    from workbench.runs.job_data import bare_data
    from workbench.runs.job_paths import is_address

    if value.null:
        reader.complain(value.place, name, "has no value")
        return None
    if _unsendable(value.text):
        reader.complain(value.place, name, "holds a character that cannot be sent")
        return None
    literal = scalars.literal(value)
    if isinstance(literal, str):
        data = bare_data(value, name, reader)
        if data is not None or is_address(value.text):
            return data
    return Input(literal, value.text, value.place)


def _typed(value: Mapping, name: str, complain: Complain) -> Input | None:
    kind = value.get("type")
    word = kind.text if isinstance(kind, Scalar) else None
    if kind is not None and word not in INPUT_TYPES:
        known = ", ".join((*INPUT_TYPES, *DATA_TYPES))
        complain(value.place, f"{name}.type", f"must be one of {known}")
        return None
    for key, _ in value.entries:
        if key.text not in INPUT_KEYS:
            complain(key.place, f"{name}.{key.text}", f"unknown field; known are {', '.join(INPUT_KEYS)}")
    default = value.get("default")
    if not isinstance(default, Scalar) or default.null:
        complain(value.place, name, "has no value: give it a default")
        return None
    if _unsendable(default.text):
        complain(default.place, name, "holds a character that cannot be sent")
        return None
    read = _convert(default, word)
    if read is None:
        complain(default.place, name, f"must be of type {word}, not {default.text[:60]!r}")
        return None
    _check_bounds(value, read, default, name, complain)
    return Input(read, default.text, default.place)


def _convert(scalar: Scalar, kind: str | None) -> Literal | None:
    if kind == "string":
        return scalar.text
    if kind == "integer":
        return scalars.integer(scalar.text)
    if kind == "number":
        value = scalars.number(scalar.text)
        return None if value is None else float(value)
    if kind == "boolean":
        return scalars.boolean(scalar.text)
    return scalars.literal(scalar)


def _check_bounds(value: Mapping, read: Literal, default: Scalar, name: str, complain: Complain) -> None:
    for key, beyond in (("min", -1), ("max", 1)):
        node = value.get(key)
        if node is None:
            continue
        bound = scalars.number(node.text) if isinstance(node, Scalar) else None
        if bound is None:
            complain(node.place, f"{name}.{key}", "must be a number")
        elif isinstance(read, str | bool) or (read - bound) * beyond > 0:
            complain(default.place, name, f"must be a number, {key} {bound}")
    choices = value.get("enum")
    if isinstance(choices, Sequence):
        allowed = [item.text for item in choices.items if isinstance(item, Scalar)]
        if default.text not in allowed:
            complain(default.place, name, f"must be one of {', '.join(allowed)[:200]}")
    elif choices is not None:
        complain(choices.place, f"{name}.enum", "must be a list of values")


def _unsendable(text: str) -> bool:
    return any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)
