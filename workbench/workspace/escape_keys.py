"""The keys that a terminal's near side keeps for itself: `~` at the start of a line, and one more. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

TILDE = b"~"
HELP = "~. hangs up   ~^Z steps aside   ~~ types ~   ~? says this   (each after Enter)"
_PASTE, _PASTED = b"\x1b[200~", b"\x1b[201~"
_MARK = re.compile(rb"\x1b\[20[01]~|(?<=[\r\n])~")


class Escape(Enum):
    """What was asked of the near side."""

    HANG_UP = b"."
    STEP_ASIDE = b"\x1a"
    HELP = b"?"


_KNOWN = {escape.value: escape for escape in Escape}


class EscapeKeys:
    """Takes what is typed and gives what is to be sent, and what was asked, in order.

    What a terminal marks as pasted holds no such keys.
    """

    def __init__(self) -> None:
        self._fresh = True  # a line begins
        self._held = False  # a tilde at its beginning waits for the next key
        self._pasting = False

    def feed(self, typed: bytes) -> Iterator[bytes | Escape]:
        """What to do with these keys."""
        while typed:
            if self._held:
                self._held = False
                key, said = typed[:1], _KNOWN.get(typed[:1])
                self._fresh = said is not None
                yield TILDE if said is None else said
                typed = typed[1:] if said is not None or key == TILDE else typed
                continue
            if self._fresh and not self._pasting and typed.startswith(TILDE):
                self._held = True
                typed = typed[1:]
                continue
            plain = self._plain(typed)
            self._fresh = plain[-1:] in b"\r\n"
            yield plain
            typed = typed[len(plain) :]

    def _plain(self, typed: bytes) -> bytes:
        """What comes before the next key that may be ours."""
        if TILDE not in typed:
            return typed
        for mark in _MARK.finditer(typed):
            if mark.group() == TILDE:
                if not self._pasting:
                    return typed[: mark.start()]
            else:
                self._pasting = mark.group() == _PASTE
        return typed
