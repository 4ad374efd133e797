"""Style sheets are parsed once a process: a thousand dashboards of the same sheets and colours start in it."""

from __future__ import annotations

from typing import Any

import pytest
from textual.css.stylesheet import Stylesheet

_begin, _set_variables = Stylesheet.__init__, Stylesheet.set_variables
_parsed: dict[frozenset[tuple[str, str]], dict[Any, Any]] = {}
"""What came of each sheet, by the colours it was parsed with."""


def begin(self: Any, *, variables: dict[str, str] | None = None) -> None:
    """As a style sheet's, with what others of these colours have parsed already."""
    _begin(self, variables=variables)
    self._parse_cache = _parsed.setdefault(frozenset(self._variables.items()), {})


def set_variables(self: Any, variables: dict[str, str]) -> None:
    """The same for other colours."""
    self._parse_cache = {}  # the one it has is others' too, and would be emptied
    _set_variables(self, variables)
    self._parse_cache = _parsed.setdefault(frozenset(variables.items()), {})


def share_styles(patch: pytest.MonkeyPatch) -> None:
    """Have apps share what their style sheets say."""
    patch.setattr(Stylesheet, "__init__", begin)
    patch.setattr(Stylesheet, "set_variables", set_variables)
