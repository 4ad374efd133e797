"""What a scalar of a job file means where a number, a boolean or any literal is expected. Pure.

YAML 1.2's core rules, so `yes`, `on` and `1:30` stay text, and unlike YAML 1.1 `3e-4` is a number.
"""

from __future__ import annotations

import math
import re

from workbench.runs.yaml_tree import Scalar

Literal = str | int | float | bool

_INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,300}|[0-9]{1,300}(\.[0-9]{0,300})?)([eE][-+]?[0-9]{1,5})?")
_BOOLEANS = {"true": True, "false": False}
_LOOSE_BOOLEANS = _BOOLEANS | {"yes": True, "no": False, "on": True, "off": False}


def integer(text: str) -> int | None:
    """The whole number that text is (`3`, `3.0`, `1e3`), None when it is none."""
    value = number(text)
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else None
    return value


def number(text: str) -> int | float | None:
    """The finite number that text is, None when it is none or no 64 bits hold it (it could not be sent)."""
    if _INTEGER.fullmatch(text):
        whole = int(text)
        return whole if abs(whole) < 2**63 else None
    if _FLOAT.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else None
    return None


def boolean(text: str) -> bool | None:
    """The truth that text is where a boolean is expected; yes, no, on and off count too."""
    return _LOOSE_BOOLEANS.get(text.lower())


def literal(scalar: Scalar) -> Literal:
    """The value of a scalar whose type nobody said: a quoted one is text, a plain one what it looks like."""
    if not scalar.plain:
        return scalar.text
    value = number(scalar.text)
    if value is not None:
        return value
    truth = _BOOLEANS.get(scalar.text.lower())
    return scalar.text if truth is None else truth


def plain_text(value: Literal) -> str:
    """How a value is written in a command when nobody wrote it otherwise."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
