"""Texts as values: which type a column has, and what a text means in it. Pure."""

import re
from datetime import datetime, timedelta
from typing import Any, Callable, Dict, Iterable, List, Optional

LOOKED_AT = 200  # rows by which types are inferred, as elsewhere
INT64 = 1 << 63
_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z|[+-]?(?:nan|inf|infinity)\Z", re.I
)
_TIME = re.compile(
    r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})"
    r"(?:[T ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?)?"
    r"\s*(Z|[+-][0-9]{2}:?[0-9]{2})?\Z"
)
BOOLEANS = {"true": True, "false": False}


class BadValue(ValueError):
    """A text that is no value of its column's type."""


def integer(text: str) -> int:
    """A whole number that a column of 64 bits holds."""
    if not _INTEGER.match(text):
        raise BadValue(text)
    value = int(text)
    if not -INT64 <= value < INT64:
        raise BadValue(text)
    return value


def whole(text: str) -> int:
    """As integer, also with zeros in front or a fraction of zeros: for a column that was said to be one."""
    text = (
        text.partition(".")[0]
        if text.strip("0123456789+-") == "." and not text.partition(".")[2].strip("0")
        else text
    )
    return integer(re.sub(r"\A([+-]?)0+(?=[0-9])", r"\1", text))


def number(text: str) -> float:
    """A number."""
    if not _FLOAT.match(text):
        raise BadValue(text)
    return float(text)


def boolean(text: str) -> bool:
    """true or false, however it is written."""
    found = BOOLEANS.get(text.lower())
    if found is None:
        raise BadValue(text)
    return found


def moment(text: str) -> datetime:
    """A date, or a date and a time; of one with an offset the time in UTC."""
    match = _TIME.match(text)
    if match is None:
        raise BadValue(text)
    year, month, day, hour, minute, second, part, offset = match.groups()
    try:
        found = datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((part or "0")[:6].ljust(6, "0")),
        )
        if offset and offset != "Z":
            digits = offset[1:].replace(":", "")
            shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
            found = found - shift if offset[0] == "+" else found + shift
    except (ValueError, OverflowError):
        raise BadValue(text)
    return found


def text_of(text: str) -> str:
    """A text as it is."""
    return text


# What most texts look like, told by one match: the readers above are for the rest.
_FEW_DIGITS = re.compile(r"-?[0-9]{1,18}\Z").match
_PLAIN_FLOAT = re.compile(r"-?[0-9]+\.[0-9]+\Z").match
_PLAIN_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ](?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2})?\Z").match
_from_iso: Optional[Callable[[str], datetime]] = getattr(datetime, "fromisoformat", None)  # Python 3.7
_PLAIN_BOOLEANS = {"true": True, "false": False, "True": True, "False": False}


def quick_integer(text: str) -> Optional[int]:
    """A text of a column of whole numbers, spaces around it or none at all; raises BadValue."""
    if _FEW_DIGITS(text):
        return int(text)
    text = text.strip()
    return whole(text) if text else None


def quick_float(text: str) -> Optional[float]:
    """The same of numbers."""
    if _PLAIN_FLOAT(text):
        return float(text)
    text = text.strip()
    return number(text) if text else None


def quick_boolean(text: str) -> Optional[bool]:
    """The same of booleans."""
    found = _PLAIN_BOOLEANS.get(text)
    if found is not None:
        return found
    text = text.strip()
    return boolean(text) if text else None


def quick_moment(text: str) -> Optional[datetime]:
    """The same of times."""
    if _from_iso is not None and _PLAIN_TIME(text):
        try:
            return _from_iso(text)
        except ValueError:
            raise BadValue(text)
    text = text.strip()
    return moment(text) if text else None


def text_or_none(text: str) -> Optional[str]:
    """A text; nothing where it is empty."""
    return text or None


QUICK: Dict[str, Callable[[str], Any]] = {
    "integer": quick_integer,
    "float": quick_float,
    "boolean": quick_boolean,
    "datetime": quick_moment,
    "text": text_or_none,
}
READERS: Dict[str, Callable[[str], Any]] = {
    "integer": whole,
    "float": number,
    "boolean": boolean,
    "datetime": moment,
    "text": text_of,
}
_INFERRED = (("integer", integer), ("float", number), ("boolean", boolean), ("datetime", moment))


def inferred(texts: Iterable[Optional[str]]) -> str:
    """The type of a column by some of its texts; text where they are of none, or all empty.

    Numbers with zeros in front stay texts: they are codes, and would lose them.
    """
    kinds = list(_INFERRED)
    some = False
    for raw in texts:
        text = (raw or "").strip()
        if not text:
            continue
        some = True
        kinds = [(name, read) for name, read in kinds if _reads(read, text)]
        if len(text) > 1 and text.lstrip("+-")[:1] == "0" and text.lstrip("+-").isdigit():
            kinds = []
        if not kinds:
            return "text"
    return kinds[0][0] if some else "text"


def _reads(read: Callable[[str], Any], text: str) -> bool:
    try:
        read(text)
    except BadValue:
        return False
    return True


def type_of(values: Iterable[Any]) -> str:
    """The type of a column by values that have types already, as those of JSON."""
    found: List[str] = []
    for value in values:
        if value is None:
            continue
        if isinstance(value, bool):
            kind = "boolean"
        elif isinstance(value, int):
            kind = "integer"
        elif isinstance(value, float):
            kind = "float"
        elif isinstance(value, datetime):
            kind = "datetime"
        else:
            kind = "text"
        if kind not in found:
            found.append(kind)
    if sorted(found) == ["float", "integer"]:
        return "float"
    return found[0] if len(found) == 1 else "text"
