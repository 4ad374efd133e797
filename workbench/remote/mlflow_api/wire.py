"""MLflow's REST dialect: values out of requests, numbers and entries into answers, errors. Pure.

What a request may hold is checked here, against the limits of MLflow's own server; what is wrong is
`Refused` with an error code that its client knows.
"""

import json
import posixpath
import re
from typing import Any, Dict, List, Optional, Tuple

from workbench.remote.forms.record_form import MAX_NAME, MAX_VALUE, encode_number

MOST_METRICS = 1000
MOST_PARAMS = 100
MOST_TAGS = 100
MOST_ENTITIES = 1000
MAX_PARAM = 6000
MAX_TAG = MAX_VALUE
MAX_SMALL = 1 << 62
LATEST = 253402300799999  # the last millisecond of the year 9999

NOT_FOUND = "RESOURCE_DOES_NOT_EXIST"
EXISTS = "RESOURCE_ALREADY_EXISTS"
BAD = "INVALID_PARAMETER_VALUE"
DENIED = "PERMISSION_DENIED"
UNAUTHENTICATED = "UNAUTHENTICATED"
UNSUPPORTED = "NOT_IMPLEMENTED"
NO_ENDPOINT = "ENDPOINT_NOT_FOUND"
INTERNAL = "INTERNAL_ERROR"
STATUS = {
    NOT_FOUND: 404, EXISTS: 400, BAD: 400, DENIED: 403, UNAUTHENTICATED: 401, UNSUPPORTED: 501,
    NO_ENDPOINT: 404,
    INTERNAL: 400,  # no 500: the client would repeat for minutes what fails again
}  # fmt: skip

_NAME = re.compile(r"[/\w.\- :]+\Z")
_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": -float("inf")}


class Refused(Exception):
    """A request that is not done: an error code of MLflow's and a sentence. status: the HTTP status."""

    def __init__(self, code, message, status=None):
        # type: (str, str, Optional[int]) -> None
        Exception.__init__(self, message)
        self.code = code
        self.message = message
        self.status = STATUS[code] if status is None else status

    def body(self):
        # type: () -> bytes
        """The JSON that MLflow's client reads."""
        return encoded({"error_code": self.code, "message": self.message})


def encoded(answer):
    # type: (Any) -> bytes
    """An answer as JSON, in ASCII."""
    return json.dumps(answer, separators=(",", ":")).encode("ascii")


def decoded(body):
    # type: (bytes) -> Dict[str, Any]
    """A request's JSON object; nothing at all is an empty one. Raises Refused."""
    if not body.strip():
        return {}
    try:
        found = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Refused(BAD, "the request's body is no JSON: %s" % str(error)[:200])
    if not isinstance(found, dict):
        raise Refused(BAD, "the request's body is no JSON object")
    return found


def text_of(body, key, default=None, limit=MAX_VALUE):
    # type: (Dict[str, Any], str, Optional[str], int) -> str
    """A text; numbers and booleans are taken as theirs. Raises Refused when it is absent, or too long."""
    value = body.get(key)
    if value is None:
        if default is None:
            raise Refused(BAD, "Missing value for required parameter '%s'." % key)
        return default
    if isinstance(value, (dict, list)):
        raise Refused(BAD, "Invalid value for parameter '%s' supplied: a text is wanted." % key)
    text = value if isinstance(value, str) else json.dumps(value)
    if len(text) > limit:
        raise Refused(BAD, "'%s' exceeds the maximum length of %d characters" % (key, limit))
    return text


def whole_of(body, key, default=0):
    # type: (Dict[str, Any], str, int) -> int
    """A whole number, which JSON of 64-bit fields may also have as text. Raises Refused."""
    value = body.get(key)
    if value is None or value == "":
        return default
    try:
        if isinstance(value, bool) or (isinstance(value, float) and value != int(value)):
            raise ValueError(value)
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = MAX_SMALL
    if not -MAX_SMALL < number < MAX_SMALL:
        raise Refused(BAD, "Invalid value for parameter '%s' supplied: a whole number is wanted." % key)
    return number


def number_of(value):
    # type: (Any) -> float
    """A metric's value; nan and inf are also written as texts. Raises Refused."""
    if isinstance(value, str):
        value = _NUMBERS.get(value, value)
    if value is None or isinstance(value, (bool, dict, list)):
        raise Refused(BAD, "Got invalid value %s for metric: a number is wanted." % str(value)[:100])
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise Refused(BAD, "Got invalid value %s for metric: a number is wanted." % str(value)[:100])


def number_out(value):
    # type: (float) -> Any
    """A number as protobuf's JSON has it."""
    plain = encode_number(value)
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[plain] if isinstance(plain, str) else value


def name_of(body, what, key="key"):
    # type: (Dict[str, Any], str, str) -> str
    """The name of a metric, param or tag; the rules are those of MLflow. Raises Refused."""
    name = body.get(key)
    if not isinstance(name, str) or not name:
        raise Refused(BAD, "Missing value for required parameter '%s': a %s needs a name." % (key, what))
    if len(name) > MAX_NAME:
        raise Refused(BAD, "%s name exceeds the maximum length of %d characters" % (what, MAX_NAME))
    normal = posixpath.normpath(name)
    if not _NAME.match(name) or normal != name or normal == "." or normal[:2] == ".." or normal[0] == "/":
        raise Refused(
            BAD,
            "Invalid %s name: %r. Names may only contain alphanumerics, underscores, dashes, periods, "
            "spaces, colons and slashes, and must be a plain relative path." % (what, name[:100]),
        )
    return name


def items_of(body, key):
    # type: (Dict[str, Any], str) -> List[Dict[str, Any]]
    """A list of objects; absent is empty. Raises Refused."""
    found = body.get(key) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Refused(BAD, "Invalid value for parameter '%s' supplied: a list is wanted." % key)
    return found


def texts_of(body, key):
    # type: (Dict[str, Any], str) -> List[str]
    """A list of texts; absent is empty, one text is a list of it. Raises Refused."""
    found = body.get(key) or []
    if isinstance(found, str):
        return [found]
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Refused(BAD, "Invalid value for parameter '%s' supplied: a list of texts is wanted." % key)
    return found


def time_of(body, key, now):
    # type: (Dict[str, Any], str, int) -> int
    """A time in milliseconds since 1970, now where there is none; what is no such time is held within it."""
    return min(max(whole_of(body, key, now), 0), LATEST)


def tags_of(items, what="tag", limit=MAX_TAG):
    # type: (List[Dict[str, Any]], str, int) -> List[Tuple[str, str]]
    """Checked (name, value) pairs; a longer value is cut, as MLflow does."""
    return [(name_of(item, what), text_of(item, "value", "", 1 << 20)[:limit]) for item in items]


def entries_out(values):
    # type: (Dict[str, str]) -> List[Dict[str, str]]
    """A mapping as MLflow lists it."""
    return [{"key": key, "value": values[key]} for key in values]


def page(found, body, default, most):
    # type: (List[Any], Dict[str, Any], int, int) -> Tuple[List[Any], Optional[str]]
    """The part of a list that was asked for, and the token of the next. Raises Refused."""
    size = whole_of(body, "max_results", default)
    if not 0 < size <= most:
        raise Refused(BAD, "Invalid value %d for parameter 'max_results' supplied: 1 to %d." % (size, most))
    start = offset_of(body)
    stop = start + size
    return found[start:stop], str(stop) if stop < len(found) else None


def offset_of(body):
    # type: (Dict[str, Any]) -> int
    """Where the page that was asked for begins. Raises Refused."""
    token = text_of(body, "page_token", "") or "0"
    if not re.match(r"[0-9]{1,15}\Z", token):
        raise Refused(BAD, "Invalid page token")
    return int(token)
