"""Lines that match a pattern, with those around them, of a log that comes bit by bit. Pure.

A regular expression is evaluated here: only for a process that its user can end.
"""

from __future__ import annotations

from collections import deque

from workbench.text.log_pattern import Pattern, finder

BETWEEN = "--\n"
"""Stands where lines between two that are told are left out, as grep has it."""


class LineFilter:
    """Raises UsageError for a regular expression that is none.

    context: lines around each match. skip: characters at the beginning of each that are not looked at.
    """

    def __init__(self, pattern: Pattern, context: int = 0, skip: int = 0) -> None:
        self._find = finder(pattern)
        self._skip = skip
        self._context = context
        self._before: deque[str] = deque(maxlen=context)
        self._after = 0
        self._left_out = False
        self._told = False
        self.found = 0
        """Lines that matched."""

    def feed(self, text: str) -> str:
        """Of more whole lines those that are told."""
        kept: list[str] = []
        for line in _lines(text):
            if next(iter(self._find(line[self._skip :].encode("utf-8", "replace"), 0)), None) is not None:
                self.found += 1
                if self._left_out and self._told and self._context:
                    kept.append(BETWEEN)
                kept += [*self._before, line]
                self._before.clear()
                self._after, self._left_out, self._told = self._context, False, True
            elif self._after:
                self._after -= 1
                kept.append(line)
            else:
                self._left_out = self._left_out or len(self._before) == self._context
                self._before.append(line)
        return "".join(kept)


def _lines(text: str) -> list[str]:
    """Lines, which only a newline ends."""
    whole = text.split("\n")
    return [f"{line}\n" for line in whole[:-1]] + ([whole[-1]] if whole[-1] else [])
