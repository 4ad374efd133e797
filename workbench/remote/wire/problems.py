"""How a request that failed is told to the near end: a code, one line, and a hint that says what to do."""

import errno
from typing import Dict

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)  # no room, for anybody or for this user
FULL_WORDS = {errno.ENOSPC: "the disk of %s is full", errno.EDQUOT: "the quota for %s is used up"}
NO_ROOM = (
    "wb compute prune NAME --dry-run shows what may go;"
    " or another disk there: wb compute set NAME root=FOLDER"
)


class RequestError(Exception):
    """A request that cannot be done; code is one of errors.py's or of `remote/`, message one line."""

    def __init__(self, code, message, hint=""):
        # type: (str, str, str) -> None
        super(RequestError, self).__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class Cancelled(Exception):
    """The near end gave this stream up, or the link is ending."""


def describe(error):
    # type: (BaseException) -> Dict[str, str]
    """An exception as {"code", "message", "hint"}; a full disk and an exceeded quota are said in words."""
    code = getattr(error, "code", "remote")
    message = getattr(error, "message", "")
    hint = getattr(error, "hint", "")
    if isinstance(error, OSError):
        name = error.filename
        name = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
        where = " (%s)" % name if name is not None else ""
        if error.errno in DISK_FULL:
            what = "disk full" if error.errno == errno.ENOSPC else "disk quota exceeded"
            code, message, hint = "disk_full", "%s on the machine%s" % (what, where), NO_ROOM
        elif isinstance(error, FileNotFoundError):
            code, message = "not_found", "not there on the machine: %s" % name
        elif isinstance(error, FileExistsError):
            code, message = "conflict", "it exists on the machine%s" % where
        elif isinstance(error, PermissionError):
            code, message = "refused", "%s on the machine%s" % (error.strerror or error, where)
        elif error.strerror and name is not None:
            message = "%s on the machine%s" % (error.strerror, where)
    elif isinstance(error, Cancelled):
        code, message = "cancelled", "cancelled"
    elif isinstance(error, ValueError) and not message:
        code, message = "usage", str(error)
    if not message:
        message = "%s: %s" % (type(error).__name__, error)
    return {"code": str(code), "message": str(message)[:2000], "hint": str(hint)[:2000]}
