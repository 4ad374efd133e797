"""Texts and tables as Markdown that shows them as they are. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from workbench.text.sanitize import clean, clean_name

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def escape(text: Any) -> str:
    """A text as Markdown that shows it as it is, in one line."""
    return _SPECIAL.sub(r"\\\1", clean_name(str(text), 10_000))


def lines(text: str, limit: int) -> str:
    """A text of several lines as it may stand in a table's cell."""
    return "<br>".join(escape(line) for line in clean(text, limit).strip().split("\n"))


def code(text: str) -> str:
    """A text of one line as code."""
    said = clean_name(text, 10_000)
    ticks = "`" * (longest_ticks(said) + 1)
    edge = " " if said.startswith("`") or said.endswith("`") else ""
    return f"{ticks}{edge}{said}{edge}{ticks}"


def fenced(text: str, language: str) -> str:
    """Lines as a block of code, whatever stands in them."""
    fence = "`" * max(3, longest_ticks(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def longest_ticks(text: str) -> int:
    """How many backticks stand beside each other at most."""
    return max((len(ticks) for ticks in re.findall("`+", text)), default=0)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts that are shown as they are."""
    return raw_table([escape(item) for item in head], ([escape(item) for item in row] for row in rows))


def raw_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already, each of one line."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
