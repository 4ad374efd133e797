"""A filter as text, in one form for all ways to say the same: parsing it gives back the tree."""

from __future__ import annotations

import re

from workbench.text.filter_names import written
from workbench.text.filter_tree import And, Comparison, Filter, Not, Or, Presence, Words

_PLAIN = re.compile(r"[A-Za-z0-9_.+-][A-Za-z0-9_./:+-]*", re.ASCII)
_KEYWORDS = frozenset({"AND", "OR", "NOT", "IN", "IS", "LIKE", "ILIKE", "NULL", "BETWEEN"})


def format(tree: Filter) -> str:
    """The filter as one types it; empty for everything."""
    if isinstance(tree, And):
        return " and ".join(_inner(part, And) for part in tree.parts)
    if isinstance(tree, Or):
        return " or ".join(_inner(part, Or) for part in tree.parts)
    if isinstance(tree, Not):
        return f"not {_inner(tree.part, Not)}"
    if isinstance(tree, Words):
        return _words(tree)
    if isinstance(tree, Presence):
        return f"{written(tree.field)} IS {'NOT ' if tree.there else ''}NULL"
    return _comparison(tree)


def _words(leaf: Words) -> str:
    said = written_value(leaf.text)
    return said if leaf.there else f"not {said}"


def _inner(tree: Filter, outer: type) -> str:
    """A part in brackets, unless it binds closer than what it stands in."""
    bare = not isinstance(tree, And | Or) or (outer is Or and isinstance(tree, And))
    return format(tree) if bare else f"({format(tree)})"


def _comparison(leaf: Comparison) -> str:
    name, values = written(leaf.field), [written_value(value) for value in leaf.values]
    if len(values) > 1:
        return f"{name} {'NOT ' if leaf.operator == '!=' else ''}IN ({', '.join(values)})"
    return f"{name} {leaf.operator} {values[0]}"


def written_value(text: str) -> str:
    """A value or a word to look for as one types it: in quotes where it would be read as something else."""
    plain = _PLAIN.fullmatch(text) is not None and text.upper() not in _KEYWORDS
    return text if plain else _quoted(text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
