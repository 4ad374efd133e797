"""What a filter's last word may become: names of attributes, metrics, params and tags, and states."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from textual.suggester import Suggester

from workbench.text.filter_fields import ATTRIBUTES
from workbench.text.filter_names import written
from workbench.text.filter_tree import Field, Kind
from workbench.text.filter_values import STATES
from workbench.text.sanitize import clean_name

_LAST = re.compile(r"[^\s(),<>=!~'\"]*\Z")
_STATE = re.compile(r"(?:\A|[\s(])(?:status|state)\s*!?=\s*(?:\w+,)*\Z", re.IGNORECASE)
LEAST = 2
"""Characters of a word before it is completed."""


def completion(text: str, names: Iterable[str]) -> str | None:
    """text with its last word completed, to a state behind status=, else to a name; None: none fits."""
    match = _LAST.search(text)
    word = match[0] if match else ""
    before = text[: len(text) - len(word)]
    offered = STATES if _STATE.search(before) else names
    if len(word) < (1 if offered is STATES else LEAST):
        return None
    found = next((name for name in offered if name.lower().startswith(word.lower())), None)
    return None if found is None or len(found) == len(word) else before + word + found[len(word) :]


def settled(text: str, names: Iterable[str]) -> str:
    """text without a last word that is, or may become, a name: its comparison has not been typed yet."""
    match = _LAST.search(text)
    word = match[0] if match else ""
    before = text[: len(text) - len(word)]
    begins = not before.strip() or before[-1] in " ("
    if len(word) < LEAST or not begins or not any(name.startswith(word) for name in names):
        return text
    return before


class FilterSuggester(Suggester):
    """Completes the last word of a filter."""

    def __init__(self, known: Mapping[str, Sequence[str]]) -> None:
        """known: what `runs.columns` answers."""
        super().__init__(use_cache=False, case_sensitive=True)
        self._names = [attribute.name for attribute in ATTRIBUTES]
        for kind in ("metrics", "params", "tags"):
            names = [name for name in known.get(kind, ()) if name == clean_name(name)]
            self._names += [written(Field(Kind.ANY, name)) for name in names]
            self._names += [written(Field(Kind(kind), name)) for name in names]

    def settled(self, text: str) -> str:
        """text without a last word that may be the beginning of a comparison."""
        return settled(text, self._names)

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line as it may go on."""
        return completion(value, self._names)
