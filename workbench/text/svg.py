"""What a picture in SVG is made of: numbers, escaped texts, elements. Pure: the same in, the same out."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from workbench.text.cells import cut
from workbench.text.sanitize import clean_name

LONGEST = 200
"""Characters of any text in a picture."""
_CELL = 0.62
"""The width of a character of a common typeface, in its size."""
_NOT_XML = dict.fromkeys((0xFFFE, 0xFFFF))


def number(value: float) -> str:
    """A coordinate in pixels: two decimals at most, without needless noughts."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def words(text: str) -> str:
    """A text from anywhere as it may stand in an element or an attribute."""
    return escape(clean_name(text, LONGEST).translate(_NOT_XML), quote=True)


def fitted(text: str, pixels: float, size: float) -> str:
    """A text cut in its middle so that it fills about so many pixels in type of that size; not escaped."""
    return cut(clean_name(text, LONGEST), max(1, int(pixels / (size * _CELL))), middle=True)


def attributes(**values: str | float) -> str:
    """Attributes as they stand in a tag; `stroke_width` is `stroke-width`."""
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_text(value), quote=True)}"'
        for name, value in values.items()
    )


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else number(value)


def element(name: str, body: str = "", **values: str | float) -> str:
    """One element; the body is markup already."""
    tag = name + attributes(**values)
    return f"<{tag}>{body}</{name}>" if body else f"<{tag}/>"


def said(text: str, x: float, y: float, size: float, colour: str, anchor: str = "start") -> str:
    """A text that stands at a point: from it on, around it (middle), or up to it (end)."""
    return element("text", words(text), x=x, y=y, font_size=size, fill=colour, text_anchor=anchor)


def line(x0: float, y0: float, x1: float, y1: float, colour: str, thickness: float = 1) -> str:
    """A straight line."""
    return element("line", x1=x0, y1=y0, x2=x1, y2=y1, stroke=colour, stroke_width=thickness)


def path(points: Sequence[tuple[float, float]], colour: str, thickness: float, opacity: float = 1.0) -> str:
    """A line through points; a single one is a dot."""
    if len(points) == 1:
        (x, y) = points[0]
        return element("circle", cx=x, cy=y, r=thickness, fill=colour, fill_opacity=opacity)
    drawn = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return element(
        "path", d=drawn, fill="none", stroke=colour, stroke_width=thickness, stroke_opacity=opacity
    )


def document(body: Sequence[str], width: int, height: int, title: str, ground: str) -> str:
    """A whole picture of so many pixels on a ground; the title is read out to who does not see it."""
    shape = attributes(
        xmlns="http://www.w3.org/2000/svg",
        width=width,
        height=height,
        viewBox=f"0 0 {width} {height}",
        font_family="system-ui, sans-serif",
        role="img",
    )
    back = element("rect", width="100%", height="100%", fill=ground)
    lines = [f"<svg{shape}>", f"<title>{words(title)}</title>", back, *body, "</svg>"]
    return "\n".join(lines) + "\n"
