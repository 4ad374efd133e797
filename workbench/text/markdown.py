"""The Markdown of notes, read: headings, lists, quotes, code, tables as they stand, inline forms. Pure.

Whatever it does not know is text. Nothing in it is ever taken for HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

MOST_LINES = 20_000
DEEPEST = 6

_HEADING = re.compile(r"(#{1,6})[ \t]+(.*?)[ \t]*#*$")
_ITEM = re.compile(r"([ \t]*)([-*+]|[0-9]{1,9}[.)])[ \t]+(.*)$")
_RULE = re.compile(r"[ ]{0,3}([-*_])([ \t]*\1){2,}[ \t]*$")
_FENCE = re.compile(r"[ ]{0,3}(```+|~~~+)")
_INLINE = re.compile(
    r"\\(?P<plain>[\\`*_{}\[\]<>()#+\-.!|~&])"
    r"|`(?P<code>[^`\n]+)`"
    r"|\*\*(?P<strong>[^*\n]+)\*\*|__(?P<strong2>[^_\n]+)__"
    r"|\*(?P<em>[^*\s][^*\n]*)\*|(?<!\w)_(?P<em2>[^_\s][^_\n]*)_(?!\w)"
    r"|\[(?P<link>[^\]\n]{1,1000})\]\((?P<target>[^)\s]{1,2000})\)"
)


class Kind(StrEnum):
    """What a block is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    QUOTE = "quote"
    CODE = "code"
    RULE = "rule"


class Span(NamedTuple):
    """A piece of a line: form is "", strong, em, code or link."""

    text: str
    form: str = ""
    target: str = ""
    """Where a link leads, as it was written."""


class Block(NamedTuple):
    """One block; a list's items are a block each."""

    kind: Kind
    spans: tuple[Span, ...] = ()
    level: int = 0
    """A heading's 1 to 6; how deep an item is, from 0."""
    marker: str = ""
    """An item's: "-" or its number."""
    lines: tuple[str, ...] = ()
    """Of code, and of tables, which are shown as they stand."""


def read(text: str) -> list[Block]:
    """The blocks of a text; of lines beyond MOST_LINES nothing."""
    found: list[Block] = []
    held: list[str] = []
    lines = text.expandtabs(4).splitlines()[:MOST_LINES]
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        fence = _FENCE.match(line)
        block = None
        if fence:
            stop = next(
                (n for n in range(at, len(lines)) if lines[n].strip().startswith(fence[1])), len(lines)
            )
            block = Block(Kind.CODE, lines=tuple(lines[at:stop]))
            at = stop + 1
        elif line.lstrip().startswith("|"):
            stop = next(
                (n for n in range(at, len(lines)) if not lines[n].lstrip().startswith("|")), len(lines)
            )
            block = Block(Kind.CODE, lines=tuple(lines[at - 1 : stop]))
            at = stop
        elif line.strip():
            block = _block(line)
        if block is None and line.strip():
            if (
                found
                and not held
                and found[-1].kind in (Kind.ITEM, Kind.QUOTE)
                and at > 1
                and lines[at - 2].strip()
            ):
                before = found.pop()  # a lazy line goes on with what stands above it
                found.append(before._replace(spans=(*before.spans, Span(" "), *spans(line.strip()))))
            else:
                held.append(line.strip())
            continue
        found += _paragraph(held)
        held = []
        if block is not None:
            found.append(block)
    return found + _paragraph(held)


def _paragraph(lines: list[str]) -> list[Block]:
    return [Block(Kind.PARAGRAPH, tuple(spans(" ".join(lines))))] if lines else []


def _block(line: str) -> Block | None:
    """A block that a line alone makes; None for a line of a paragraph."""
    if _RULE.match(line):
        return Block(Kind.RULE)
    if heading := _HEADING.match(line):
        return Block(Kind.HEADING, tuple(spans(heading[2])), len(heading[1]))
    if item := _ITEM.match(line):
        marker = "-" if item[2] in "-*+" else item[2].rstrip(".)") + "."
        return Block(Kind.ITEM, tuple(spans(item[3])), min(DEEPEST, len(item[1]) // 2), marker)
    if line.startswith(">"):
        return Block(Kind.QUOTE, tuple(spans(line.lstrip("> "))))
    return None


def spans(text: str) -> Iterator[Span]:
    """The pieces of a line."""
    at = 0
    for match in _INLINE.finditer(text):
        if match.start() > at:
            yield Span(text[at : match.start()])
        at = match.end()
        kind = str(match.lastgroup)
        if kind == "plain":
            yield Span(match[0][1:])
        elif kind == "target":
            yield Span(match["link"], "link", match["target"])
        else:
            yield Span(match[kind], kind.rstrip("2"))
    if at < len(text):
        yield Span(text[at:])


def plain(block: Block) -> str:
    """A block's text without its forms."""
    return "".join(span.text for span in block.spans)
