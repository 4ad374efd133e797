"""The one tree of errors: each has a message, a hint that says what to do next, and an exit code.

Errors cross the server's socket as plain mappings (`to_wire`, `from_wire`), so a face sees the same
class that a service raised.
"""

from __future__ import annotations

from typing import Any, ClassVar


class WorkbenchError(Exception):
    """Something went wrong that a user can understand.

    message: one line, lower case start, no trailing full stop. hint: what to do next, may be empty.
    data: plain JSON values a face may want (a host key, the problems of a file ...).
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "", **data: Any) -> None:
        super().__init__(message)
        if hint:
            self.add_note(f"hint: {hint}")  # a script or a notebook that does not catch it shows it too
        self.message = message
        self.hint = hint
        self.data = data

    def to_wire(self) -> dict[str, Any]:
        """This error as a JSON mapping: code, message, hint, data."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "data": self.data}


class RunFailed(WorkbenchError):
    """A run that was waited for ended other than Completed.

    data, each where it is known: id, name, status, cause (a code), reason (in words), exit_code, signal.
    """

    code = "run_failed"


class WaitTimeout(WorkbenchError):
    """What was waited for goes on after the time somebody was willing to wait; data: id, status."""

    code = "wait_timeout"
    exit_code = 124


class UsageError(WorkbenchError):
    """The words of a command or call do not fit."""

    code = "usage"
    exit_code = 2


class ConfigurationError(UsageError):
    """A run configuration or settings file is wrong; data["problems"] lists every mistake with its line."""

    code = "configuration"


class NotFound(WorkbenchError):
    """A name, id or reference that nothing answers to."""

    code = "not_found"
    exit_code = 3


class Ambiguous(UsageError):
    """A prefix that several things answer to; data["candidates"] lists them."""

    code = "ambiguous"


class Unreachable(WorkbenchError):
    """A machine that cannot be reached now: unresolved, refused, timed out, link lost."""

    code = "unreachable"
    exit_code = 4


class NeedsSignIn(Unreachable):
    """A machine that wants a password, code or pass phrase only the user can give."""

    code = "needs_sign_in"


class NotAnswered(NeedsSignIn):
    """A sign-in whose question nobody answered in time."""

    code = "not_answered"


class HostKeyUnknown(Unreachable):
    """A host whose key nobody has accepted yet; data: host, port, algorithm, fingerprint, key."""

    code = "host_key_unknown"


class HostKeyChanged(Unreachable):
    """A host whose key is not the one on record; data: host, port, algorithm, fingerprint, key."""

    code = "host_key_changed"


class IndexUnreachable(Unreachable):
    """A package index that cannot be reached from here; data: words (of uv)."""

    code = "index_unreachable"


class NoPython(WorkbenchError):
    """The machine has no python3 of version 3.6 or newer that we could find."""

    code = "no_python"
    exit_code = 4


class Refused(WorkbenchError):
    """Protected, read-only, gated, or not this user's to do."""

    code = "refused"
    exit_code = 5


class Conflict(Refused):
    """A name that exists, a property that has another value, a state that does not allow it."""

    code = "conflict"


class SnapshotTooLarge(Refused):
    """A source tree over the limits; data: limit, size, count, largest (path, size, ignore line)."""

    code = "snapshot_too_large"


class HostileArchive(WorkbenchError):
    """An archive whose entries would escape, collide or blow up; nothing of it was kept."""

    code = "hostile_archive"


class StoreError(WorkbenchError):
    """The local store cannot do it: a full disk, a damaged or locked database."""

    code = "store"


class StoreFull(StoreError):
    """The disk of the local store has no room; nothing of the change was kept, and it may be tried again."""

    code = "store_full"


class StoreTooNew(StoreError):
    """The database was written by a newer version of the workbench."""

    code = "store_too_new"


class StoreDamaged(StoreError):
    """The database is no longer one, or its file cannot be read: what was in it is not known."""

    code = "store_damaged"


class RemoteError(WorkbenchError):
    """The far end of a link answered with an error of its own (disk full there, quota ...)."""

    code = "remote"


class ServerError(WorkbenchError):
    """The local server cannot be started or spoken to."""

    code = "server"


def _tree(root: type[WorkbenchError]) -> dict[str, type[WorkbenchError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found.update(_tree(child))
    return found


def from_wire(wire: dict[str, Any]) -> WorkbenchError:
    """The error that `to_wire` described; an unknown code becomes a plain WorkbenchError."""
    kind = _tree(WorkbenchError).get(str(wire.get("code")), WorkbenchError)
    data = wire.get("data")
    extra = {str(k): v for k, v in data.items()} if isinstance(data, dict) else {}
    return kind(str(wire.get("message", "unknown error")), str(wire.get("hint", "")), **extra)
