"""Listing and reading what a run kept: hashes, resuming, files that move, and paths that try to leave."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest

from tests.machines.links import MakeLink, RunOnDisk, make_link
from workbench.compute.link import Link
from workbench.errors import Conflict, NotFound, Refused

__all__ = ["make_link"]


async def read(link: Link, run: RunOnDisk, path: str, offset: int = 0) -> tuple[bytes, dict[str, object]]:
    """The bytes of a file from offset, and the answer."""
    async with link.stream("read", {"run": run.id, "path": path, "offset": offset}) as stream:
        data = b"".join([item async for item in stream if isinstance(item, bytes)])
        return data, await stream.result()


@pytest.fixture
def run(tmp_path: Path) -> RunOnDisk:
    run = RunOnDisk(tmp_path / "root")
    run.enter("Completed")
    return run


async def test_files_are_listed_with_sizes(make_link: MakeLink, run: RunOnDisk) -> None:
    """AZ-86: outputs/ and logs/ and nothing else."""
    link = await make_link()
    (run.folder / "outputs" / "deep" / "er").mkdir(parents=True)
    run.append("outputs/deep/er/model.bin", b"12345")
    run.append("logs/train.txt", b"")
    run.append("stream.log", b"not listed")
    run.append("records/1.jsonl", b"not listed")
    undecodable = os.fsdecode(b"outputs/caf\xe9")
    run.append(undecodable, b"x")
    files = (await link.call("files", {"run": run.id}))["files"]
    assert [(file["path"], file["size"]) for file in files] == [
        ("logs/train.txt", 0),
        (undecodable, 1),
        ("outputs/deep/er/model.bin", 5),
    ]
    assert await read(link, run, undecodable)
    assert all(file["modified"] > 1.6e9 for file in files)


async def test_links_inside_are_listed_those_that_leave_are_not(
    make_link: MakeLink, run: RunOnDisk, tmp_path: Path
) -> None:
    link = await make_link()
    (tmp_path / "secret").write_text("secret")
    run.append("outputs/real", b"real")
    (run.folder / "outputs" / "inside").symlink_to("real")
    (run.folder / "outputs" / "outside").symlink_to(tmp_path / "secret")
    (run.folder / "outputs" / "dangling").symlink_to("nothing")
    (run.folder / "outputs" / "folder").symlink_to(tmp_path)
    (run.folder / "outputs" / "loop").symlink_to("loop")
    os.mkfifo(run.folder / "outputs" / "fifo")
    files = (await link.call("files", {"run": run.id}))["files"]
    assert [file["path"] for file in files] == ["outputs/inside", "outputs/real"]
    assert (await read(link, run, "outputs/inside"))[0] == b"real"
    for path in ("outputs/outside", "outputs/folder/secret"):
        with pytest.raises(Refused, match="leaves the run's folder"):
            await read(link, run, path)
    with pytest.raises(Refused, match="no ordinary file"):
        await read(link, run, "outputs/fifo")


@pytest.mark.parametrize(
    "path",
    [
        "", "outputs", "/etc/passwd", "../../../etc/passwd", "outputs/../spec.json", "outputs/../../x",
        "outputs//x", "outputs/./x", "outputs/x/", "stream.log", "records/1.jsonl", "status.json", "code/x",
        "outputs/..", "logs/../../../../../../etc/passwd", "~/x",
    ],
)  # fmt: skip
async def test_a_path_that_leaves_is_refused(path: str, make_link: MakeLink, run: RunOnDisk) -> None:
    link = await make_link()
    with pytest.raises(Refused):
        await read(link, run, path)


async def test_a_file_is_read_whole_with_its_hash(make_link: MakeLink, run: RunOnDisk) -> None:
    link = await make_link()
    content = os.urandom(3_000_001)
    run.append("outputs/big", content)
    data, answer = await read(link, run, "outputs/big")
    assert data == content
    assert answer == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize("offset", [1, 65536, 1_048_576, 2_999_999, 3_000_000])
async def test_reading_resumes_and_still_hashes_the_whole(
    offset: int, make_link: MakeLink, run: RunOnDisk
) -> None:
    link = await make_link()
    content = os.urandom(3_000_000)
    run.append("outputs/big", content)
    data, answer = await read(link, run, "outputs/big", offset)
    assert data == content[offset:]
    assert answer["sha256"] == hashlib.sha256(content).hexdigest()


async def test_an_empty_file(make_link: MakeLink, run: RunOnDisk) -> None:
    link = await make_link()
    run.append("outputs/empty", b"")
    assert await read(link, run, "outputs/empty") == (
        b"",
        {"size": 0, "sha256": hashlib.sha256().hexdigest()},
    )


async def test_a_file_that_is_gone_or_shorter(make_link: MakeLink, run: RunOnDisk) -> None:
    link = await make_link()
    with pytest.raises(NotFound, match="no file"):
        await read(link, run, "outputs/gone")
    run.append("outputs/short", b"abc")
    with pytest.raises(Conflict, match="shorter"):
        await read(link, run, "outputs/short", 4)


async def test_a_file_that_grows_is_read_as_it_was(make_link: MakeLink, run: RunOnDisk) -> None:
    link = await make_link()
    run.append("outputs/log", b"a" * 20_000_000)
    async with link.stream("read", {"run": run.id, "path": "outputs/log"}) as stream:
        first = await anext(stream)
        assert isinstance(first, bytes)
        run.append("outputs/log", b"b" * 1000)
        rest = [item async for item in stream if isinstance(item, bytes)]
        assert (await stream.result())["size"] == 20_000_000
    assert first + b"".join(rest) == b"a" * 20_000_000


async def test_a_file_cut_while_it_is_read_is_said(make_link: MakeLink, run: RunOnDisk) -> None:
    link = await make_link()
    run.append("outputs/log", b"a" * 40_000_000)
    async with link.stream("read", {"run": run.id, "path": "outputs/log"}) as stream:
        await anext(stream)
        os.truncate(run.folder / "outputs" / "log", 1000)
        with pytest.raises(Conflict, match="became shorter"):
            await stream.result()


async def test_files_that_vanish_while_they_are_listed(make_link: MakeLink, run: RunOnDisk) -> None:
    link = await make_link()
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            for n in range(50):
                run.append(f"outputs/temporary-{n}", b"x")
            for n in range(50):
                (run.folder / "outputs" / f"temporary-{n}").unlink()

    run.append("outputs/stays", b"x")
    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(30):
            files = (await link.call("files", {"run": run.id}))["files"]
            assert "outputs/stays" in [file["path"] for file in files]
    finally:
        stop.set()
        thread.join()
