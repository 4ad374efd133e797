"""Conditions on texts: equal, LIKE, patterns, and words that stand in a run's own texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.store.sqlite.codec import plain_text
from workbench.text import filter_match

Condition = tuple[str, list[Any]]
_SEARCHED = ("id", "name", "description", "command")


def any_of(conditions: Sequence[Condition], between: str = " OR ") -> Condition:
    """One of these conditions, or with " AND " all of them."""
    if len(conditions) == 1:
        return conditions[0]
    sql = between.join(f"({sql})" for sql, _ in conditions)
    return f"({sql})", [value for _, values in conditions for value in values]


def text(column: str, operator: str, values: Sequence[str]) -> Condition:
    """A column of texts beside values; a NULL in it fits nothing."""
    plain = [plain_text(value) for value in values]
    if operator in ("=", "!="):
        if len(plain) == 1:
            return f"{column} {operator} ?", [*plain]
        return f"{column} {'' if operator == '=' else 'NOT '}IN ({', '.join('?' * len(plain))})", [*plain]
    sign = "NOT " if operator.startswith(("NOT ", "!")) else ""
    if operator in ("~", "!~"):
        globs = filter_match.globs(plain[0])
        hay = column if filter_match.case_matters(plain[0]) else f"lower({column})"
        sql, given = any_of([(f"{hay} GLOB ?", [glob]) for glob in globs])
        return f"{sign}({sql})", given
    if operator.endswith("ILIKE"):
        return f"{column} {sign}LIKE ?", [plain[0]]
    return f"{column} {sign}GLOB ?", [_glob_of_like(plain[0])]


def _glob_of_like(pattern: str) -> str:
    """LIKE tells capitals apart here, as MLflow's does; SQLite's own does not, its GLOB does."""
    signs = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    return "".join(signs.get(character, character) for character in pattern)


def search(words: str, *, there: bool = True) -> Condition:
    """A text that stands in a run's id, name, description or command, in any case of ASCII letters."""
    escaped = plain_text(words).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    likes = " OR ".join(f"coalesce(r.{column}, '') LIKE ? ESCAPE '\\'" for column in _SEARCHED)
    return f"{'' if there else 'NOT '}({likes})", [f"%{escaped}%"] * len(_SEARCHED)
