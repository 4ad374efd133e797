"""Notes as HTML that nothing hides in: texts are escaped, links lead to the web or nowhere. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from workbench.text import markdown
from workbench.text.markdown import Block, Kind, Span
from workbench.text.sanitize import clean

LONGEST = 1 << 20
SAFE = ("https://", "http://", "mailto:")
_FORMS = {"strong": "strong", "em": "em", "code": "code"}


def html(text: str, level: int = 0) -> str:
    """A note as HTML; its headings are so many levels deeper than they say."""
    return "\n".join(_blocks(markdown.read(clean(text, LONGEST)), level))


def _blocks(blocks: list[Block], level: int) -> Iterator[str]:
    listed = False
    for block in blocks:
        if (block.kind is Kind.ITEM) != listed:
            listed = not listed
            yield "<ul>" if listed else "</ul>"
        yield _block(block, level)
    if listed:
        yield "</ul>"


def _block(block: Block, level: int) -> str:
    said = "".join(map(_span, block.spans))
    if block.kind is Kind.HEADING:
        depth = min(6, block.level + level)
        return f"<h{depth}>{said}</h{depth}>"
    if block.kind is Kind.ITEM:
        number = "" if block.marker == "-" else f"{escape(block.marker)} "
        return f'<li class="deep{block.level}">{number}{said}</li>'
    if block.kind is Kind.CODE:
        return f"<pre>{escape(chr(10).join(block.lines))}</pre>"
    if block.kind is Kind.QUOTE:
        return f"<blockquote>{said}</blockquote>"
    return "<hr>" if block.kind is Kind.RULE else f"<p>{said}</p>"


def _span(span: Span) -> str:
    text = escape(span.text)
    if span.form == "link" and span.target.lower().startswith(SAFE):
        return f'<a href="{escape(span.target, quote=True)}" rel="noreferrer">{text}</a>'
    form = _FORMS.get(span.form)
    return text if form is None else f"<{form}>{text}</{form}>"
