"""What is wrong with a filter, said at its column."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from workbench.text.cells import cut, width


class FilterProblem(ValueError):
    """A filter that means nothing; start and stop are where in its text, in characters from 0.

    unfinished: the text ends too early, so that whoever is still typing may be about to mend it.
    """

    def __init__(
        self, message: str, start: int, stop: int, hint: str = "", *, unfinished: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.stop = max(stop, start + 1)
        self.hint = hint
        self.unfinished = unfinished

    @property
    def said(self) -> str:
        """Message and hint in one line."""
        return f"{self.message}; {self.hint}" if self.hint else self.message


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ "did you mean X?" for the nearest known word; empty where none is near."""
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return f"did you mean {by_lower[near[0]]}?" if near else ""


def pointer(text: str, start: int, stop: int) -> str:
    """Carets to stand below text, under its characters from start to stop."""
    return " " * width(text[:start]) + "^" * max(1, width(text[start:stop]))


def pointed(text: str, problem: FilterProblem, cells: int, scrolled: int = 0) -> str:
    """A line to stand below text, scrolled aside by so many cells: the carets and what is wrong.

    The words stand behind the carets, before them where there is no room behind.
    """
    carets = pointer(text, problem.start, problem.stop)
    indent = max(0, len(carets) - len(carets.lstrip()) - scrolled)
    carets = carets.strip()[: max(1, cells - indent)]
    said = problem.said
    behind = f"{' ' * indent}{carets} {said}"
    if width(behind) <= cells or indent < width(said) + 1:
        return cut(behind, cells)
    return f"{said.rjust(indent - 1)} {carets}"
