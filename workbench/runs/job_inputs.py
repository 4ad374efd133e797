"""The inputs of a job file: literals, typed or bare, with the text they were written as. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from workbench.runs import scalars
from workbench.runs.job_fields import DATA_TYPES, INPUT_KEYS, INPUT_TYPES
from workbench.runs.scalars import Literal
from workbench.runs.yaml_lines import Mapping, Node, Place, Scalar, Sequence

Complain = Callable[[Place, str, str], None]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_ADDRESS = re.compile(r"(azureml|https?|wasbs?|abfss?|adl|s3|gs|hdfs|ftp)(://|:)\S", re.IGNORECASE)
_DATA = (
    "data inputs are not supported yet: numbers, booleans and text are;"
    " to hand a path or address to the command as text, write {type: string, default: ...}"
)


@dataclass(frozen=True)
class Input:
    """One input: its value, the text that stands for it in a command, and where that was written."""

    value: Literal
    text: str
    place: Place


def read_inputs(node: Node, path: str, complain: Complain) -> dict[str, Input] | None:
    """The inputs by name; what is wrong is told to complain and left out."""
    if not isinstance(node, Mapping):
        complain(node.place, path, "must be a mapping of names to values")
        return None
    found = {}
    for key, value in node.entries:
        name = f"{path}.{key.text}"
        if not _NAME.fullmatch(key.text):
            complain(key.place, name, "is no name for an input: a letter or _, then letters, digits and _")
        elif isinstance(value, Sequence):
            complain(value.place, name, "must be text, a number or a boolean, not a list")
        elif isinstance(value, Mapping):
            typed = _typed(value, name, complain)
            if typed is not None:
                found[key.text] = typed
        else:
            bare = _bare(value, name, complain)
            if bare is not None:
                found[key.text] = bare
    return found


def _bare(value: Scalar, name: str, complain: Complain) -> Input | None:
    if value.null:
        complain(value.place, name, "has no value")
    elif _ADDRESS.match(value.text):
        complain(value.place, name, _DATA)
    elif _unsendable(value.text):
        complain(value.place, name, "holds a character that cannot be sent")
    else:
        return Input(scalars.literal(value), value.text, value.place)
    return None


def _typed(value: Mapping, name: str, complain: Complain) -> Input | None:
    kind = value.get("type")
    word = kind.text if isinstance(kind, Scalar) else None
    if word in DATA_TYPES or value.get("path") is not None:
        complain(value.place, name, _DATA)
        return None
    if word is not None and word not in INPUT_TYPES:
        complain(value.place, f"{name}.type", f"must be one of {', '.join(INPUT_TYPES)}")
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
