"""The logs of a run beside its output: files of ranks as they grow, attempts, several merged by time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from tests.services import Services, services
from workbench.errors import NotFound, UsageError

RANKS = """
import os, sys, time
ranks = [open(f"logs/rank-{n}.log", "w", buffering=1) for n in range(2)]
print("begun", flush=True)
for step in range(4):
    for n, file in enumerate(ranks):
        while not os.path.exists(os.environ["GO"] + str(step * 2 + n)):
            time.sleep(0.01)
        file.write(f"rank {n} step {step}\\n")
ranks[1].write("no end")
"""


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Services]:
    async with services(tmp_path) as made:
        yield made


class Ranks:
    """A run of two ranks that write their lines one after the other, each when it is let."""

    def __init__(self, made: Services, folder: Path) -> None:
        self.services = made
        self._go = folder / "go"
        self.run = ""

    async def begin(self) -> None:
        script = f"cat > ranks.py <<'END'\n{RANKS}\nEND\npython3 ranks.py"
        run = await self.services.submit(1, script, environment_variables={"GO": str(self._go)})
        self.run = run["id"]

    def let(self, *turns: int) -> None:
        for turn in turns:
            Path(f"{self._go}{turn}").touch()

    async def ended(self) -> None:
        async for item in self.services.items("runs.watch", run=self.run):
            last = item["run"]
        assert last["status"] == "Completed", last

    async def read(self, **parameters: Any) -> bytes:
        return b"".join([part async for part in self.services.read("runs.logs", run=self.run, **parameters)])


@pytest.fixture
async def ranks(opened: Services, tmp_path: Path) -> Ranks:
    made = Ranks(opened, tmp_path)
    await made.begin()
    return made


async def collected(source: Any, enough: Callable[[bytes], bool]) -> bytes:
    got = b""
    async with asyncio.timeout(60), aclosing(source):
        async for part in source:
            got += part
            if enough(got):
                break
    return got


async def test_a_ranks_file_is_followed_while_it_grows(ranks: Ranks) -> None:
    follow = ranks.services.read("runs.logs", run=ranks.run, log="logs/rank-1.log", follow=True)
    task = asyncio.create_task(collected(follow, lambda got: b"step 1" in got))
    ranks.let(0, 1, 2, 3)
    assert await task == b"rank 1 step 0\nrank 1 step 1\n"
    marks = await ranks.services.call(
        "runs.log_times", run=ranks.run, log="logs/rank-1.log", offset=0, stop=99
    )
    assert all(offset % len(b"rank 1 step 0\n") == 0 for offset, _ in marks)
    ranks.let(4, 5, 6, 7)
    await ranks.ended()
    whole = b"".join(b"rank 1 step %d\n" % step for step in range(4)) + b"no end"
    assert await ranks.read(log="logs/rank-1.log") == whole
    assert await ranks.read(log="logs/rank-1.log", lines=1) == b"no end"
    listed = await ranks.services.call("runs.log_list", run=ranks.run)
    assert [(log["log"], log.get("rank")) for log in listed] == [
        ("output", None), ("logs/rank-0.log", 0), ("logs/rank-1.log", 1)
    ]  # fmt: skip


async def test_ranks_are_merged_in_the_order_they_wrote(ranks: Ranks) -> None:
    name = "logs/rank-0.log\nlogs/rank-1.log"
    source = ranks.services.read("runs.logs", run=ranks.run, log=name, follow=True)
    wanted = []
    got = asyncio.create_task(collected(source, lambda got: b"no end" in got))
    for step in range(4):
        for rank in range(2):
            ranks.let(step * 2 + rank)
            wanted.append(f"r{rank} rank {rank} step {step}")
            await collected(
                ranks.services.read("runs.logs", run=ranks.run, log=f"logs/rank-{rank}.log", follow=True),
                lambda seen, step=step: b"step %d\n" % step in seen,
            )
            await asyncio.sleep(0.3)  # apart by more than two looks: not as proof, as a case
    lines = (await got).decode().replace("\x1b[36m", "").replace("\x1b[33m", "").replace("\x1b[0m", "")
    assert lines.splitlines() == [*wanted, "r1 no end"]


TURNS = """
import os, time
def noted():
    try:
        return open("../logs.idx").read().count("rank")
    except FileNotFoundError:
        return 0
ranks = [open(f"logs/rank-{n}.log", "w", buffering=1) for n in range(2)]
for step in range(3):
    for n in range(2):
        before = noted()
        ranks[n].write(f"step {step}\\n")
        while noted() == before:
            time.sleep(0.01)
"""


async def test_ranks_are_merged_in_their_order_though_nobody_looked(opened: Services) -> None:
    run = await opened.submit(1, f"cat > ranks.py <<'END'\n{TURNS}\nEND\npython3 ranks.py")
    async for item in opened.items("runs.watch", run=run["id"]):
        assert item["run"]["status"] != "Failed"
    name = "logs/rank-0.log\nlogs/rank-1.log"
    items = opened.items("runs.log_print", run=run["id"], log=name, timestamps=True)
    lines = "".join([item.get("text", "") async for item in items]).splitlines()
    assert [(line[29:31], line[36:]) for line in lines] == [
        (f"r{n}", f"step {step}") for step in range(3) for n in range(2)
    ]
    assert all(line.startswith("20") for line in lines)


async def test_only_logs_are_read(ranks: Ranks) -> None:
    ranks.let(*range(8))
    for wrong in ("outputs/x", "logs/../../status.json", "/etc/passwd", "@", "./stream.log"):
        with pytest.raises(UsageError):
            await ranks.read(log=wrong)
    with pytest.raises(NotFound):
        await ranks.read(log="@nobody")
    await ranks.ended()


async def test_attempts_are_told_apart_and_lines_have_times(opened: Services) -> None:
    run = await opened.submit(1, "echo one; echo two")
    for _ in range(2):
        async for item in opened.items("runs.watch", run=run["id"]):
            assert item["run"]["status"] not in ("Failed", "Canceled")
        if item["run"]["attempt"] == 1:
            await opened.call("runs.resume", run=run["id"])
    listed = await opened.call("runs.log_list", run=run["id"])
    assert [(log.get("attempt"), log.get("start"), log.get("stop")) for log in listed] == [
        (None, None, None), (1, 0, 8), (2, 8, 16)
    ]  # fmt: skip
    told = [
        item["text"]
        async for item in opened.items("runs.log_print", run=run["id"], timestamps=True, lines=3)
        if "text" in item
    ]
    lines = "".join(told).splitlines()
    assert [line[24:] for line in lines] == ["two", "one", "two"]
    assert sorted(line[:23] for line in lines) == [line[:23] for line in lines]
    assert lines[0].startswith("20")
