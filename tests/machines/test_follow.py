"""Following a run: every byte of its stream and every record exactly once, over any number of cuts."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.machines.links import MakeLink, RunOnDisk, make_link, until
from workbench.compute.link_stream import LinkStream
from workbench.errors import NotFound, RemoteError, Unreachable
from workbench.remote.forms import protocol
from workbench.remote.machine import pid_namespace
from workbench.remote.runs.stream import StreamWriter
from workbench.remote.wire import frames

__all__ = ["make_link"]
RECORD = "records/1-a.jsonl"


class Copy:
    """What the near end has of a run: it takes what follows exactly, and where it got to."""

    def __init__(self) -> None:
        self.stream = b""
        self.records: dict[str, bytes] = {}
        self.statuses: list[dict[str, Any]] = []
        self.gaps: list[dict[str, int]] = []
        self.whole_lines = True

    def wanted(self, run: RunOnDisk) -> dict[str, Any]:
        """Parameters that go on where this copy ends."""
        records = {name: len(data) for name, data in self.records.items()}
        return {"run": run.id, "seq": 0, "stream": len(self.stream), "records": records}

    def take(self, item: dict[str, Any] | bytes) -> None:
        """One item of the stream; fails when it does not continue what is here."""
        if isinstance(item, dict):
            if "status" in item:
                self.statuses.append(item["status"])
            if "gap" in item:
                self.gaps.append(item["gap"])
                assert item["gap"]["from"] == len(self.stream)
                self.stream += b"\0" * (item["gap"]["to"] - item["gap"]["from"])
            return
        name, offset, body = frames.split_chunk(item)
        assert body
        if name == "stream":
            assert offset == len(self.stream)
            self.stream += body
        else:
            assert offset == len(self.records.get(name, b""))
            self.records[name] = self.records.get(name, b"") + body
            self.whole_lines = self.whole_lines and body.endswith(b"\n")

    async def take_all(self, stream: LinkStream) -> None:
        """Until the stream ends; raises what it ends with."""
        async with stream:
            async for item in stream:
                self.take(item)

    @property
    def states(self) -> list[str]:
        """The newest state of each status that came."""
        return [status["transitions"][-1]["state"] for status in self.statuses]


@pytest.fixture
def run(tmp_path: Path) -> RunOnDisk:
    run = RunOnDisk(tmp_path / "root")
    run.enter("Running")
    return run


async def test_a_run_that_is_over_is_sent_whole(make_link: MakeLink, run: RunOnDisk) -> None:
    link = await make_link()
    output, records = os.urandom(3_000_000), b"".join(b'{"k":"metric","v":%d}\n' % n for n in range(100_000))
    run.append("stream.log", output)
    run.append(RECORD, records)
    run.append("records/2-b.jsonl", b'{"k":"header"}\n')
    run.append("records/.hidden.jsonl", b"no\n")
    run.append("records/other.txt", b"no\n")
    run.enter("Completed")
    copy = Copy()
    await copy.take_all(link.stream("follow", copy.wanted(run)))
    assert copy.stream == output
    assert copy.records == {RECORD: records, "records/2-b.jsonl": b'{"k":"header"}\n'}
    assert copy.states == ["Completed"]
    assert copy.whole_lines


async def test_everything_comes_while_it_runs_and_the_end_comes_last(
    make_link: MakeLink, run: RunOnDisk
) -> None:
    link = await make_link()
    copy = Copy()
    task = asyncio.create_task(copy.take_all(link.stream("follow", copy.wanted(run))))
    await until(lambda: copy.states == ["Running"], "the first status")
    run.append("stream.log", b"line 1\n")
    await until(lambda: copy.stream == b"line 1\n", "the first line")
    run.append("stream.log", b"half a li")
    await until(lambda: copy.stream.endswith(b"half a li"), "half a line")
    run.enter("Running", note="a note")
    await until(lambda: len(copy.statuses) == 2, "the note")
    assert copy.statuses[1]["note"] == "a note"
    run.append("stream.log", b"ne\n")
    run.enter("Failed")
    await task
    assert copy.stream == b"line 1\nhalf a line\n"
    assert copy.states == ["Running", "Running", "Failed"]


async def test_a_status_that_did_not_change_is_sent_once(make_link: MakeLink, run: RunOnDisk) -> None:
    link = await make_link()
    copy = Copy()
    task = asyncio.create_task(copy.take_all(link.stream("follow", copy.wanted(run))))
    for n in range(10):
        os.utime(run.folder / "status.json")  # a heartbeat
        run.append("stream.log", b"%d" % n)
        await until(lambda n=n: len(copy.stream) > n, "the line")
    run.enter("Completed")
    await task
    assert copy.states == ["Running", "Completed"]


async def test_a_torn_last_line_waits_for_its_rest(make_link: MakeLink, run: RunOnDisk) -> None:
    """A record is never seen in halves while the run goes on."""
    link = await make_link()
    copy = Copy()
    task = asyncio.create_task(copy.take_all(link.stream("follow", copy.wanted(run))))
    run.append(RECORD, b'{"k":"header"}\n{"k":"met')
    await until(lambda: copy.records, "the first line")
    for mark in (b"1", b"2", b"3"):  # the stream overtakes it: the record was looked at again
        run.append("stream.log", mark)
        await until(lambda mark=mark: copy.stream.endswith(mark), "the mark")
    assert copy.records == {RECORD: b'{"k":"header"}\n'}
    run.append(RECORD, b'ric"}\n{"to')
    await until(lambda: len(copy.records[RECORD]) > 15, "the completed line")
    assert copy.records == {RECORD: b'{"k":"header"}\n{"k":"metric"}\n'}
    assert copy.whole_lines
    run.enter("Failed")
    await task
    assert copy.records == {RECORD: b'{"k":"header"}\n{"k":"metric"}\n{"to'}


@pytest.mark.parametrize("size", [70_000, 600_000, protocol.MAX_RECORD + 100, 3 * protocol.MAX_RECORD])
async def test_a_very_long_record_arrives_in_pieces(size: int, make_link: MakeLink, run: RunOnDisk) -> None:
    link = await make_link()
    content = b"short\n" + b"x" * size + b"\nshort again\n"
    run.append(RECORD, content)
    copy = Copy()
    task = asyncio.create_task(copy.take_all(link.stream("follow", copy.wanted(run))))
    await until(lambda: copy.records.get(RECORD) == content, "the long record")
    run.enter("Completed")
    await task
    assert copy.records[RECORD] == content


async def test_resuming_repeats_nothing(make_link: MakeLink, run: RunOnDisk) -> None:
    link = await make_link()
    run.append("stream.log", b"old output\n")
    run.append(RECORD, b"old\n")
    run.enter("Completed")
    copy = Copy()
    await copy.take_all(link.stream("follow", copy.wanted(run)))
    again = Copy()
    again.stream, again.records = copy.stream, dict(copy.records)
    await again.take_all(link.stream("follow", again.wanted(run)))
    assert (again.stream, again.records) == (copy.stream, copy.records)


async def test_record_names_without_their_folder_are_understood(make_link: MakeLink, run: RunOnDisk) -> None:
    link = await make_link()
    run.append(RECORD, b"old\nnew\n")
    run.enter("Completed")
    wanted = {"run": run.id, "records": {"1-a.jsonl": 4, "../../evil": 1}}
    items = [item async for item in link.stream("follow", wanted) if isinstance(item, bytes)]
    assert [frames.split_chunk(item) for item in items] == [(RECORD, 4, b"new\n")]


async def test_bytes_dropped_by_the_cap_are_a_gap(make_link: MakeLink, run: RunOnDisk) -> None:
    link = await make_link()
    writer = StreamWriter(str(run.folder), cap=200_000)
    content = bytes(n % 251 for n in range(1_000_000))
    for start in range(0, len(content), 4096):
        writer.write(content[start : start + 4096])
    writer.close()
    run.enter("Completed")
    copy = Copy()
    await copy.take_all(link.stream("follow", copy.wanted(run)))
    (gap,) = copy.gaps
    assert len(copy.stream) == len(content)
    assert copy.stream[: gap["from"]] == content[: gap["from"]]
    assert copy.stream[gap["to"] :] == content[gap["to"] :]
    assert gap["to"] - gap["from"] > 500_000


async def test_a_link_as_a_record_file_is_not_followed(
    make_link: MakeLink, run: RunOnDisk, tmp_path: Path
) -> None:
    link = await make_link()
    (tmp_path / "secret").write_text("secret\n")
    (run.folder / "records" / "evil.jsonl").symlink_to(tmp_path / "secret")
    os.mkfifo(run.folder / "records" / "fifo.jsonl")
    run.enter("Completed")
    copy = Copy()
    await copy.take_all(link.stream("follow", copy.wanted(run)))
    assert copy.records == {}


async def test_many_runs_on_one_link(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    runs = [RunOnDisk(tmp_path / "root", f"01HZZZZZZZZZZZZZZZZZZZZZ{n:02}") for n in range(30)]
    copies = [Copy() for _ in runs]
    for run in runs:
        run.enter("Running")
    streams = [link.stream("follow", copy.wanted(run)) for run, copy in zip(runs, copies, strict=True)]
    tasks = [asyncio.create_task(c.take_all(s)) for c, s in zip(copies, streams, strict=True)]
    for run in runs:
        run.append("stream.log", run.id.encode())
    await until(lambda: all(copy.stream for copy in copies), "a line of each")
    for run in runs:
        run.enter("Completed")
    await asyncio.gather(*tasks)
    assert [copy.stream for copy in copies] == [run.id.encode() for run in runs]


async def test_one_reader_that_stops_does_not_hold_the_others(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    big, small = (RunOnDisk(tmp_path / "root", f"01HZZZZZZZZZZZZZZZZZZZZZZ{n}") for n in range(2))
    for run in (big, small):
        run.enter("Running")
    big.append("stream.log", os.urandom(1 << 20) * 30)
    stuck = link.stream("follow", {"run": big.id})
    await until(lambda: stuck._waiting_size >= stuck.window - protocol.MAX_BODY, "the window to fill")
    copy = Copy()
    task = asyncio.create_task(copy.take_all(link.stream("follow", copy.wanted(small))))
    small.append("stream.log", b"hello\n")
    small.enter("Completed")
    await task
    assert copy.stream == b"hello\n"
    big.enter("Completed")
    rest = Copy()
    await rest.take_all(stuck)
    assert len(rest.stream) == 30 << 20


async def test_a_run_removed_while_it_is_followed(make_link: MakeLink, run: RunOnDisk) -> None:
    link = await make_link()
    copy = Copy()
    task = asyncio.create_task(copy.take_all(link.stream("follow", copy.wanted(run))))
    await until(lambda: copy.statuses, "the first status")
    run.folder.rename(run.folder.with_name("gone"))
    with pytest.raises(NotFound):
        await task


async def test_giving_up(make_link: MakeLink, run: RunOnDisk) -> None:
    link = await make_link()
    stream = link.stream("follow", {"run": run.id})
    await anext(stream)
    stream.cancel()
    with pytest.raises(RemoteError, match="cancelled"):
        await stream.result()
    assert (await link.call("ping"))["time"] > 0


class Writer(threading.Thread):
    """Writes as a run does, in torn pieces, until it is told to stop."""

    def __init__(self, run: RunOnDisk, seed: int) -> None:
        super().__init__()
        self.run_on_disk = run
        self.random = random.Random(seed)
        self.stopping = threading.Event()
        self.stream = b""
        self.records: dict[str, bytes] = {}

    def run(self) -> None:
        names = [RECORD, "records/2-b.jsonl", "records/3-c.jsonl"]
        left = {name: b"" for name in names}
        while not self.stopping.is_set():
            piece = self.random.randbytes(self.random.choice([1, 80, 4000, 200_000]))
            self.run_on_disk.append("stream.log", piece)
            self.stream += piece
            for name in names:
                line = left[name] or b'{"k":"metric","v":%d}\n' % self.random.randrange(1 << 30)
                cut = self.random.choice([len(line), self.random.randrange(1, len(line) + 1)])
                self.run_on_disk.append(name, line[:cut])
                self.records[name] = self.records.get(name, b"") + line[:cut]
                left[name] = line[cut:]
            time.sleep(0.001)

    def stop(self) -> None:
        """End it and wait."""
        self.stopping.set()
        self.join()


@pytest.mark.parametrize("seed", [1, 2])
async def test_exactly_once_over_many_cuts(seed: int, make_link: MakeLink, run: RunOnDisk) -> None:
    """The far end is killed at random moments; what arrived is continued, byte for byte."""
    chance = random.Random(seed)
    writer, copy = Writer(run, seed), Copy()
    writer.start()
    try:
        for _ in range(12):
            link = await make_link()
            following = asyncio.create_task(copy.take_all(link.stream("follow", copy.wanted(run))))
            await asyncio.sleep(chance.uniform(0, 0.15))
            os.kill(link.hello["pid"], signal.SIGKILL)
            with pytest.raises(Unreachable):
                await following
            assert copy.whole_lines
    finally:
        writer.stop()
    run.enter("Completed")
    link = await make_link()
    await copy.take_all(link.stream("follow", copy.wanted(run)))
    assert copy.stream == writer.stream
    assert copy.records == writer.records
    assert copy.states[-1] == "Completed"


async def test_a_stale_heartbeat_is_judged_by_the_machine(make_link: MakeLink, run: RunOnDisk) -> None:
    """AZ-71: NotResponding comes from the machine's own clock; a run nobody looks after is settled."""
    link = await make_link()
    run.enter(
        "Running",
        machine=link.hello["machine"],
        boot="another boot",
        pidns=pid_namespace(),
        guard={"pid": 2**22 - 1, "start": 1},
    )
    long_ago = time.time() - 10 * protocol.STALE_SECONDS
    os.utime(run.folder / "status.json", (long_ago, long_ago))
    copy = Copy()
    await copy.take_all(link.stream("follow", copy.wanted(run)))
    assert copy.statuses[0]["not_responding"] is True
    assert copy.states[-1] == "Failed"
    assert copy.statuses[-1]["transitions"][-1]["cause"] == protocol.CAUSE_REBOOT


async def test_a_run_whose_keepers_can_be_seen_to_be_gone_is_settled_at_once(
    make_link: MakeLink, run: RunOnDisk
) -> None:
    """Not only when its heart has not beaten for long: who looks from the same machine sees it."""
    link = await make_link()
    here = {name: link.hello[name] for name in ("machine", "boot")}
    gone = {"pid": 2**22 - 1, "start": 1}
    run.enter("Running", **here, pidns=pid_namespace(), guard=gone, supervisor=gone)
    copy = Copy()
    await copy.take_all(link.stream("follow", copy.wanted(run)))
    assert copy.statuses[0]["not_responding"] is True
    assert copy.statuses[-1]["transitions"][-1]["cause"] == protocol.CAUSE_LOST


async def test_who_cannot_see_the_keepers_waits_for_the_heart(make_link: MakeLink, run: RunOnDisk) -> None:
    link = await make_link()
    gone = {"pid": 2**22 - 1, "start": 1}
    run.enter("Running", machine=link.hello["machine"], boot=link.hello["boot"], pidns="another", guard=gone)
    copy = Copy()
    async with link.stream("follow", copy.wanted(run)) as stream:
        copy.take(await anext(stream))
    assert copy.statuses[0]["not_responding"] is False
