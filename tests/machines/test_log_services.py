"""What the services tell of output: over a real store, with gaps, while it grows, whatever is looked for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from tests.services import Services, services
from tests.store_making import make_run
from workbench.entities.configuration import RunConfiguration
from workbench.errors import NotFound, UsageError
from workbench.services.operation import find
from workbench.store.runs import kept_runs


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Services]:
    async with services(tmp_path) as made:
        yield made


class Output:
    """A run in the store and what it writes."""

    def __init__(self, made: Services) -> None:
        self.services = made
        self.run = ""
        self.size = 0

    async def begin(self, number: int = 1) -> Output:
        row, _ = await self.services.store.write(
            kept_runs.insert, make_run(number), RunConfiguration(command="true")
        )
        self.run = row.id
        return self

    async def write(self, data: bytes) -> None:
        await self.services.store.write(self.services.store.spool.append, self.run, self.size, data)
        self.size += len(data)
        self.services.watcher.stream(self.run)

    async def lose(self, count: int) -> None:
        store = self.services.store
        await store.write(store.spool.add_gap, self.run, self.size, self.size + count)
        self.size += count

    async def call(self, method: str, **parameters: Any) -> Any:
        return await self.services.call(f"runs.{method}", run=self.run, **parameters)

    async def bytes(self, method: str, **parameters: Any) -> bytes:
        operation = find(self.services.workspace.operations, "runs", method)
        return b"".join([block async for block in operation.iterate({"run": self.run, **parameters})])

    async def search(self, method: str = "log_search", **parameters: Any) -> tuple[list[list[Any]], int]:
        hits: list[list[Any]] = []
        async for news in self.services.items(f"runs.{method}", run=self.run, **parameters):
            hits += news["hits"]
        return hits, news["count"]


@pytest.fixture
async def output(opened: Services) -> Output:
    return await Output(opened).begin()


async def test_a_log_that_is_not_there_yet_is_empty(output: Output) -> None:
    assert await output.call("log_extent") == {"size": 0, "gaps": [], "ended": False, "as_of": None}
    assert await output.bytes("log_bytes", offset=0, length=100) == b""
    assert await output.call("log_lines", offset=0) == {"line": None, "lines": 0, "counted": 0}
    assert await output.search(pattern="x") == ([], 0)
    with pytest.raises(NotFound):
        await output.services.call("runs.log_extent", run="nobody")


async def test_ranges_are_the_bytes_and_stop_where_a_gap_begins(output: Output) -> None:
    await output.write(b"one\ntwo\n")
    await output.lose(5 << 30)
    await output.write(b"three\n\x00\xff\n")
    extent = await output.call("log_extent")
    gap = [8, 8 + (5 << 30)]
    assert extent["size"] == gap[1] + 9
    assert extent["gaps"] == [gap]
    spool = output.services.store.spool.path(output.run)
    assert os.stat(spool).st_blocks * 512 < 1 << 20, "the spool is sparse, so nothing may fill it"
    assert await output.bytes("log_bytes", offset=4, length=1 << 20) == b"two\n"
    assert await output.bytes("log_bytes", offset=100, length=1 << 20) == b""
    assert await output.bytes("log_bytes", offset=gap[1], length=1 << 20) == b"three\n\x00\xff\n"
    assert await output.call("log_lines", offset=gap[1]) == {"line": 2, "lines": 4, "counted": extent["size"]}
    assert (await output.call("log_line_start", line=3))["offset"] == gap[1] + 6
    with pytest.raises(UsageError):
        await output.bytes("log_bytes", offset=-1, length=5)
    with pytest.raises(UsageError):
        await output.bytes("log_bytes", offset=0, length=1 << 30)


async def test_a_search_goes_over_a_gap_in_both_directions(output: Output) -> None:
    await output.write(b"loss 1\nLOSS 2\n")
    await output.lose(3 << 30)
    after = output.size
    await output.write(b"val loss 3\nunfinished loss")
    places = [0, 7, after + 4]
    hits, count = await output.search(pattern="loss")
    assert ([place for place, _ in hits], count) == (places, 3)
    assert (await output.search(pattern="LOSS"))[1] == 1
    assert (await output.search(pattern="unfinished", most=1))[1] == 1, (
        "who looks for one finds it there, too"
    )
    hits, _ = await output.search(pattern="loss", offset=after, backwards=True, most=1)
    assert hits == [[7, ""]]
    hits, _ = await output.search(pattern=r"/^\w+ loss \d/", offset=8)
    assert hits == [[after, "val loss 3"]]
    whole = await output.bytes("log_grep", pattern="loss")
    assert whole == b"loss 1\nLOSS 2\nval loss 3\nunfinished loss\n"
    assert await output.bytes("log_grep", pattern="loss", offset=after) == b"val loss 3\nunfinished loss\n"


async def test_a_line_that_is_searched_in_pieces_is_handed_on_once_and_whole(output: Output) -> None:
    """Pieces overlap, and come in several pieces of news: their overlap came twice, with a newline between."""
    line = b"loss 0.123456\r" * 600_000
    await output.write(b"start\n" + line + b"\nother\nloss 1")
    assert await output.bytes("log_grep", pattern="loss") == line + b"\nloss 1\n"


async def test_errors_are_found_one_after_the_other(output: Output) -> None:
    await output.write(b"fine\nTraceback (most recent call last):\n  x\nRuntimeError: CUDA out of memory\n")
    hits, _ = await output.search("log_errors")
    assert hits == [[5, "Traceback (most recent call last):"]]
    hits, _ = await output.search("log_errors", offset=hits[0][0] + 1)
    assert hits[0][1] == "RuntimeError: CUDA out of memory"


@pytest.mark.parametrize(
    ("pattern", "words"), [("/(/", "no regular expression"), ("", "nothing to look for")]
)
async def test_a_pattern_that_is_none_is_refused(output: Output, pattern: str, words: str) -> None:
    await output.write(b"x\n")
    with pytest.raises(UsageError, match=words):
        await output.search(pattern=pattern)


async def test_a_regular_expression_that_never_ends_is_ended(output: Output) -> None:
    await output.write(b"a" * 60 + b"b\n")
    with pytest.raises(UsageError, match="takes too long"):
        await output.search(pattern="/(a+)+$/")


def scanners() -> list[int]:
    """Processes of ours that search a log."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            mine = entry.name.isdigit() and b"log_scanner" in (entry / "cmdline").read_bytes()
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1]) if mine else 0
        except OSError:
            continue
        if parent == os.getpid():
            found.append(int(entry.name))
    return found


async def test_a_search_that_is_left_leaves_no_process(output: Output) -> None:
    await output.write(b"found\n" + b"a" * 60 + b"b\n")
    items = output.services.items("runs.log_search", run=output.run, pattern="/found|(a+)+$/")
    asking = asyncio.ensure_future(anext(aiter(items)))
    for _ in range(6000):
        if scanners():
            break
        await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert scanners() == []


async def test_growth_is_told_and_the_end(output: Output) -> None:
    await output.write(b"one\n")
    sizes: list[int] = []
    items = output.services.items("runs.log_watch", run=output.run)
    async with aclosing(items) as news:  # type: ignore[type-var]
        async for extent in news:
            sizes.append(extent["size"])
            if extent["size"] == 4:
                for _ in range(50):
                    await output.write(b"more\n")
            elif extent["size"] == 254:
                break
    assert len(sizes) <= 4, "many writes are one piece of news"


async def test_a_watch_ends_with_the_run(opened: Services) -> None:
    made = await opened.submit(3, "echo hello")
    extents = [extent async for extent in opened.items("runs.log_watch", run=made["id"])]
    assert extents[-1]["ended"]
    assert extents[-1]["size"] == 6
    assert all(not extent["ended"] for extent in extents[:-1])


HOSTILE = (
    b"x" * 3_000_000 + b"\n"
    + b"".join(b"\r%d%%" % (n % 101) for n in range(200_000)) + b"\n"
    + bytes(range(128, 256)) + b"\n"
    + b"\x1b[31mred without an end\n\x1b]0;title\x07\n"
    + b"last"
)  # fmt: skip


async def test_whatever_it_wrote_is_shown_with_times_and_merged(opened: Services) -> None:
    one = await Output(opened).begin()
    await one.write(HOSTILE)
    times = opened.store.spool.times(one.run)
    for offset, time in ((0, 2_000.0), (1_000_000, 1_000.0), (len(HOSTILE) - 4, 1e14)):  # a clock that jumps
        times.note(time, offset)
    told = [item async for item in opened.items("runs.log_print", run=one.run, timestamps=True)]
    assert told[-1]["offset"] == len(HOSTILE)
    assert max(len(item.get("text", "")) for item in told) < 3_000_000, "no line is held whole"
    assert "".join(item.get("text", "") for item in told).count("red without an end") == 1
    assert "".join(item.get("text", "") for item in told).splitlines()[-1].split() == ["-", "last"]
    other = await Output(opened).begin(2)
    await other.write(b"beside\n")
    merged = await one.bytes("logs", log=f"output\n@{other.run}")
    assert merged.count(b"x") >= 3_000_000
    assert b" beside\n" in merged
    assert b"\x1b[0m " + bytes(range(128, 256)) + b"\n" in merged
    assert len(merged) < len(HOSTILE), "of a progress bar the last is kept"
    assert b" last" not in merged, "that line is still being written"
