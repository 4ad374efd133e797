"""Taking a request's parameters apart: each by name and type, a wrong one named in the error."""

from typing import Any, Dict, List, Optional

from workbench.remote.forms import protocol
from workbench.remote.wire.problems import RequestError

MAX_TEXT = 1 << 20
MAX_OFFSET = 1 << 62
MAX_WHOLE = 1000000


def text(params, name, default=None):
    # type: (Dict[str, Any], str, Optional[str]) -> str
    """A text without NUL; missing without a default is an error."""
    value = params.get(name, default)
    if not isinstance(value, str) or "\0" in value or len(value) > MAX_TEXT:
        raise RequestError("usage", "parameter %s must be a text" % name)
    return value


def optional_text(params, name):
    # type: (Dict[str, Any], str) -> Optional[str]
    """A text, None when it is absent or null."""
    return None if params.get(name) is None else text(params, name)


def run_id(params):
    # type: (Dict[str, Any]) -> str
    """The parameter run; only what has the form of a run id."""
    value = params.get("run")
    if not isinstance(value, str) or not protocol.valid_run_id(value):
        raise RequestError("usage", "parameter run must be a run id")
    return value


def offset(params, name):
    # type: (Dict[str, Any], str) -> int
    """A place in a file, 0 when absent."""
    return checked_offset(name, params.get(name, 0))


def whole(params, name):
    # type: (Dict[str, Any], str) -> int
    """A whole number that may be negative, 0 when absent."""
    value = params.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_WHOLE:
        raise RequestError("usage", "parameter %s must be a whole number" % name)
    return value


def checked_offset(name, value):
    # type: (str, Any) -> int
    """value as a place in a file."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_OFFSET:
        raise RequestError("usage", "parameter %s must be an offset" % name)
    return value


def flag(params, name):
    # type: (Dict[str, Any], str) -> bool
    """Whether a parameter is true; absent is not."""
    value = params.get(name)
    if value is not None and not isinstance(value, bool):
        raise RequestError("usage", "parameter %s must be true or false" % name)
    return bool(value)


def seconds(params, name):
    # type: (Dict[str, Any], str) -> Optional[float]
    """A duration in seconds, None when absent or null."""
    value = params.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
        raise RequestError("usage", "parameter %s must be a number of seconds" % name)
    return float(value)


def mapping(params, name):
    # type: (Dict[str, Any], str) -> Dict[str, Any]
    """A mapping, empty when absent or null."""
    value = params.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RequestError("usage", "parameter %s must be a mapping" % name)
    return value


def texts(params, name):
    # type: (Dict[str, Any], str) -> Dict[str, str]
    """A mapping of texts without NUL, empty when absent."""
    value = mapping(params, name)
    return {key: text(value, key) for key in value}


def argument_list(params, name):
    # type: (Dict[str, Any], str) -> Optional[List[str]]
    """A list of at least one text without NUL, None when absent or null."""
    value = params.get(name)
    if value is None:
        return None
    fine = (
        isinstance(value, list)
        and value
        and all(isinstance(item, str) and "\0" not in item for item in value)
    )
    if not fine:
        raise RequestError("usage", "parameter %s must be a list of texts" % name)
    return list(value)
