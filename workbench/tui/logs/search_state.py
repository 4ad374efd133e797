"""What is known of the matches of a search while it goes on. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

from workbench.text.log_pattern import Pattern, parse, places
from workbench.text.log_scan import COUNTED
from workbench.tui.logs.source import Found

LISTED = 100_000
"""Matches whose places are kept; more are counted."""

MEANT = ("\\", "[", "*", "+", "|", "^", "$", "(?")
"""What stands in regular expressions more often than in texts one looks for."""


class SearchState:
    """One pattern's matches in a log. Raises UsageError for a pattern that is none."""

    def __init__(self, said: str) -> None:
        self.said = said
        self.pattern: Pattern = parse(said)
        self.count = 0
        self.at = 0
        self.done = False
        self.current: int | None = None
        """The match one stands on."""
        self.turned = ""
        """From where the search went on when it came to an end of the log."""
        self._offsets = array("Q")
        self._texts: dict[int, str] = {}

    def add(self, found: Found) -> None:
        """More of the search over the whole."""
        for offset, text in found.hits[: max(0, LISTED - len(self._offsets))]:
            self._offsets.append(offset)
            if self.pattern.regex:
                self._texts[offset] = text
        self.count, self.at = found.total, found.at

    def note(self, offset: int, text: str) -> None:
        """A match that was found beside the search over the whole."""
        if self.pattern.regex:
            self._texts[offset] = text

    @property
    def whole(self) -> bool:
        """Whether the place of every match is known."""
        return self.done and self.count == len(self._offsets)

    def after(self, offset: int, backwards: bool = False) -> int | None:
        """The nearest match beyond offset, before it when backwards, among those known."""
        if backwards:
            index = bisect_left(self._offsets, offset) - 1
            return self._offsets[index] if index >= 0 else None
        index = bisect_right(self._offsets, offset)
        return self._offsets[index] if index < len(self._offsets) else None

    def covers(self, offset: int) -> bool:
        """Whether every match up to offset is known."""
        return self.whole or bool(self._offsets and offset < self._offsets[-1])

    def between(self, start: int, stop: int) -> list[int]:
        """The known matches in bytes start to stop."""
        return list(self._offsets[bisect_left(self._offsets, start) : bisect_left(self._offsets, stop)])

    def spans(self, start: int, stop: int, text: str) -> list[tuple[int, int]]:
        """Where matches stand in the text seen of a row of bytes start to stop.

        A regular expression is not evaluated here: what it found in the row is looked for.
        """
        if not self.pattern.regex:
            return places(self.pattern, text)
        told = {self._texts[offset] for offset in self.between(start, stop) if offset in self._texts}
        if self.current is not None and start <= self.current < stop and self.current in self._texts:
            told.add(self._texts[self.current])
        return sorted(span for found in told if found for span in places(Pattern(found), text))

    def _nothing(self) -> str:
        """That nothing was found; of what looks like a regular expression how one is written."""
        meant = not self.pattern.regex and any(sign in self.pattern.text for sign in MEANT)
        return f"no match as a text; /{self.pattern.text}/ is a regex" if meant else "no match"

    def words(self, size: int) -> str:
        """How it stands: 3/128, 128 so far, none."""
        total = f"{self.count:,}" + ("+" if self.count >= COUNTED else "")
        index = bisect_left(self._offsets, self.current) if self.current is not None else len(self._offsets)
        if self.current is not None and index < len(self._offsets) and self._offsets[index] == self.current:
            total = f"{index + 1:,}/{total}"
        if self.turned:
            total += f", from the {self.turned}"
        if self.done:
            return total if self.count else self._nothing()
        return f"{total} so far, {self.at * 100 // size if size else 0}% searched"
