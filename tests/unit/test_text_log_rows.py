from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import given
from hypothesis import strategies as st

from workbench.text.log_rows import Row, Rows, stretches

T = TypeVar("T")
BLOCK, BAR = 4, 16
TEXT = st.lists(st.sampled_from([b"\n", b"a", b"bb", b"\r", b"ccccc", b"d" * 19, b"e\r" * 11])).map(b"".join)


def now(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("it waited")


@st.composite
def logs(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, int]]]:
    data = draw(TEXT)
    edges = draw(st.lists(st.integers(0, len(data)), max_size=6, unique=True).map(sorted))
    return data, list(zip(edges[::2], edges[1::2], strict=False))


def rows_of(data: bytes, gaps: list[tuple[int, int]]) -> Rows:
    async def read(start: int, stop: int) -> bytes:
        assert start < stop <= len(data)
        assert start // BLOCK == (stop - 1) // BLOCK
        assert not any(start < gap[1] and gap[0] < stop for gap in gaps), "a gap was read"
        return data[start:stop]

    return Rows(read, len(data), gaps, BLOCK, BAR)


def wanted(data: bytes, gaps: list[tuple[int, int]]) -> list[Row]:
    """The rows by the definition, applied to every place of the whole."""
    found = []
    for low, high, gap in stretches(len(data), gaps):
        starts = [low]
        for place in range(low + 1, high):
            block, bar = data[max(low, place - BLOCK) : place], data[max(low, place - BAR) : place]
            broken = place % BLOCK == 0 and place - BLOCK >= low and b"\n" not in block
            rare = place % BAR == 0 and place - BAR >= low and b"\n" not in bar
            if not gap and (data[place - 1 : place] == b"\n" or (broken and (b"\r" not in block or rare))):
                starts.append(place)
        found += [Row(a, b, gap) for a, b in zip(starts, [*starts[1:], high], strict=True)]
    return found


@given(logs())
def test_walking_down_finds_the_rows_of_the_whole(log: tuple[bytes, list[tuple[int, int]]]) -> None:
    rows, found = rows_of(*log), []
    row = now(rows.at(0))
    while row is not None:
        found.append(row)
        row = now(rows.at(row.stop))
    assert found == wanted(*log)


@given(logs())
def test_walking_up_finds_the_rows_of_the_whole(log: tuple[bytes, list[tuple[int, int]]]) -> None:
    rows, found = rows_of(*log), []
    row = now(rows.before(len(log[0])))
    while row is not None:
        found.append(row)
        row = now(rows.before(row.start))
    assert found[::-1] == wanted(*log)


@given(logs())
def test_every_place_is_in_its_row(log: tuple[bytes, list[tuple[int, int]]]) -> None:
    rows = rows_of(*log)
    for row in wanted(*log):
        assert all(now(rows.at(place)) == row for place in range(row.start, row.stop))


def test_ordinary_lines_are_whole_whatever_the_blocks() -> None:
    data = b"one line of text\n" * 9
    assert data[: wanted(data, [])[0].stop].endswith(b"\n") is False  # longer than two blocks
    short = b"abc\n" * 9
    assert [short[a:b] for a, b, _ in wanted(short, [])] == [b"abc\n"] * 9
