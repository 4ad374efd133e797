"""Lines of the dashboard's tables as they are drawn."""

from __future__ import annotations

import math
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from workbench.text.cells import width
from workbench.tui.table.cell import Cell, Span, harmless, pieces
from workbench.tui.table.columns import Column
from workbench.tui.table.drawing import PLAIN, Look, Pen, Sorting, sentences
from workbench.tui.table.layout import Layout, Placed, arrange
from workbench.tui.table.lines import Group
from workbench.tui.themes.palette import Palette

COLOURS = {
    "wb-text": "#ffffff",
    "wb-good": "#00ff00",
    "wb-mark": "#ffff00",
    "wb-cursor": "#000000",
    "wb-cursor-background": "#0000ff",
    "wb-badge-background": "#333333",
}
COLUMNS = (
    Column("state", "state", least=1, ideal=11, keep=60),
    Column("name", "name", least=6, ideal=12, keep=100, middle=True),
    Column("loss", "loss", unit="nats", right=True, least=6, ideal=10, keep=90),
    Column("trend", "", least=4, ideal=6, keep=50),
    Column("note", "note", least=4, ideal=12, rest=True, keep=10),
)
ROW = (
    Cell("● running", short="●"),
    Cell("calm-otter-42"),
    Cell("0.5"),
    Cell("", series=(1, 2, 3)),
    Cell("ok"),
)


def pen(*, ascii: bool = False) -> Pen:
    return Pen(Palette(COLOURS, ascii=ascii), Style(bgcolor="#101010"), COLUMNS)


def laid(cells: int, aside: int = 0) -> Layout:
    return arrange(COLUMNS, range(len(COLUMNS)), cells, frozen=2, aside=aside)


def test_a_row_stands_under_its_titles() -> None:
    layout = laid(70)
    header = pen().header(layout, Sorting("loss", True)).text
    row = pen().row(ROW, layout, PLAIN).text
    assert header == "  state        name           loss nats▼         note" + " " * 17
    assert header.index("nats") + 4 == row.index("0.5") + 3, "numbers end where their title ends"
    assert row.index("calm") == header.index("name")
    assert row.index("ok") == header.index("note")


def test_a_sentence_runs_over_the_columns_behind_it_also_when_its_own_is_out_of_sight() -> None:
    row = (*ROW[:2], Cell("queued: 2 GPUs wanted, free 0", "waiting", over=True), Cell(""), Cell("unseen"))
    assert pen().row(row, laid(70), PLAIN).text.rstrip().endswith("queued: 2 GPUs wanted, free 0")
    aside = Layout((Placed(0, 2, 1), Placed(1, 4, 12), Placed(3, 17, 6), Placed(4, 24, 20)), 44)
    assert "queued: 2" in pen().row(row, aside, PLAIN).text


def test_a_state_falls_back_to_its_glyph_where_its_word_has_no_room() -> None:
    narrow = laid(30)
    assert narrow.placed[0].width == 1
    assert pen().row(ROW, narrow, PLAIN).text.startswith(" ● calm-…")


def test_what_is_cut_says_so_and_ascii_stays_ascii() -> None:
    text = pen(ascii=True).row(
        (Cell("* running"), Cell("calm-otter-42-and-more"), *ROW[2:]), laid(70), Look("cursor")
    )
    assert text.text.isascii()
    assert "~" in text.text
    assert text.text.startswith("> ")
    assert pen(ascii=True).header(laid(30), Sorting("loss")).text.isascii()
    assert pen(ascii=True).group(Group("g", "mnist", 3), False, laid(30), PLAIN).text.isascii()
    shown = pen().row(
        (Cell(""), Cell(""), Cell("12345678", "good", (Span("90", "bad"), Span("xyz")))), laid(70), PLAIN
    )
    assert "1234567890" not in shown.text
    assert "12345678" in shown.text
    assert "…" in shown.text


def test_cursor_mark_and_hover_are_seen_without_colours_or_beside_them() -> None:
    layout = laid(70)
    plain, cursor, marked, hover = (
        pen().row(ROW, layout, look) for look in (PLAIN, Look("cursor"), Look(marked=True), Look(hover=True))
    )
    assert plain.text[0] == " "
    assert cursor.text[0] == "▌"
    assert marked.text[0] == "✔"
    grounds = {segment.style.bgcolor.name for segment in cursor if segment.style and segment.style.bgcolor}
    assert grounds == {"#0000ff"}
    assert hover.text == plain.text
    assert list(hover) != list(plain)


def test_what_would_have_the_colour_of_its_ground_is_plain() -> None:
    palette = Palette({**COLOURS, "wb-quiet": "#333333", "wb-cursor-blurred-background": "#333333"})
    style = Pen(palette, Style(), COLUMNS).style("dim", Look("cursor-blurred"))
    assert style.color != style.bgcolor


def seen(character: str) -> bool:
    return character == " " or category(character) not in ("Cf", "Cc", "Cs", "Zs", "Zl", "Zp")


TEXTS = st.text(st.characters() | st.sampled_from("\x1b\u200d\ufe0f\u0301\u202e❤👩💻快\n\t"), max_size=40)
CELLS = st.builds(
    Cell,
    TEXTS,
    st.sampled_from(["", "good", "badge", "match"]),
    st.lists(st.builds(Span, TEXTS, st.sampled_from(["", "bad"])), max_size=2).map(tuple),
    short=TEXTS,
    series=st.lists(st.sampled_from([0.0, 1.0, math.nan, math.inf]), max_size=9).map(tuple),
    over=st.booleans(),
)


@given(st.lists(CELLS, max_size=6), st.integers(1, 140), st.integers(0, 4), st.booleans(), st.booleans())
def test_every_line_fills_its_width_exactly_and_is_harmless(
    cells: list[Cell], columns: int, aside: int, ascii: bool, marked: bool
) -> None:
    layout, draws = laid(columns, aside), pen(ascii=ascii)
    group = Group("g", cells[0].text if cells else "", 7, detail=tuple(cells))
    for strip in (
        draws.header(layout, Sorting("loss", True)),
        draws.row(cells, layout, Look("cursor", marked)),
        draws.waiting(layout, PLAIN),
        draws.group(group, True, layout, PLAIN),
        draws.sentence(group.title, columns),
    ):
        assert cell_len(strip.text) == columns == strip.cell_length
        assert sum(cell_len(segment.text) for segment in strip) == columns
        assert all(map(seen, strip.text))


@given(TEXTS)
def test_harmless_text_is_as_wide_as_its_characters_together(text: str) -> None:
    clean = harmless(text)
    assert all(map(seen, clean))
    assert width(clean) == sum(width(character) for character in clean)
    assert not clean or width(clean[0]) > 0
    assert pieces(Cell(clean)) == ([Span(clean)] if clean else [])


@pytest.mark.parametrize("aside", [0, 1, 2])
def test_signs_say_that_columns_are_out_of_sight(aside: int) -> None:
    layout = laid(36, aside)
    text = pen().header(layout, None).text
    assert ("‹" in text) == bool(layout.before)
    assert text.endswith("›") == bool(layout.after)


def test_the_sign_of_more_columns_cuts_no_title_that_fits_its_column() -> None:
    columns = (
        Column("name", "NAME", least=40, ideal=40, keep=100),
        Column("used", "USED", right=True, least=4, ideal=4, keep=90),
        Column("note", "NOTE", least=40, ideal=40, keep=10),
    )
    layout = arrange(columns, range(3), 52, frozen=1)
    assert layout.after == 1
    header = Pen(Palette(COLOURS), Style(bgcolor="#101010"), columns).header(layout, None).text
    assert "USED" in header
    assert header.endswith("›")


def test_what_an_empty_table_says_breaks_where_its_parts_end_then_at_words() -> None:
    said = "No runs yet.   n makes one of a file."
    assert sentences(said, 60) == [said]
    assert sentences(said, 24) == ["No runs yet.", "n makes one of a file."]
    assert sentences(said, 12) == ["No runs yet.", "n makes one", "of a file."]
    assert sentences("a\n\nb   c", 80) == ["a", "", "b   c"]
