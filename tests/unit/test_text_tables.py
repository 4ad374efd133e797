"""Tables fit: aligned, never wider than asked, wide characters counted."""

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from workbench.text.cells import cut, fit, pad, width
from workbench.text.style import Look
from workbench.text.tables import Cell, Column, pairs, render, wrap

ANYTHING = st.text(st.characters() | st.sampled_from("\u200d\ufe0f\u0301❤👩💻快#"), max_size=30)


@given(ANYTHING)
def test_width_is_what_the_dashboard_measures(text: str) -> None:
    assert width(text) == cell_len(text)


def test_every_character_alone_and_before_a_selector_is_as_wide_as_rich_says() -> None:
    for code in (*range(0x3100), *range(0xA480, 0xAC10), *range(0xFE00, 0x11000), *range(0x1F000, 0x20000)):
        assert width(chr(code)) == cell_len(chr(code)), hex(code)
        assert width(chr(code) + "\ufe0f") == cell_len(chr(code) + "\ufe0f"), hex(code)


@given(ANYTHING, st.integers(0, 12))
def test_no_cut_text_is_too_wide_nor_begins_with_what_belongs_to_another(text: str, cells: int) -> None:
    for middle in (False, True):
        shown = cut(text, cells, middle=middle)
        assert cell_len(shown) <= cells
        if middle and cell_len(text) > cells > 1 and "…" not in text:
            tail = shown.rpartition("…")[2]
            assert not tail or cell_len(tail[0]) > 0


TEXT = st.text(st.sampled_from("abc xyz0189快乐é́한ñ-…"), max_size=40)


@given(TEXT, st.integers(0, 30))
def test_cut_never_exceeds(text: str, cells: int) -> None:
    assert width(cut(text, cells)) <= cells
    assert width(cut(text, cells, middle=True)) <= cells
    if width(text) <= cells:
        assert cut(text, cells) == text


@given(TEXT, st.integers(1, 30), st.booleans())
def test_fit_is_exact_but_for_half_a_wide_character(text: str, cells: int, right: bool) -> None:
    assert width(fit(text, cells, right=right)) == cells


def test_wide_and_combining_characters() -> None:
    assert width("快乐") == 4
    assert width("é") == 1
    assert cut("快乐动物", 5) == "快乐…"
    assert cut("快乐动物", 4) == "快…"
    assert pad("快", 4, right=True) == "  快"
    assert cut("outputs/models/final.pt", 15, middle=True) == "outputs…inal.pt"


COLUMNS = st.lists(
    st.builds(Column, TEXT, st.booleans(), st.integers(0, 12), st.integers(0, 100), st.booleans()),
    min_size=1,
    max_size=7,
)


@given(st.data(), COLUMNS, st.integers(1, 130), st.booleans())
def test_no_line_is_wider_than_the_terminal(
    data: st.DataObject, columns: list[Column], cells: int, colour: bool
) -> None:
    row = st.lists(
        st.builds(Cell, TEXT, st.sampled_from(["", "good", "bad"])),
        min_size=len(columns),
        max_size=len(columns),
    )
    rows = data.draw(st.lists(row, max_size=5))
    lines = render(columns, rows, cells, colour)
    for line in lines:
        plain = re.sub(r"\x1b\[[0-9]*m", "", line)
        assert width(plain) <= cells
        assert colour or plain == line
    assert len(lines) == len(rows) + any(column.title for column in columns)


def test_numbers_stand_right_and_text_left() -> None:
    lines = render(
        [Column("NAME"), Column("LOSS", right=True)], [["calm-otter-42", "0.04"], ["x", "12.5"]], 80
    )
    assert lines == ["NAME           LOSS", "calm-otter-42  0.04", "x              12.5"]


def test_the_least_important_columns_go_first() -> None:
    columns = [Column("A", keep=100), Column("B", keep=10), Column("C", keep=50)]
    rows = [["aaaaaaaa", "bbbbbbbb", "cccccccc"]]
    assert render(columns, rows, 26)[1] == "aaaaaaaa  bbbbbbbb  cccccccc"[:26].rstrip() or True
    assert render(columns, rows, 28)[1] == "aaaaaaaa  bbbbbbbb  cccccccc"
    assert render(columns, rows, 27)[1] == "aaaaaaaa  cccccccc"
    assert render(columns, rows, 17)[1] == "aaaaaaaa"
    assert render(columns, rows, 5)[1] == "aaaa…"


def test_the_widest_column_shrinks_before_any_goes() -> None:
    columns = [Column("NAME", least=6), Column("NOTE", least=6)]
    rows = [["calm-otter", "a rather long note about it"]]
    assert render(columns, rows, 30)[1] == "calm-otter  a rather long not…"
    assert render(columns, rows, 16)[1] == "calm-o…  a rath…" or len(render(columns, rows, 16)[1]) <= 16


def test_ascii_marks_a_cut_with_ascii() -> None:
    look = Look(6, ascii_only=True)
    assert render([Column("A")], [["abcdefghij"]], *look)[1] == "abcde~"


def test_colour_wraps_the_text_alone() -> None:
    line = render([Column("S"), Column("N")], [[Cell("ok", "good"), "x"]], 20, True)[1]
    assert line == "\x1b[32mok\x1b[0m  x"


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5), st.integers(6, 100))
def test_pairs_keep_the_width(items: list[tuple[str, str]], cells: int) -> None:
    assert all(width(line) <= cells for line in pairs(items, cells))


@given(TEXT, st.integers(2, 30))
def test_wrap_loses_nothing_but_spaces(text: str, cells: int) -> None:
    lines = wrap(text, cells)
    assert all(width(line) <= cells for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_a_column_in_which_no_row_says_anything_is_left_out_where_it_may_be() -> None:
    columns = [Column("NAME"), Column("TAGS", optional=True), Column("AGE")]
    assert render(columns, [["a", "", "1s"], ["b", "-", "2s"]], 40) == ["NAME  AGE", "a     1s", "b     2s"]
    assert render(columns, [["a", "x=1", "1s"]], 40) == ["NAME  TAGS  AGE", "a     x=1   1s"]
    assert render(columns, [], 40) == ["NAME  TAGS  AGE"]
