from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from workbench.text.log_line import LIMIT, shown
from workbench.text.sgr import PLAIN, Look, pieces

HOSTILE = st.lists(
    st.sampled_from(
        [
            b"\x1b[31m",
            b"\x1b[0m",
            b"\x1b]0;t\x07",
            b"\r",
            b"\t",
            b"\x00",
            b"\xff",
            b"abc",
            "é漢".encode(),
            "\u0301\u0301\u0301\u0301\u0301".encode(),
            "\u202e\u200d".encode(),
            b"\x1b[",
            b"\x9b1m",
            b"x" * 3000,
        ]
    )
).map(b"".join)


@given(HOSTILE)
def test_what_is_shown_is_one_harmless_line(raw: bytes) -> None:
    line = shown(raw)
    assert len(line.text) <= LIMIT
    for character in line.text:
        assert unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    ends = [end for end, _ in line.looks]
    assert ends == sorted(ends)
    assert not ends or ends[-1] == len(line.text)


def test_a_progress_bar_is_its_last_state() -> None:
    assert shown(b" 10%|#   |\r 50%|##  |\r100%|####|\n").text == "100%|####|"
    assert shown(b"\r 10%|#|\r 50%|##|\r        \r\x1b[A").text == " 50%|##|"
    assert shown(b"dos line\r\n").text == "dos line"


def test_tabs_widen_to_the_next_stop_whatever_the_colours() -> None:
    assert shown(b"a\tb").text == "a       b"
    assert shown(b"\x1b[31ma\x1b[0m\tb") == ("a       b", ((1, Look(1)), (9, PLAIN)), False)


def test_long_lines_are_clipped_and_say_so() -> None:
    assert shown(b"x" * LIMIT).clipped is False
    assert shown(b"x" * (LIMIT + 1)).clipped
    assert shown(b"\x1b[1m" + b"x" * LIMIT + b"\x1b[0m").clipped is False
    assert len(shown("é".encode() * 100_000).text) == LIMIT


def test_a_pile_of_combining_characters_is_cut_and_an_orphan_gets_a_place() -> None:
    assert shown(("e" + "\u0301" * 9 + "x").encode()).text == "e" + "\u0301" * 3 + "x"
    assert shown("\u0301x".encode()).text == "◌\u0301x"


def test_colours_of_every_form() -> None:
    def look(sequence: str) -> Look:
        return next(look for _, look in pieces(f"\x1b[{sequence}mx"))

    assert look("31") == Look(foreground=1)
    assert look("1;91;44") == Look(foreground=9, background=4, bold=True)
    assert look("38;5;208") == Look(foreground=208)
    assert look("38;2;1;2;3") == Look(foreground=(1, 2, 3))
    assert look("48:2::1:2:3") == Look(background=(1, 2, 3))
    assert look("38;2;999;0;0") == Look(foreground=(255, 0, 0))
    assert look("") == PLAIN
    assert look("38") == look("38;5") == PLAIN
    assert list(pieces("\x1b[1;31ma\x1b[39mb\x1b[22mc")) == [
        ("a", Look(foreground=1, bold=True)),
        ("b", Look(bold=True)),
        ("c", PLAIN),
    ]
