"""Texts and tables as HTML that shows them as they are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from workbench.text.sanitize import clean_name

Cell = tuple[str, str]
"""A text, and the classes of the style sheet it is shown in; "" for none."""


def words(text: object, limit: int = 300) -> str:
    """A text of one line, in an element or an attribute."""
    return escape(clean_name(str(text), limit), quote=True)


def table(head: Sequence[Cell], rows: Iterable[Sequence[Cell]], classes: str = "") -> str:
    """A table of cells whose texts are cleaned already, with a head unless that is empty."""
    lines = [f"<thead><tr>{''.join(_cell('th', *cell) for cell in head)}</tr></thead>"] if head else []
    lines += [f"<tr>{''.join(_cell('td', *cell) for cell in row)}</tr>" for row in rows]
    return f"<table{_class(classes)}>{''.join(lines)}</table>"


def _cell(tag: str, text: str, classes: str) -> str:
    return f"<{tag}{_class(classes)}>{escape(text)}</{tag}>"


def _class(classes: str) -> str:
    return f' class="{classes}"' if classes else ""
