"""What a program on the other side has switched on in a terminal, and what switches it off again. Pure.

A connection that is cut under an editor leaves its screen, its mouse and its keys behind. Whoever passes a
program's output on feeds it here and writes `undoing` when it is over.
"""

from __future__ import annotations

import re

_MOUSE = range(1000, 1007)
_OFF_BY_DEFAULT = frozenset({1, 5, 9, 12, 47, *_MOUSE, 1015, 1016, 1047, 1049, 2004, 2026, 2031, 2048})
_ON_BY_DEFAULT = frozenset({7, 25})
_SCREENS = (47, 1047, 1049)
_SEQUENCE = re.compile(
    rb"\x1b(?:"
    rb"\[\?(?P<private>[0-9;]{1,64})(?P<set>[hl])"
    rb"|\[(?P<plain>[0-9;]{1,64})(?P<plain_set>[hl])"
    rb"|\[(?P<margins>[0-9;]{0,16})r"
    rb"|\[>4(?:;(?P<keys>[0-9]{0,4}))?m"
    rb"|\[(?P<kitty>[>=<])[0-9;]{0,16}u"
    rb"|\[(?P<cursor>[0-9]{0,4}) q"
    rb"|(?P<pad>[=>])"
    rb"|\((?P<letters>[0-9A-Z])"
    rb"|(?P<reset>c|\[!p)"
    rb")"
    rb"|(?P<shift>[\x0e\x0f])"
)
_LONGEST = 80


class TerminalModes:
    """Follows a program's output; bytes of any kind and in any split."""

    def __init__(self) -> None:
        self._tail = b""
        self._forget()

    def _forget(self) -> None:
        self._private: set[int] = set()
        self._others: set[str] = set()

    def feed(self, data: bytes) -> None:
        """Bytes on their way to the terminal."""
        if b"\x1b" not in data and not self._tail and b"\x0e" not in data and b"\x0f" not in data:
            return
        data = self._tail + data
        end = 0
        for match in _SEQUENCE.finditer(data):
            self._take(match)
            end = match.end()
        start = data.rfind(b"\x1b", max(end, len(data) - _LONGEST))
        self._tail = data[start:] if start >= 0 else b""

    def _take(self, match: re.Match[bytes]) -> None:
        found = match.groupdict()
        if found["private"] is not None:
            for number in found["private"].split(b";"):
                self._switch(int(number or b"0"), found["set"] == b"h")
        elif found["plain"] is not None:
            if b"4" in found["plain"].split(b";"):
                self._mark("insert", found["plain_set"] == b"h")
        elif found["margins"] is not None:
            self._mark("margins", bool(found["margins"].strip(b";")))
        elif found["cursor"] is not None:
            self._mark("cursor", found["cursor"] not in (b"", b"0"))
        elif found["pad"] is not None:
            self._mark("pad", found["pad"] == b"=")
        elif found["letters"] is not None:
            self._mark("letters", found["letters"] != b"B")
        elif found["shift"] is not None:
            self._mark("shift", found["shift"] == b"\x0e")
        elif found["kitty"] is not None:
            self._mark("kitty", found["kitty"] != b"<")
        elif found["reset"] is not None:
            self._forget()
        else:
            self._mark("keys", found["keys"] not in (None, b"", b"0"))

    def _switch(self, number: int, on: bool) -> None:
        if number in _OFF_BY_DEFAULT | _ON_BY_DEFAULT:
            (self._private.add if on is (number in _OFF_BY_DEFAULT) else self._private.discard)(number)

    def _mark(self, what: str, on: bool) -> None:
        (self._others.add if on else self._others.discard)(what)

    @property
    def full_screen(self) -> bool:
        """Whether the program has the terminal's other screen."""
        return not self._private.isdisjoint(_SCREENS)

    def redoing(self) -> bytes:
        """What switches on again what `undoing` switches off, as far as that is a matter of one number."""
        return b"".join(
            b"\x1b[?%d%c" % (number, b"l" if number in _ON_BY_DEFAULT else b"h")
            for number in sorted(self._private)
        )

    def undoing(self) -> bytes:
        """What brings a terminal back to how it was; empty when nothing was left."""
        said = b""
        if "margins" in self._others:
            said += b"\x1b7\x1b[r\x1b8"
        for number in sorted(self._private.difference(_SCREENS)):
            said += b"\x1b[?%d%c" % (number, b"h" if number in _ON_BY_DEFAULT else b"l")
        for what, words in (
            ("insert", b"\x1b[4l"),
            ("keys", b"\x1b[>4m"),
            ("kitty", b"\x1b[<9u"),
            ("pad", b"\x1b>"),
            ("letters", b"\x1b(B"),
            ("shift", b"\x0f"),
            ("cursor", b"\x1b[0 q"),
        ):
            said += words if what in self._others else b""
        for number in _SCREENS:
            if number in self._private:
                said += b"\x1b[?%dl" % number
        return said + b"\x1b[0m" if said else b""
