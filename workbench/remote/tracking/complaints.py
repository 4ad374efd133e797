"""What tracking says about a wrong call: a Python warning, once, and never an exception (law 1)."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Tuple, TypeVar

    Method = TypeVar("Method", bound=Callable[..., Any])

MOST = 100
"""Different complaints of one process; a script that makes a new mistake each step is not told of all."""


class TrackingWarning(UserWarning):
    """A call of the tracking interface that was wrong and was recorded as well as it could be."""


class Complaints(object):
    """Remembers what was said, so that each thing is said once. Safe from any thread."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._said: "Dict[Tuple[str, str], object]" = {}

    def first(self, about: str, name: str = "") -> bool:
        """Whether this is the first complaint of its kind about this name, and not one too many."""
        if len(self._said) >= self._most:
            return False
        mine = object()
        return self._said.setdefault((about, name), mine) is mine


def say(text: str) -> None:
    """Warn at the line of the script that called us; on plain stderr where warnings are made to raise."""
    import warnings

    frame: "Any" = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith("workbench.remote."):
        frame = frame.f_back
    where = ("<unknown>", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)
    try:
        warnings.warn_explicit(text, TrackingWarning, where[0], where[1])
    except Exception:  # warnings are errors, or are shown by the script's own function
        try:
            sys.stderr.write("TrackingWarning: %s\n" % text)
        except Exception:  # stderr is closed or gone: what is left is the record in the run's folder
            return


def guarded(otherwise: "Callable[[], Any]") -> "Callable[[Method], Method]":
    """For methods of a run: whatever goes wrong in one is a complaint, and otherwise() its answer (law 1)."""

    def wrap(method: "Method") -> "Method":
        def call(self: "Any", *args: "Any", **named: "Any") -> "Any":
            try:
                return method(self, *args, **named)
            except Exception as error:  # a wrong call or a sick disk: training goes on
                text = "%s: %s" % (type(error).__name__, error)
                self.complain("%s: %s" % (method.__name__, text), method.__name__)
                return otherwise()

        call.__name__ = method.__name__
        call.__doc__ = method.__doc__
        call.__wrapped__ = method  # type: ignore[attr-defined]
        return call  # type: ignore[return-value]

    return wrap


def nothing() -> None:
    """The answer of a recording call that failed."""
