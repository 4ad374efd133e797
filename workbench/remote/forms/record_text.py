"""From Python values to the JSON text of a record. Pure, and without the json module: importing it costs
more than a script should pay for tracking."""

from workbench.remote.forms.record_form import MAX_NAME, MAX_VALUE, encode_number

try:
    from _json import encode_basestring_ascii as _encode
except ImportError:  # an interpreter without the C accelerator
    from json.encoder import encode_basestring_ascii as _encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional, Tuple

SMALL_INT = 1 << 62
"""Whole numbers below it (either sign) are written as they are without a closer look; steps end there."""


def quote(text: str) -> str:
    """A text as JSON, quotes and all, in ASCII only.

    A lone surrogate (from an undecodable file name) becomes its escape, spelt out: no reader that keeps to
    the standard takes it as it is.
    """
    quoted = _encode(text)
    if "\\ud" in quoted:
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return _encode(text.encode("utf-8", "backslashreplace").decode("utf-8"))
    return quoted


def number(value: float) -> str:
    """A float as JSON: its shortest exact text, or "nan", "inf", "-inf" in quotes."""
    encoded = encode_number(value)
    return float.__repr__(value) if encoded is value else '"%s"' % encoded


def plain(value: "Any") -> "Tuple[Any, Optional[str]]":
    """A value as one of int, float, bool, str, None, and a complaint when that took a repr (AZ-98).

    Whatever has an `item()` (a numpy scalar, a tensor of one element) gives its Python value. A whole
    number no float can hold becomes text.
    """
    kind = type(value)
    if value is None or kind is bool or kind is float or kind is str:
        return value, None
    try:
        if isinstance(value, str):
            return str.__str__(value), None
        if isinstance(value, int):
            return _whole(int(value))
        item = getattr(value, "item", None)
        if callable(item):
            inner = item()
            if type(inner) is not kind:
                return plain(inner)
        if isinstance(value, float):
            return float(value), None
    except Exception:  # noqa: S110 - the value's own code may raise anything; its repr is recorded below
        pass
    return printed(value), "a value of type %s was recorded as its repr" % kind.__name__


def _whole(value: int) -> "Tuple[Any, Optional[str]]":
    if -SMALL_INT < value < SMALL_INT:
        return value, None
    try:
        float(value)
    except OverflowError:
        # In base 16: decimal digits of an enormous number take forever, newer interpreters refuse them.
        if value.bit_length() > 4 * MAX_VALUE:
            sign = "-" if value < 0 else ""
            return "%sint of %d bits" % (sign, value.bit_length()), "a whole number is beyond any float"
        return hex(value), "a whole number is beyond any float and was recorded as text"
    return value, None


def printed(value: "Any") -> str:
    """repr() of anything at all; a repr that raises is replaced by the type's name."""
    try:
        return str.__str__(repr(value))
    except Exception:  # the value's own code may raise anything
        return "<unprintable %s>" % type(value).__name__


def shorten(text: str, limit: int = MAX_VALUE) -> str:
    """The text cut to limit characters, the last one then an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "\u2026"


def cell(value: "Any") -> str:
    """A value that `plain` gave, as JSON text; text is cut to MAX_VALUE."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, int):
        return int.__repr__(value)
    return quote(shorten(value))


def metric_field(value: "Any") -> str:
    """The part of a metric record that holds a value `plain` gave: "v" for numbers, "text" for the rest."""
    if value is None or isinstance(value, str):
        return '"text":' + cell(value)
    return '"v":' + cell(value)


def name_text(name: "Any") -> "Tuple[str, Optional[str]]":
    """A usable name (not empty, at most MAX_NAME characters), and a complaint when it had to be made one."""
    if type(name) is not str:
        if isinstance(name, str):
            name = str.__str__(name)
        elif name is None:
            return "unnamed", "a name is missing"
        else:
            text, _ = plain(name)
            text = text if isinstance(text, str) else cell(text)
            return shorten(text, MAX_NAME) or "unnamed", "a name must be text, not %s" % type(name).__name__
    if not name:
        return "unnamed", "a name is missing"
    if len(name) > MAX_NAME:
        return shorten(name, MAX_NAME), "a name is longer than %d characters and was cut" % MAX_NAME
    return name, None


def flat_text(value: "Any") -> "Optional[str]":
    """A param's or tag's value as text: str() of it; None stays None (a bare tag)."""
    simple, complaint = plain(value)
    if simple is None or isinstance(simple, str) and complaint is None:
        return simple if simple is None else shorten(simple)
    if complaint is None:
        return shorten(str(simple))
    try:
        return shorten(str.__str__(str(value)))
    except Exception:  # the value's own code may raise anything
        return shorten(printed(value))


def is_list(value: "Any") -> bool:
    """Whether it is many values where one is wanted: a list, range, set, array of several, or an iterator."""
    if isinstance(value, (list, tuple, range, set, frozenset)) or hasattr(value, "__next__"):
        return True
    if isinstance(value, (str, bytes, dict)) or not hasattr(value, "tolist"):
        return False
    return bool(getattr(value, "ndim", 1)) and getattr(value, "size", 2) != 1


def listed(values: "Any", limit: int) -> "Tuple[List[Any], bool]":
    """The first `limit` elements of a list, range, set or array, and whether there were more.

    An iterator is one value, itself: reading it would take its values away from the script.
    Raises TypeError for what holds no values.
    """
    if hasattr(values, "__next__"):
        return [values], False
    if hasattr(values, "tolist") and not isinstance(values, (list, tuple)):
        values = values[: limit + 1].tolist()
    if isinstance(values, (str, bytes, dict)) or not hasattr(values, "__len__"):
        raise TypeError("a list of values is wanted, not %s" % type(values).__name__)
    found: "List[Any]" = []
    for value in values:
        if len(found) == limit:
            return found, True
        found.append(value)
    return found, False


def pairs(values: "Any") -> "List[Tuple[Any, Any]]":
    """The (name, value) pairs of a mapping, or of an object that carries them as attributes (argparse).

    Raises TypeError for what has none.
    """
    if not hasattr(values, "keys"):
        values = vars(values)
    return [(name, values[name]) for name in values.keys()]
