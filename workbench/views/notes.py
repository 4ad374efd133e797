"""Notes as lines for a terminal: Markdown in, painted lines out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from workbench.text import markdown
from workbench.text.cells import cut
from workbench.text.cells import width as cells_of
from workbench.text.markdown import Block, Kind, Span
from workbench.text.sanitize import clean, clean_name
from workbench.text.style import Look, paint

LONGEST = 1 << 20
GIST = 400
"""Characters of a note that a list looks at."""
ROLES = {"strong": "bold", "em": "active", "code": "waiting", "link": "active"}


def lines(text: str, look: Look) -> list[str]:
    """A note as it is read, none of its lines wider than look."""
    found: list[str] = []
    before: Kind | None = None
    for block in markdown.read(clean(text, LONGEST)):
        if before is not None and not (block.kind is before and before in (Kind.ITEM, Kind.QUOTE)):
            found.append("")
        found += _lines(block, look)
        before = block.kind
    return found


def gist(text: str) -> str:
    """What a note is about in one line, without its forms: its first words."""
    said = (markdown.plain(block) for block in markdown.read(text[:GIST]) if block.spans)
    return clean_name("  ".join(said), GIST)


def _lines(block: Block, look: Look) -> Iterator[str]:
    bullet, bar, rule = ("-", "|", "-") if look.ascii_only else ("•", "▏", "─")
    if block.kind is Kind.RULE:
        yield paint(rule * min(look.width, 40), "quiet", look.colour)
    elif block.kind is Kind.CODE:
        for line in block.lines:
            yield paint(cut("  " + line, look.width), "waiting", look.colour)
    elif block.kind is Kind.HEADING:
        yield from _wrapped([Span(markdown.plain(block), "strong")], look, "", "")
    elif block.kind is Kind.ITEM:
        lead = "  " * block.level + (bullet if block.marker == "-" else block.marker) + " "
        yield from _wrapped(block.spans, look, lead, " " * cells_of(lead))
    elif block.kind is Kind.QUOTE:
        yield from _wrapped(block.spans, look, f"{bar} ", f"{bar} ")
    else:
        yield from _wrapped(block.spans, look, "", "")


def _wrapped(spans: Iterable[Span], look: Look, first: str, later: str) -> Iterator[str]:
    """Spans in lines of at most the look's width, broken at spaces where there are any."""
    line, used, begun = first, cells_of(first), False
    for word, role, spaced in _words(spans):
        while word:
            gap = " " if spaced and begun else ""
            room = look.width - used - len(gap)
            if cells_of(word) <= room or (not begun and room < 4):
                line += gap + paint(word, role, look.colour)
                used += len(gap) + cells_of(word)
                begun, word = True, ""
            elif begun:
                yield line
                line, used, begun = later, cells_of(later), False
            else:  # a word that no line is wide enough for
                head = cut(word, room, ellipsis="") or word[0]
                yield line + paint(head, role, look.colour)
                line, used, word = later, cells_of(later), word[len(head) :]
    if begun:
        yield line


def _words(spans: Iterable[Span]) -> Iterator[tuple[str, str, bool]]:
    """Each word with its role, and whether a space stands before it."""
    spaced = False
    for span in spans:
        role = ROLES.get(span.form, "")
        text = span.text
        if span.form == "link" and span.target != span.text:
            text = f"{text} <{span.target}>"
        for number, word in enumerate(text.split(" ")):
            if number:
                spaced = True
            if word:
                yield word, role, spaced
                spaced = False
