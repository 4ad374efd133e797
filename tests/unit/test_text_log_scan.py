from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import UsageError
from workbench.text import log_cover
from workbench.text.log_hits import Hit
from workbench.text.log_pattern import Pattern, counter, errors, finder, parse, places
from workbench.text.log_rows import stretches
from workbench.text.log_scan import Scan

TEXT = st.lists(
    st.sampled_from(
        [b"\n", b"ab", b"Ab ", b"x\n", b"--------", b"\x1b[31m", b"\xff", "é".encode(), b"\r", b"ab\n"]
    ),
    max_size=40,
).map(b"".join)
PATTERNS = st.sampled_from(["ab", "Ab", "b x", "é", "É", "/^ab/", "/b$/", "/a.?b/", "/B/"])


@st.composite
def logs(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, int]]]:
    data = draw(TEXT)
    edges = draw(st.lists(st.integers(0, len(data)), max_size=4, unique=True).map(sorted))
    return data, list(zip(edges[::2], edges[1::2], strict=False))


def scan_of(log: tuple[bytes, list[tuple[int, int]]], said: str, block: int = 7, long: int = 10_000) -> Scan:
    data, gaps = log
    kept = stretches(len(data), gaps)
    return Scan(
        lambda a, b: data[a:b],
        kept,
        finder(parse(said)),
        counter(parse(said)),
        block=block,
        long=long,
        overlap=4,
    )


def lines_that_match(log: tuple[bytes, list[tuple[int, int]]], said: str) -> list[int]:
    """Where lines that match begin, by the definition."""
    data, gaps = log
    pattern = parse(said)
    flags = re.IGNORECASE if pattern.ignore_case else 0
    compiled = re.compile(pattern.text if pattern.regex else re.escape(pattern.text), flags)
    found = []
    for low, high, gap in stretches(len(data), gaps):
        at = low
        for line in [] if gap else data[low:high].split(b"\n"):
            seen = re.sub(r"\x1b\[[0-9;]*m", "", line.decode("utf-8", "replace").rstrip("\r"))
            if at < high and compiled.search(seen):
                found.append(at)
            at += len(line) + 1
    return found


@given(logs(), PATTERNS)
def test_forwards_finds_the_lines_of_the_whole(log: tuple[bytes, list[tuple[int, int]]], said: str) -> None:
    hits = [hit for step in scan_of(log, said).forwards(0, unfinished=True) for hit in step.hits]
    assert [hit.start for hit in hits] == lines_that_match(log, said)
    for hit in hits:
        assert hit.start <= hit.offset <= hit.stop <= len(log[0])


@given(logs(), PATTERNS, st.integers(0, 120), st.integers(0, 3))
def test_counting_from_some_block_on_counts_what_would_be_told(
    log: tuple[bytes, list[tuple[int, int]]], said: str, place: int, after: int
) -> None:
    """Also where lines are longer than a block, and from the middle of one."""
    for long in (9, 10_000):
        plain = [len(step.hits) for step in scan_of(log, said, long=long).forwards(place, unfinished=True)]
        blocks = itertools.chain(itertools.repeat(False, after), itertools.repeat(True))
        counted = scan_of(log, said, long=long)
        steps = counted.forwards(place, unfinished=True, counting=blocks.__next__)
        assert [len(step.hits) + step.more for step in steps] == plain


@given(logs(), PATTERNS, st.integers(0, 120), st.integers(1, 20))
def test_stretches_cover_what_would_be_told_line_by_line(
    log: tuple[bytes, list[tuple[int, int]]], said: str, place: int, piece: int
) -> None:
    """Also where lines are longer than a block, in pieces of any size, and from the middle of a line."""

    def covered(hits: list[Hit]) -> set[int]:
        return {byte for hit in hits for byte in range(hit.start, hit.stop)}

    data, gaps = log
    kept = stretches(len(data), gaps)
    find, count = finder(parse(said)), counter(parse(said))
    for block, long in ((7, 9), (7, 10_000), (25, 10_000)):
        plain = Scan(lambda a, b: data[a:b], kept, find, block=block, long=long, overlap=4)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log_cover, "PIECE", piece)
            cover = log_cover.covering(find, count, place)
            scan = Scan(lambda a, b: data[a:b], kept, cover, block=block, long=long, overlap=4)
            found = [hit for step in scan.forwards(place, unfinished=True) for hit in step.hits]
        told = [hit for step in plain.forwards(place, unfinished=True) for hit in step.hits]
        assert covered(found) == covered(told)


@given(logs(), PATTERNS)
def test_backwards_finds_the_same(log: tuple[bytes, list[tuple[int, int]]], said: str) -> None:
    forwards = [hit for step in scan_of(log, said).forwards(0, unfinished=True) for hit in step.hits]
    backwards = [hit for step in scan_of(log, said).backwards(len(log[0])) for hit in step.hits]
    assert backwards[::-1] == forwards


@given(logs(), PATTERNS, st.integers(0, 120))
def test_from_anywhere_the_next_and_the_one_before(
    log: tuple[bytes, list[tuple[int, int]]], said: str, place: int
) -> None:
    every = [hit for step in scan_of(log, said).forwards(0, unfinished=True) for hit in step.hits]
    after = [hit for step in scan_of(log, said).forwards(place, unfinished=True) for hit in step.hits]
    before = [hit for step in scan_of(log, said).backwards(place) for hit in step.hits]
    assert after == [hit for hit in every if hit.offset >= place]
    assert before == [hit for hit in every[::-1] if hit.offset < place]


@given(st.integers(0, 60), st.integers(5, 20))
def test_what_stands_at_the_edge_of_a_piece_of_an_endless_line_is_found(place: int, block: int) -> None:
    data = b"-" * place + b"abc" + b"-" * (70 - place)
    scan = scan_of((data, []), "abc", block=block, long=12)
    assert {hit.offset for step in scan.forwards(0, unfinished=True) for hit in step.hits} == {place}
    assert {hit.offset for step in scan.backwards(len(data)) for hit in step.hits} == {place}


def test_a_line_that_is_not_finished_waits() -> None:
    log: tuple[bytes, list[tuple[int, int]]] = (b"ab\nab", [])
    steps = list(scan_of(log, "ab").forwards(0, unfinished=False))
    assert [hit.offset for step in steps for hit in step.hits] == [0]
    assert steps[-1].at == 3
    assert [hit.offset for step in scan_of(log, "ab").forwards(3, unfinished=True) for hit in step.hits] == [
        3
    ]


def test_what_a_user_says_becomes_a_pattern() -> None:
    assert parse("loss") == Pattern("loss", False, True)
    assert parse("Loss") == Pattern("Loss", False, False)
    assert parse(r"/\S+ loss/") == Pattern(r"\S+ loss", True, True)
    assert parse("/") == Pattern("/", False, True)
    assert parse("//") == Pattern("//", False, True)
    with pytest.raises(UsageError):
        parse("")
    with pytest.raises(UsageError):
        parse("x" * 1001)
    for wrong in ("/(/", "/a{99999999999}/", "/" + "(" * 400 + "/"):
        with pytest.raises(UsageError, match="no regular expression"):
            finder(parse(wrong))


def test_places_in_a_line_that_is_seen() -> None:
    assert places(parse("ss"), "loSS ss") == [(2, 4), (5, 7)]
    assert places(parse("SS"), "loSS ss") == [(2, 4)]
    assert places(parse("ss"), "İ ss") == [(2, 4)]


def test_a_found_text_is_told_as_it_is_seen() -> None:
    found = list(finder(parse(r"/l\w+=\S+/"))(b"x lo\x1b[1mss\x1b[0m=0.3 y\n", 0))
    assert found == [Hit(0, 0, 21, "loss=0.3")]


def test_errors_come_once_a_line_in_order() -> None:
    data = b"ok\nTraceback (most recent call last):\n  x\nValueError: no\nmean error: 0.3\nKilled\n"
    assert [hit.text for hit in errors(data, 0)] == [
        "Traceback (most recent call last):",
        "ValueError: no",
        "Killed",
    ]
