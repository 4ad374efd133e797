"""What is found over many lines at once is what is found line by line."""

from __future__ import annotations

import re
import sys
import warnings

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench.text import log_regex, regex_reading
from workbench.text.log_hits import Hit, by_line
from workbench.text.log_regex import regex_counter, regex_finder

LETTERS = ["a", "b", "A", "k", "s", "é", "\\.", "\\-", " ", "1", "-", "{", "}", "]", "=", "\\t", "\\x41", "ſ"]
SETS = [
    ".", r"\s", r"\S", r"\d", r"\D", r"\w", r"\W", "[ab]", "[^ab]", "[^]a]", "[]a]", r"[\s,]", r"[^\s]", r"[\D]",
    "[a-c]", "[^-a]", r"[\]\-]", r"[^\w]", "[^^]", "[-1]", r"[\W\d]",
]  # fmt: skip
ANCHORS = ["^", "$", r"\b", r"\B", r"\A", r"\Z"]
REPEATS = ["", "", "", "*", "+", "?", "{2}", "{0,2}", "{1,}", "{,2}", "*?", "+?", "++", "{}", "{a"]
OPENINGS = ["(", "(?:", "(?>", "(?=", "(?!", "(?<=", "(?<!", "(?P<x>", "(?i:"]
ATOMS = st.sampled_from(LETTERS * 2 + SETS)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    groups = st.tuples(st.sampled_from(OPENINGS), st.lists(inner, min_size=1, max_size=3)).map(
        lambda found: f"{found[0]}{'|'.join(found[1])})"
    )
    part = st.one_of(ATOMS, groups)
    repeated = st.tuples(part, st.sampled_from(REPEATS)).map("".join)
    return st.lists(st.one_of(repeated, st.sampled_from(ANCHORS)), min_size=1, max_size=4).map("".join)


PATTERNS = st.recursive(st.lists(ATOMS, min_size=1, max_size=3).map("".join), _grown, max_leaves=6)
SEEN = [
    "\n",
    "\n",
    "a",
    "b",
    "ab",
    "A",
    "k",
    "s",
    "é",
    ".",
    "-",
    " ",
    "1",
    "\t",
    "\r",
    "\r\n",
    "\x1b[1m",
    "ſ",
]
SIGNS = ["K", "]", "=", "{", "}", "^", ","]
LOGS = st.lists(st.sampled_from([*SEEN, *SIGNS]), max_size=30).map(lambda parts: "".join(parts).encode())
BYTES = st.tuples(LOGS, st.sampled_from([b"", b"\xff", b"\xe2\x82", b"\n"]), LOGS).map(b"".join)


def compiled(pattern: str, flags: int) -> re.Pattern[str] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return re.compile(pattern, flags)
        except (re.error, FutureWarning, OverflowError):
            return None


def line_by_line(pattern: str, flags: int, data: bytes) -> list[Hit]:
    expression = compiled(pattern, flags)
    assert expression is not None
    return list(by_line(data, 7, expression.search))


@settings(max_examples=600)
@given(PATTERNS, st.sampled_from([0, re.IGNORECASE]), BYTES, st.booleans())
@example(r"a\Z|^b", 0, b"a\nb\n", False)
@example(r"$", 0, b"a", False)
@example(r"$", 0, b"a\n", False)
@example(r"\n", 0, b"a\n", False)
@example(r"x*", 0, b"\n\nx\r\n", False)
@example(r"$", 0, b"", False)
@example(r"$", 0, b"\n", False)
@example(r"$", 0, b"\r", False)
@example(r"^", 0, b"a\n\r", False)
@example(r"^", 0, b"\x1b[1m\n\x1b[1m", False)
@example(r"a$", 0, b"\x1b[1ma\nb", False)
@example("a\nb", 0, b"a\nb\n", True)
@example("\n", 0, b"a\n\nb", False)
@example("\\\n", 0, b"a\n\nb", False)
@example(r"sk", re.IGNORECASE, "\u017f\u212a\nsk\n".encode(), True)
@example(r"(?<=a)ab", 0, b"abaab\n", True)
@example(r"A", re.IGNORECASE, b"a\nA\n", True)
@example(r"[0-_]b", re.IGNORECASE, b"aB\nAb\n", True)
@example(r"a\S[^b]", re.IGNORECASE, b"ABC\nabB\n", True)
def test_a_block_gives_what_its_lines_give(pattern: str, flags: int, data: bytes, dense: bool) -> None:
    if compiled(pattern, flags) is None:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_regex, "SPARSE", 10**9 if dense else 0)
        find = regex_finder(pattern, flags)
        assert list(find(data, 7)) == line_by_line(pattern, flags, data)
        assert regex_counter(pattern, flags, find)(data) == len(line_by_line(pattern, flags, data))


@settings(max_examples=300)
@given(PATTERNS, BYTES)
def test_what_is_found_has_one_of_the_needed_texts(pattern: str, data: bytes) -> None:
    expression = compiled(pattern, 0)
    needles = regex_reading.read(pattern).needles if expression is not None else ()
    for line in data.decode("utf-8", "replace").split("\n") if expression is not None and needles else []:
        if expression is not None and expression.search(line):
            assert any(needle in line for needle in needles)


@pytest.mark.parametrize(
    ("pattern", "needles"),
    [
        (r"loss=0\.00\d\d\d1 acc", ("loss=0.00",)),
        (r"epoch \d+", ("epoch ",)),
        (r"(?:error|warning): \S+", ("error", "warning")),
        (r"(error|w?): x", (": x",)),
        (r"a+bc?", ("a",)),
        (r"x{0,3}yz", ("yz",)),
        (r"x{,3}", ()),
        (r"(?!nothing)\d", ()),
        (r"(?i)loss", ()),
        (r"\bword\b", ("word",)),
        (r'\{"loss": 1', ('{"loss": 1',)),
        (r'{"loss": 1', ('{"loss": 1',)),
        (r"\d+", ()),
        ("|".join("abcdefghi"), ()),
    ],
)
def test_needed_texts(pattern: str, needles: tuple[str, ...]) -> None:
    assert regex_reading.read(pattern).needles == needles


@pytest.mark.parametrize(
    ("pattern", "across"),
    [
        (r"\s+\D", r"[^\S\n]+[^\d\n]"),
        (r"\A[^x]*\Z", r"^[^\nx]*$"),
        (r"[^]x]", r"[^\n\]x]"),
        (r"\Bx", None),
        (r"[\D]", None),
        (r"[\t-z]", None),
        (r"\x0a", None),
        (r"(?s:.)", None),
        (r"(?P<a>x)(?P=a)", r"(?P<a>x)(?P=a)"),
    ],
)
def test_how_an_expression_is_asked_of_many_lines(pattern: str, across: str | None) -> None:
    assert regex_reading.read(pattern).across == across


def test_spaces_within_brackets_are_all_that_python_calls_so() -> None:
    listed = re.compile(f"[{regex_reading._SPACES}]")
    for code in range(sys.maxunicode + 1):
        letter = chr(code)
        assert bool(listed.match(letter)) == (letter != "\n" and re.match(r"\s", letter) is not None)


def test_letters_that_are_no_ascii_but_like_one_in_any_case_are_all_known() -> None:
    known = {like: letter for letter, likes in log_regex._LIKE.items() for like in likes}
    letters = {letter: re.compile(letter, re.IGNORECASE) for letter in "abcdefghijklmnopqrstuvwxyz"}
    any_letter = re.compile("[a-z]", re.IGNORECASE)
    for like in filter(any_letter.match, map(chr, range(128, sys.maxunicode + 1))):
        assert [letter for letter, alike in letters.items() if alike.match(like)] == [known[like]]


def test_a_block_of_returns_and_of_one_line_is_gone_through_once() -> None:
    """Nothing here asks a long line again from each of its places: this would not end."""
    returns = b"\r" * 1_000_000 + b"x\n"
    assert [hit.start for hit in regex_finder(r"^x|y$", 0)(b"\x1b[1m" + returns, 0)] == []
    quoted = b"a" * 1_000_000 + b"\n" + b'"\n'
    assert [hit.start for hit in regex_finder(r'^[^"]*"', 0)(quoted, 0)] == [1_000_001]
