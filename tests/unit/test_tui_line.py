"""A line of the frame fills its width exactly, whatever stands in its pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from workbench.text.cells import undisputed
from workbench.tui.frame.line import Piece, laid_out

PARTS = [
    "a",
    "z\u200d",
    "\u200d猫",
    "猫",
    "\u2764",
    "\ufe0f",
    "👩\u200d👧",
    "e\u0301",
    "\u200b",
    "\x1b[2J",
    "\t",
    " ",
    "…",
]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=12).map("".join)
PIECES = st.lists(TEXTS.map(Piece), max_size=4)


@given(PIECES, PIECES, st.integers(0, 40))
def test_pieces_fill_a_line_exactly_whatever_joins_them(
    left: list[Piece], right: list[Piece], cells: int
) -> None:
    assert cell_len("".join(piece.text for piece in laid_out(left, right, cells))) == cells


@given(TEXTS, TEXTS)
def test_undisputed_texts_are_as_wide_together_as_apart(one: str, other: str) -> None:
    one, other = undisputed(one), undisputed(other)
    assert cell_len(one + other) == cell_len(one) + cell_len(other)
