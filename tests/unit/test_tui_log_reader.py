"""Windows on a log against the whole of it cut into lines: moving, wrapping, growing, gaps, small blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.faces.tui.memory_log import MemoryLog
from tests.unit.test_text_log_rows import wanted
from workbench.text.log_line import shown
from workbench.tui.logs.log_reader import LogReader
from workbench.tui.logs.window import Line, Place
from workbench.tui.logs.wrapping import cuts

BLOCK, BAR = 4, 16
TEXT = st.lists(
    st.sampled_from([b"\n", b"a", b"bb\n", b"\r", b"ccccc\n", b"d" * 9, "漢".encode()]), max_size=30
).map(b"".join)


@st.composite
def logs(draw: st.DrawFn) -> MemoryLog:
    data = draw(TEXT)
    edges = draw(st.lists(st.integers(0, len(data)), max_size=4, unique=True).map(sorted))
    return MemoryLog(data, tuple(zip(edges[::2], edges[1::2], strict=False)))


async def reader_of(log: MemoryLog, width: int) -> LogReader:
    reader = LogReader(log, BLOCK, BAR)
    reader.width = width
    reader.adopt(await log.extent())
    return reader


def lines_of(log: MemoryLog, width: int) -> list[Line]:
    """Every line of the whole."""
    lines = []
    for row in wanted(log.data, list(log.gaps)):
        # of a row longer than two blocks only the end is read, as of a long progress bar
        raw = log.data[row.start if row.stop - row.start <= 2 * BLOCK else row.stop - BLOCK : row.stop]
        parts = 1 if row.gap or not width else len(cuts(shown(raw).text, width))
        lines += [Line(row, part) for part in range(parts)]
    return lines


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


@given(logs(), st.sampled_from([0, 2, 3]), st.integers(1, 6), st.lists(st.integers(-7, 7), max_size=8))
def test_moving_shows_the_lines_of_the_whole(log: MemoryLog, width: int, room: int, steps: list[int]) -> None:
    async def look() -> None:
        reader, every = await reader_of(log, width), lines_of(log, width)
        window, _ = await reader.window(None, room)
        assert list(window.lines) == every[-room:]
        index = max(0, len(every) - room)
        for step in steps:
            place = await reader.moved(window.top, step)
            window, _ = await reader.window(place, room)
            index = max(0, min(index + step, len(every) - room))
            assert list(window.lines) == every[index : index + room]
            assert window.at_end == (index + room >= len(every))

    run(look())


@given(logs(), st.sampled_from([0, 3]), st.lists(TEXT, max_size=4))
def test_a_log_that_grows_shows_its_new_end(log: MemoryLog, width: int, more: list[bytes]) -> None:
    async def look() -> None:
        reader = await reader_of(log, width)
        for piece in more:
            await reader.window(None, 4)
            log.grow(piece)
            reader.adopt(await log.extent())
            window, rows = await reader.window(None, 4)
            assert list(window.lines) == lines_of(log, width)[-4:]
            for row, seen in rows.items():
                start = row.start if row.stop - row.start <= 2 * BLOCK else row.stop - BLOCK
                assert seen == shown(log.data[start : row.stop])

    run(look())


@given(logs(), st.integers(0, 200), st.integers(0, 5))
def test_a_place_from_before_leads_somewhere(log: MemoryLog, start: int, part: int) -> None:
    async def look() -> None:
        reader, every = await reader_of(log, 3), lines_of(log, 3)
        window, _ = await reader.window(Place(start, part), 4)
        assert len(window.lines) == min(4, len(every))
        assert await reader.moved(Place(start, part), -1000) == (window._replace(lines=tuple(every)).top)

    run(look())
