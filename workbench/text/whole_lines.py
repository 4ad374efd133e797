"""Text that comes in any pieces as whole lines. Pure."""

from __future__ import annotations

HELD = 1 << 16
"""Characters of a line that are waited with for its end; a longer one comes in parts."""


class WholeLines:
    """Cuts a stream of text into lines, without their ends.

    Of what a carriage return goes over, a progress bar's past, only the last state is told.
    """

    def __init__(self) -> None:
        self._open = ""

    def feed(self, text: str) -> list[str]:
        """The lines that are whole now."""
        *ended, rest = (self._open + text).split("\n")
        lines = [_last_state(line) for line in ended]
        if "\r" in rest[:-1]:  # a return at the very end may be half of a line's end
            rest = rest[rest.rindex("\r", 0, len(rest) - 1) + 1 :]
        while len(rest) > HELD:
            lines.append(rest[:HELD])
            rest = rest[HELD:]
        self._open = rest
        return lines

    def close(self) -> list[str]:
        """The last line, where none of its end came; an empty list when there is nothing."""
        rest, self._open = _last_state(self._open), ""
        return [rest] if rest else []


def _last_state(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]
