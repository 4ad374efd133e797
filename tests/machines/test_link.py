"""Requests over a link of real processes: errors, loss, back-pressure, and small ones beside big ones."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import os
import re
import signal
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.machines.links import MakeLink, RunOnDisk, alive, make_link, until
from workbench.compute.link import WINDOWS, Link
from workbench.compute.link_stream import LinkStream
from workbench.compute.local import LocalHost
from workbench.entities.snapshot import Entry, Manifest
from workbench.errors import Conflict, HostileArchive, NotFound, RemoteError, Unreachable, UsageError
from workbench.remote.forms import protocol
from workbench.remote.wire import frames

__all__ = ["make_link"]
MB = 1 << 20


class Pings:
    """Pings a link as long as the block lasts and counts the answers."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.count = 0

    async def __aenter__(self) -> Pings:
        self._task = asyncio.create_task(self._go())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _go(self) -> None:
        while True:
            await self.link.call("ping")
            self.count += 1
            await asyncio.sleep(0.002)


def peak_memory(pid: int) -> int:
    """The most memory a process ever had, in bytes."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert match is not None
    return int(match[1]) * 1024


async def blocks(total: int, taken: list[int] | None = None) -> AsyncIterator[bytes]:
    """total bytes in blocks of 256 KB; taken[0] counts what was asked for."""
    block = bytes(range(256)) * 1024
    for _ in range(total // len(block)):
        if taken is not None:
            taken[0] += len(block)
        yield block


async def test_many_requests_at_once_get_their_own_answers(make_link: MakeLink) -> None:
    link = await make_link()
    shells = [link.call("exec", {"shell": f"exit {n}"}) for n in range(30)]
    lists = [link.call("list") for _ in range(30)]
    answers, lists_too = await asyncio.gather(asyncio.gather(*shells), asyncio.gather(*lists))
    assert [answer["exit_code"] for answer in answers] == list(range(30))
    assert lists_too == [{"runs": []}] * 30


async def test_too_many_commands_are_refused_and_the_rest_goes_on(make_link: MakeLink) -> None:
    link = await make_link()
    streams = [link.stream("exec", {"argv": ["cat"]}) for _ in range(40)]
    refused: list[LinkStream] = []
    await until(lambda: len([stream for stream in streams if stream.done]) == 8, "eight refusals")
    for stream in streams:
        if stream.done:
            refused.append(stream)
            with pytest.raises(RemoteError, match="commands run at once"):
                await stream.result()
    assert (await link.call("list")) == {"runs": []}


async def test_a_run_outlives_its_link(make_link: MakeLink, tmp_path: Path) -> None:
    """Law 2: the far end is killed; the next one finds the run going on, the same when submitted again."""
    link = await make_link()
    run = "01HZZZZZZZZZZZZZZZZZZZZZZZ"
    line = f"echo started; while ! test -e {tmp_path}/go; do sleep 0.05; done; echo ended"
    spec = {"v": 1, "run": run, "attempt": 1, "command": line}
    wanted = {"run": run, "spec": spec, "secrets": {}}
    assert (await link.call("submit", wanted))["already"] is False
    os.kill(link.hello["pid"], signal.SIGKILL)
    await link.closed.wait()
    again = await make_link()
    assert (await again.call("submit", wanted))["already"] is True
    output, states = b"", []
    async for item in again.stream("follow", {"run": run}):
        if isinstance(item, bytes):
            name, offset, body = frames.split_chunk(item)
            if name == "stream.idx":
                continue
            assert (name, offset) == ("stream", len(output))
            output += body
            (tmp_path / "go").touch()
        else:
            states.append(item["status"]["transitions"][-1]["state"])
    assert output == b"started\nended\n"
    assert states[-1] == "Completed"
    assert await again.call("reconcile") == {"settled": []}


async def test_an_unknown_method_is_named(make_link: MakeLink) -> None:
    link = await make_link()
    with pytest.raises(RemoteError, match="unknown method nonsense") as caught:
        await link.call("nonsense")
    assert caught.value.data["code"] == "unknown_method"


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("status", {}),
        ("status", {"run": "../../etc"}),
        ("follow", {"run": "x" * 26}),
        ("read", {"run": "01HZZZZZZZZZZZZZZZZZZZZZZZ", "path": 3}),
        ("read", {"run": "01HZZZZZZZZZZZZZZZZZZZZZZZ", "path": "outputs/a", "offset": -1}),
        ("exec", {}),
        ("exec", {"argv": [], "shell": "x"}),
        ("exec", {"argv": ["a\0b"]}),
        ("exec", {"argv": ["true"], "timeout": "soon"}),
        ("submit", {"run": "01HZZZZZZZZZZZZZZZZZZZZZZZ", "spec": []}),
        ("cancel", {"run": None}),
    ],
)
async def test_bad_parameters_are_usage_errors(
    method: str, params: dict[str, object], make_link: MakeLink
) -> None:
    link = await make_link()
    with pytest.raises(UsageError):
        await link.call(method, params)
    assert (await link.call("ping"))["time"] > 0


@pytest.mark.parametrize("method", ["status", "spec", "files", "follow"])
async def test_a_run_that_is_not_there(method: str, make_link: MakeLink) -> None:
    link = await make_link()
    with pytest.raises(NotFound, match="not on this machine"):
        await link.stream(method, {"run": "01HZZZZZZZZZZZZZZZZZZZZZZZ"}).result()


async def test_a_zip_that_is_none(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    with pytest.raises(HostileArchive):
        await link.stream("blobs", None, blocks(MB)).result()
    assert [path for path in (tmp_path / "root" / "blobs").iterdir() if path.is_file()] == []


async def test_list_spec_and_remove(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    run = RunOnDisk(tmp_path / "root")
    run.spec(name="calm-otter-42", environment_variables={"A": "x"})
    run.enter("Running")
    (tmp_path / "root" / "runs" / "no-run").mkdir()
    (only,) = (await link.call("list"))["runs"]
    assert (only["run"], only["spec"]["name"], only["status"]["run"]) == (run.id, "calm-otter-42", run.id)
    assert (await link.call("spec", {"run": run.id}))["environment_variables"] == {"A": "x"}
    with pytest.raises(Conflict, match="not over"):
        await link.call("remove", {"run": run.id})
    run.enter("Completed")
    assert await link.call("remove", {"run": run.id}) == {}
    assert not run.folder.exists()
    assert await link.call("remove", {"run": run.id}) == {}


async def test_a_damaged_run_does_not_hide_the_others(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    RunOnDisk(tmp_path / "root").enter("Running")
    bad = RunOnDisk(tmp_path / "root", "01HZZZZZZZZZZZZZZZZZZZZZZ0")
    (bad.folder / "status.json").write_bytes(b"{torn")
    rows = {row["run"]: row for row in (await link.call("list"))["runs"]}
    assert len(rows) == 2
    assert "problem" in rows[bad.id]


async def test_a_manifest_longer_than_a_frame(make_link: MakeLink) -> None:
    """Requests and answers of any length travel in parts (a snapshot's manifest has thousands of lines)."""
    link = await make_link()
    hashes = [hashlib.sha256(b"%d" % n).hexdigest() for n in range(5000)]
    files = [Entry(path=f"file-{n:05}.txt", size=3, sha256=digest) for n, digest in enumerate(hashes)]
    added = [[file.path, "file", file.mode, file.size, file.sha256] for file in files]
    snapshot = Manifest(entries=tuple(files)).id
    answer = await link.call("tree", {"snapshot": snapshot, "base": None, "removed": [], "added": added})
    assert sorted(answer["missing"]) == sorted(hashes)


async def test_the_far_end_killed_in_the_middle_of_a_call(make_link: MakeLink) -> None:
    link = await make_link()
    waiting = [asyncio.create_task(link.call("exec", {"argv": ["cat"]})) for _ in range(3)]
    await link.call("ping")
    os.kill(link.hello["pid"], signal.SIGKILL)
    for result in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(result, Unreachable)
        assert "runs there go on" in result.hint
    await asyncio.wait_for(link.closed.wait(), 30)
    assert link.lost_reason == "the machine closed the connection"
    with pytest.raises(Unreachable, match="is over"):
        await link.call("ping")


async def test_a_stopped_far_end_is_noticed_by_its_silence(make_link: MakeLink) -> None:
    link = await make_link(keepalive=0.1)
    os.kill(link.hello["pid"], signal.SIGSTOP)
    try:
        with pytest.raises(Unreachable, match="did not answer for"):
            await link.call("ping")
        assert link.closed.is_set()
    finally:
        os.kill(link.hello["pid"], signal.SIGKILL)


async def test_a_quiet_link_is_kept(make_link: MakeLink) -> None:
    link = await make_link(keepalive=0.5)
    await asyncio.sleep(2.5)
    assert link.lost_reason is None
    assert (await link.call("ping"))["time"] > 0


async def test_a_call_that_takes_too_long(make_link: MakeLink) -> None:
    link = await make_link()
    with pytest.raises(Unreachable, match="did not answer 'exec' within"):
        await link.call("exec", {"argv": ["sleep", "1000"]}, timeout=0.2)
    assert (await link.call("ping"))["time"] > 0


async def test_what_is_no_frame_ends_the_far_end(make_link: MakeLink) -> None:
    link = await make_link()
    link._send(protocol.HEADER.pack(protocol.MAX_BODY + 1, protocol.DATA, 1) + b"x" * 100)
    await asyncio.wait_for(link.closed.wait(), 30)
    await until(lambda: not alive(link.hello["pid"]), "the far end to end")


async def test_more_data_than_allowed_ends_the_far_end(make_link: MakeLink) -> None:
    link = await make_link()
    stream = link.stream("exec", {"argv": ["sleep", "1000"]})
    await link.call("ping")
    for _ in range(20):
        link._send(frames.encode(protocol.DATA, stream.id, b"x" * protocol.MAX_BODY))
    await asyncio.wait_for(link.closed.wait(), 30)
    with pytest.raises((Unreachable, RemoteError)):
        await stream.result()


async def test_closing_is_clean_and_ends_the_far_end(make_link: MakeLink) -> None:
    link = await make_link()
    pending = asyncio.create_task(link.call("exec", {"argv": ["sleep", "1000"]}))
    await link.call("ping")
    await link.close()
    with pytest.raises(Unreachable, match="it was closed"):
        await pending
    assert not alive(link.hello["pid"])
    await link.close()


async def test_a_print_cannot_spoil_the_frames(make_link: MakeLink, tmp_path: Path) -> None:
    """Standard output of the far end belongs to the frames alone: its children write elsewhere."""
    link = await make_link()
    assert os.readlink(f"/proc/{link.hello['pid']}/fd/0") == os.devnull
    out, err = (os.readlink(f"/proc/{link.hello['pid']}/fd/{fd}") for fd in (1, 2))
    assert out == err


async def test_a_big_download_whose_reader_stops(make_link: MakeLink, tmp_path: Path) -> None:
    """Back-pressure: what nobody takes stays on the machine, and pings are served beside it."""
    link = await make_link()
    run = RunOnDisk(tmp_path / "root")
    content = os.urandom(MB) * 50
    (run.folder / "outputs" / "big").write_bytes(content)
    stream = link.stream("read", {"run": run.id, "path": "outputs/big"})
    digest = hashlib.sha256()
    async with Pings(link) as pings:
        await until(lambda: stream._waiting_size >= WINDOWS["read"], "the window to fill")
        before = pings.count
        await until(lambda: pings.count >= before + 20, "pings while the download waits")
        assert stream._waiting_size <= WINDOWS["read"] + protocol.MAX_BODY
        before = pings.count
        async for block in stream:
            assert isinstance(block, bytes)
            digest.update(block)
        assert pings.count > before
    answer = await stream.result()
    assert answer == {"size": 50 * MB, "sha256": digest.hexdigest()}
    assert digest.hexdigest() == hashlib.sha256(content).hexdigest()
    assert peak_memory(link.hello["pid"]) < 60 * MB


async def test_a_big_upload_whose_reader_stops(make_link: MakeLink) -> None:
    link = await make_link()
    taken = [0]
    async with Pings(link) as pings:
        async with link.stream("exec", {"shell": "read line; sha256sum"}, blocks(50 * MB, taken)) as idle:
            async with link.stream("exec", {"argv": ["sleep", "1000"]}, blocks(50 * MB, taken)):
                await idle.result()
                before = pings.count
                await until(lambda: pings.count >= before + 20, "pings while the upload waits")
                assert 50 * MB < taken[0] < 50 * MB + 4 * MB
    assert peak_memory(link.hello["pid"]) < 60 * MB


async def test_50_mb_of_blobs(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    content = os.urandom(MB) * 50
    name = hashlib.sha256(content).hexdigest()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)

    async def source() -> AsyncIterator[bytes]:
        yield packed.getvalue()

    async with Pings(link) as pings:
        assert await link.stream("blobs", None, source()).result() == {"stored": 1}
        assert pings.count > 0
    assert (tmp_path / "root" / "blobs" / name[:2] / name).read_bytes() == content
    assert peak_memory(link.hello["pid"]) < 80 * MB


async def test_a_source_that_fails_ends_its_request_only(make_link: MakeLink) -> None:
    link = await make_link()

    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise OSError("the disk here is gone")

    with pytest.raises(Exception, match="the disk here is gone"):
        await link.stream("exec", {"argv": ["cat"]}, broken()).result()
    assert (await link.call("ping"))["time"] > 0


async def test_output_nobody_takes_waits_with_the_command(make_link: MakeLink) -> None:
    link = await make_link()
    async with Pings(link) as pings, link.stream("exec", {"argv": ["yes"]}) as stream:
        await until(lambda: stream._waiting_size >= protocol.INITIAL_CREDIT, "the window to fill")
        before = pings.count
        await until(lambda: pings.count >= before + 20, "pings while the output waits")
        assert stream._waiting_size <= protocol.INITIAL_CREDIT + 4 * protocol.MAX_BODY


async def test_two_machines_are_two_links(make_link: MakeLink, tmp_path: Path) -> None:
    one = await make_link(LocalHost({"HOME": str(tmp_path / "a")}), root=str(tmp_path / "a"))
    two = await make_link(LocalHost({"HOME": str(tmp_path / "b")}), root=str(tmp_path / "b"))
    await one.close()
    assert (await two.call("ping"))["time"] > 0
