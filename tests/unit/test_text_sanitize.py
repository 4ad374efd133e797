"""Hostile text never reaches a terminal raw (law 8)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.text.sanitize import TerminalStream, clean, clean_name

PIECES = st.sampled_from(
    [
        "\x1b",
        "\x9b",
        "[",
        "]",
        "31",
        "m",
        "\x07",
        "\x1b\\",
        "P",
        "0;t",
        "\r",
        "\n",
        "\t",
        "é",
        "快",
        "x",
        "\u202e",
        "\ud800",
        "\x85",
        "\u2028",
        "\u200b",
        "\U000e0041",
        ";",
        "J",
        " ",
        "\x00",
        "\x7f",
    ]
)
HOSTILE = st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join))
REORDERING = {"RLE", "LRE", "RLO", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI"}


def forbidden(text: str, allowed: str) -> list[str]:
    return [
        c
        for c in text
        if c not in allowed
        and (
            unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(c) in REORDERING
        )
    ]


@given(HOSTILE)
def test_clean_leaves_newlines_and_tabs_alone_of_all_control_characters(text: str) -> None:
    assert not forbidden(clean(text), "\n\t")


@given(HOSTILE)
def test_clean_is_stable(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(HOSTILE, st.integers(1, 50))
def test_clean_keeps_its_limit(text: str, limit: int) -> None:
    assert len(clean(text, limit)) <= limit


@given(HOSTILE)
def test_names_are_one_line(text: str) -> None:
    name = clean_name(text)
    assert not forbidden(name, "")
    assert name == name.strip()
    assert len(name) <= 200


@given(st.lists(HOSTILE.map(lambda t: t.encode("utf-8", "surrogateescape" if t.isascii() else "replace"))))
def test_a_stream_has_only_sgr_newlines_tabs_and_returns(blocks: list[bytes]) -> None:
    import re

    stream = TerminalStream()
    shown = "".join(stream.feed(block) for block in blocks) + stream.close()
    assert not forbidden(re.sub(r"\x1b\[[0-9;:]*m", "", shown), "\n\t\r")


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp"))), st.integers(1, 7))
def test_a_stream_cut_anywhere_shows_the_same(text: str, step: int) -> None:
    data = f"\x1b[31m{text}\x1b]0;title\x1b\\\x1b[0m{text}".encode()
    stream = TerminalStream()
    shown = "".join(stream.feed(data[at : at + step]) for at in range(0, len(data), step)) + stream.close()
    assert shown == f"\x1b[31m{text}\x1b[0m{text}\x1b[0m"


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b]0;owned\x07title", "title"),
        ("\x1b]52;c;ZXZpbA==\x1b\\clip", "clip"),
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("\x9b31mred\x9b0m", "red"),
        ("\x1bPq#0\x1b\\sixel", "sixel"),
        ("abc\u202efdp.exe", "abcfdp.exe"),
        ("\x1b]0;never ended", "0;never ended"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("bad\ud800byte", "bad�byte"),
        ("\x1b\x1b[31m[31mtwice", "[31mtwice"),
    ],
)
def test_known_attacks(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown


def test_a_cut_is_marked() -> None:
    assert clean("x" * 100, 10) == "x" * 9 + "…"
    assert clean("\x1b[31m" * 1000 + "x", 10).endswith("…")
