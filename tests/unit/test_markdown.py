"""Notes in Markdown: what is read of them, and how they stand on a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.text import markdown
from workbench.text.cells import width
from workbench.text.markdown import Kind, Span
from workbench.text.style import Look
from workbench.views import notes

NOTE = """\
# What *we* learned
The warm-up was
too short, see `lr`.

- **first**
  goes on
  1. second [run](https://example.org/a)
> a quote

| a | b |
|---|---|
```python
# no heading
x = 1
```
---
"""


def test_what_stands_in_a_note() -> None:
    found = markdown.read(NOTE)
    assert [block.kind for block in found] == [
        Kind.HEADING, Kind.PARAGRAPH, Kind.ITEM, Kind.ITEM, Kind.QUOTE, Kind.CODE, Kind.CODE, Kind.RULE,
    ]  # fmt: skip
    assert found[0].spans == (Span("What "), Span("we", "em"), Span(" learned"))
    assert markdown.plain(found[1]) == "The warm-up was too short, see lr."
    assert markdown.plain(found[2]) == "first goes on"
    assert (found[3].level, found[3].marker, found[3].spans[1]) == (
        1,
        "1.",
        Span("run", "link", "https://example.org/a"),
    )
    assert found[6].lines == ("# no heading", "x = 1")


@pytest.mark.parametrize(
    "text", ["**", "`", "a*b*", "snake_case_name", "[x](", "[x](y z)", "* ", "```", "<b>&", "2 * 3 * 4"]
)
def test_what_is_no_form_is_text(text: str) -> None:
    said = "".join(markdown.plain(block) for block in markdown.read("x " + text))
    assert said.replace(" ", "") in (
        "x" + text.replace(" ", ""),
        "x" + text.replace(" ", "").replace("*b*", "b"),
    )


def test_a_note_on_a_terminal() -> None:
    shown = notes.lines(NOTE, Look(60))
    assert shown == [
        "What we learned", "", "The warm-up was too short, see lr.", "", "• first goes on",
        "  1. second run <https://example.org/a>", "", "▏ a quote", "", "  | a | b |", "  |---|---|", "", "  # no heading",
        "  x = 1", "", "─" * 40,
    ]  # fmt: skip
    assert notes.lines("a\x1b]0;evil\x07b\x1b[2J\u202ec", Look(20)) == ["abc"]


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=400), st.integers(6, 60))
def test_no_line_is_wider_than_the_terminal(text: str, cells: int) -> None:
    for line in notes.lines(text, Look(cells)):
        assert width(line) <= cells
        assert "\x1b" not in line


def test_a_long_note_is_read_as_markdown_on_the_page_of_its_run() -> None:
    from datetime import UTC, datetime

    from tests.faces.fixed_runs import make_run
    from workbench.views.run_page import page

    now = datetime(2026, 11, 23, 12, 4, tzinfo=UTC)
    long = page(make_run(1, "otter", description="# Why\n- the **lr** \x1b[2J"), {}, [], now, Look(60))
    at = long.index("note")
    assert long[at : at + 4] == ["note", "  Why", "", "  • the lr"]
    assert any(
        line.split() == ["note", "best", "so", "far"]
        for line in page(make_run(1, "otter", description="best so far"), {}, [], now, Look(60))
    )
