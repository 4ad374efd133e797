"""The form of a bundle, many files as one stream; both sides write and read it. Pure.

It is a record after the other: `>I` length of a JSON header, then the header. {"p": path, "s": size, "m":
mode, "t": time} is a file, its bytes and their sha256 follow; {"p", "l": target} is a link, {"p", "d": true}
a folder, {"p", "gone": true} tells of a file that went before its turn.
"""

import hashlib
import json
import struct
from typing import Any, Dict

from workbench.remote.forms.tree_paths import path_problem, target_problem

LENGTH = struct.Struct(">I")
MAX_HEADER = 1 << 16
DIGEST = hashlib.sha256().digest_size
MAX_SIZE = 1 << 62


class BadBundle(ValueError):
    """What comes is no bundle, or would leave the folder it is for."""

    code = "hostile_archive"
    hint = "nothing more of it was taken"

    @property
    def message(self) -> str:
        """What is wrong, as one line."""
        return str(self)


def header(fields):
    # type: (Dict[str, Any]) -> bytes
    """What stands before a file's bytes."""
    text = json.dumps(fields, separators=(",", ":")).encode("ascii")
    return LENGTH.pack(len(text)) + text


def length(data):
    # type: (bytes) -> int
    """How long the header is that follows; raises BadBundle."""
    size = int(LENGTH.unpack(data)[0])
    if not 0 < size <= MAX_HEADER:
        raise BadBundle("what comes is no bundle")
    return size


def read_header(text):
    # type: (bytes) -> Dict[str, Any]
    """A header's fields, each of its type; m and t absent where they are none. Raises BadBundle."""
    try:
        fields = json.loads(text.decode("ascii"))
    except ValueError:
        raise BadBundle("what comes is no bundle")
    if not isinstance(fields, dict):
        raise BadBundle("what comes is no bundle")
    problem = path_problem(fields.get("p"))
    if problem is None and "l" in fields:
        problem = target_problem(fields["l"])
    if problem is not None:
        raise BadBundle("%.200r cannot be the path of a file here: %s" % (fields.get("p"), problem))
    found = {"p": fields["p"]}  # type: Dict[str, Any]
    for name in ("l", "d", "gone"):
        if name in fields:
            found[name] = fields[name]
    size, mode, time = fields.get("s"), fields.get("m"), fields.get("t")
    if len(found) == 1:
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= MAX_SIZE:
            raise BadBundle("%.200r has no size" % found["p"])
        found["s"] = size
    if isinstance(mode, int) and not isinstance(mode, bool):
        found["m"] = mode
    if isinstance(time, (int, float)) and not isinstance(time, bool) and 0 <= time < 1e11:
        found["t"] = time
    return found
