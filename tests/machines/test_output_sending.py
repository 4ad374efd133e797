"""Outputs on their way to a datastore, cut: what is there is not sent again, neither files nor parts of one."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tests.machines.data_runs import attach, data_of, ended, lake, submit
from tests.machines.rig import MakeServer, SshServer, until
from tests.s3_server import S3Server, s3_server
from tests.services import services
from workbench.data.backend import Backend
from workbench.data.machine_folder import MachineFolder
from workbench.data.s3.bucket import Bucket
from workbench.data.scheme import SchemeFolder
from workbench.entities.datastore import DataItem
from workbench.errors import Conflict
from workbench.runs.data import after_outputs
from workbench.runs.data.machine_origin import MachineOrigin
from workbench.runs.data.origins import OriginFile
from workbench.runs.data.sent_files import Sent, SentFiles

MB = 1 << 20
PLAIN = {"a.txt": b"1\n", "sub/b c.txt": b"2\n"}
BIG = "z.bin"
MAKE = (
    "mkdir -p ${{outputs.x}}/sub; echo 1 > ${{outputs.x}}/a.txt; echo 2 > ${{outputs.x}}/sub/'b c.txt';"
    " head -c 40000000 /dev/urandom > ${{outputs.x}}/z.bin"
)
Writes = list[tuple[str, int]]
Cut = Callable[[], Any]


class Shelf(MemoryFileSystem):
    """A scheme of fsspec, in memory."""

    protocol = ("shelf",)
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs: list[str] = [""]  # noqa: RUF012


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as found:
        yield found


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(after_outputs, "RETRY_SECONDS", 0.2)
    monkeypatch.setattr(after_outputs, "FULL_SECONDS", 0.2)


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> Writes:
    """(last part of the key, offset) of each write that any datastore is asked for."""
    seen: Writes = []
    for kind in (Bucket, MachineFolder, SchemeFolder):
        whole = kind.write

        async def write(
            self: Backend, path: str, source: Any, *, offset: int, whole: Any = whole, **more: Any
        ) -> DataItem:
            seen.append((path.rpartition("/")[2], offset))
            found: DataItem = await whole(self, path, source, offset=offset, **more)
            return found

        monkeypatch.setattr(kind, "write", write)
    return seen


def cut_once(monkeypatch: pytest.MonkeyPatch, cut: Cut, behind: int = 22 * MB) -> None:
    """Call cut in the middle of the first sending of the big file."""
    whole, left = MachineOrigin.content, [True]

    async def content(self: MachineOrigin, file: OriginFile, offset: int) -> AsyncGenerator[bytes, None]:
        came = 0
        async for block in whole(self, file, offset):
            yield block
            came += len(block)
            if file.path == BIG and came > behind and left:
                left.clear()
                await cut()

    monkeypatch.setattr(MachineOrigin, "content", content)


async def dropped(server: SshServer) -> None:
    server.drop_sessions()


def made(server: SshServer, run: dict[str, Any]) -> bytes:
    return (server.home / "wb/runs" / run["id"] / "outputs/x" / BIG).read_bytes()


def checked(writes: Writes, part: int) -> None:
    """The small ones once, the big one twice, the second time from a part on."""
    assert sorted(writes[:2]) == [("a.txt", 0), ("b c.txt", 0)], writes
    assert writes[2] == (BIG, 0)
    assert len(writes) == 4, writes
    assert writes[3][0] == BIG
    assert writes[3][1] > 0
    assert writes[3][1] % part == 0


async def test_an_output_to_a_bucket_goes_on_at_its_parts(
    tmp_path: Path, server: SshServer, s3: S3Server, writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AZ-59: the connection to the run's machine is cut in the middle of a file."""
    cut_once(monkeypatch, lambda: dropped(server))
    async with services(tmp_path) as there:
        await attach(there, server, "box")
        client = await lake(there, s3, "parts")
        run = await submit(there, MAKE, outputs={"x": {"path": "datastore:lake/out", "mode": "upload"}})
        run = await ended(there, run)
        assert (await data_of(there, run))["x"]["state"] == "ready", await data_of(there, run)
        checked(writes, 8 * MB)
        for key, body in {**PLAIN, BIG: made(server, run)}.items():
            assert client.get_object(Bucket="parts", Key=f"out/{key}")["Body"].read() == body
        assert "Uploads" not in client.list_multipart_uploads(Bucket="parts")
        assert not list(there.workspace.context.folder.glob("uploads/*"))


async def test_a_server_that_ends_in_the_middle_is_gone_on_from(
    tmp_path: Path, server: SshServer, s3: S3Server, writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next server knows which files are there, and at which part the one on its way is."""
    reached = asyncio.Event()

    async def held() -> None:
        reached.set()
        await asyncio.Event().wait()

    cut_once(monkeypatch, held)
    async with services(tmp_path) as there:
        await attach(there, server, "box")
        client = await lake(there, s3, "again")
        run = await submit(there, MAKE, outputs={"x": {"path": "datastore:lake/out", "mode": "upload"}})
        await asyncio.wait_for(reached.wait(), 60)
        await until(lambda: len(parts(client, "again")) >= 2, "two parts")
    async with services(tmp_path) as there:
        run = await ended(there, run)
        async with asyncio.timeout(60):
            while (await data_of(there, run))["x"]["state"] != "ready":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        checked(writes, 8 * MB)
        assert client.get_object(Bucket="again", Key=f"out/{BIG}")["Body"].read() == made(server, run)


def parts(client: Any, bucket: str) -> list[Any]:
    found: list[Any] = []
    for upload in client.list_multipart_uploads(Bucket=bucket).get("Uploads") or []:
        asked = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
        found += client.list_parts(**asked).get("Parts") or []
    return found


async def test_an_output_to_another_machine_goes_on_at_its_bytes(
    tmp_path: Path,
    server: SshServer,
    make_server: MakeServer,
    writes: Writes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = make_server()
    cut_once(monkeypatch, lambda: dropped(other))
    async with services(tmp_path) as there:
        await attach(there, server, "box")
        await attach(there, other, "shelf")
        lake = str(tmp_path / "lake")
        os.mkdir(lake)
        await there.call("datastores.add", name="lake", kind="machine", target="shelf", root=lake)
        run = await submit(there, MAKE, outputs={"x": {"path": "datastore:lake/out", "mode": "upload"}})
        run = await ended(there, run)
        assert (await data_of(there, run))["x"]["state"] == "ready", await data_of(there, run)
        checked(writes, 1)
        assert (tmp_path / "lake/out" / BIG).read_bytes() == made(server, run)
        assert {path.name for path in (tmp_path / "lake/out").iterdir()} == {"a.txt", "sub", BIG}


async def test_an_output_by_fsspec_begins_anew_with_the_file_on_its_way_alone(
    tmp_path: Path, server: SshServer, s3: S3Server, writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Schemes of fsspec know no parts that stay: files that are whole there are not sent again."""
    cut_once(monkeypatch, lambda: dropped(server))
    fsspec.register_implementation("shelf", Shelf, clobber=True)
    async with services(tmp_path) as there:
        await attach(there, server, "box")
        await there.call("datastores.add", name="lake", kind="fsspec", root="shelf://sends")
        run = await submit(there, MAKE, outputs={"x": {"path": "datastore:lake/out", "mode": "upload"}})
        run = await ended(there, run)
        assert (await data_of(there, run))["x"]["state"] == "ready", await data_of(there, run)
        assert writes[2:] == [(BIG, 0), (BIG, 0)]
        there_now = {name.rpartition("/out/")[2]: file.getvalue() for name, file in Shelf.store.items()}
        assert there_now == {**PLAIN, BIG: made(server, run)}


async def test_what_somebody_replaced_meanwhile_is_sent_again(
    tmp_path: Path, server: SshServer, s3: S3Server, writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is there, but not as it was sent, is not taken for one that is done."""

    async def replaced() -> None:
        client.put_object(Bucket="other", Key="out/a.txt", Body=b"not that\n")
        server.drop_sessions()

    cut_once(monkeypatch, replaced)
    async with services(tmp_path) as there:
        await attach(there, server, "box")
        client = await lake(there, s3, "other")
        run = await submit(there, MAKE, outputs={"x": {"path": "datastore:lake/out", "mode": "upload"}})
        await ended(there, run)
        assert [name for name, _ in writes].count("a.txt") == 2
        assert client.get_object(Bucket="other", Key="out/a.txt")["Body"].read() == b"1\n"


async def test_an_output_waits_where_this_sides_disk_takes_no_note(
    tmp_path: Path, server: SshServer, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent is there, and the rest is not given up: it goes on when there is room."""
    add, full = SentFiles.add, [True]

    def noted(self: SentFiles, *words: Any) -> None:
        if full.pop() if full else False:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path))
        add(self, *words)

    monkeypatch.setattr(SentFiles, "add", noted)
    async with services(tmp_path) as there:
        await attach(there, server, "box")
        client = await lake(there, s3, "noted")
        run = await submit(there, MAKE, outputs={"x": {"path": "datastore:lake/out", "mode": "upload"}})
        run = await ended(there, run)
        assert (await data_of(there, run))["x"]["state"] == "ready", await data_of(there, run)
        assert client.get_object(Bucket="noted", Key="out/a.txt")["Body"].read() == b"1\n"


async def test_notes_that_were_cut_tell_nothing(tmp_path: Path) -> None:
    notes = SentFiles(tmp_path / "notes", "a" * 26, "one")
    notes.add("k", "t", Sent(3, None))
    path = next((tmp_path / "notes").iterdir())
    path.write_bytes(path.read_bytes() + b'["cut", "t", 1')
    notes.add("l\n\ud800", "t", Sent(4, '"e"'))
    found = notes.read()
    assert found == {("k", "t"): Sent(3, None), ("l\n\ud800", "t"): Sent(4, '"e"')}
    path.write_bytes(b"\xff\xfe not text")
    assert notes.read() == {}
    notes.forget()
    notes.forget()


async def test_notes_of_outputs_that_were_given_up_are_swept(
    tmp_path: Path, server: SshServer, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the failure itself, where the run went meanwhile, and what an older server left."""
    whole = MachineOrigin.content
    reached, go = asyncio.Event(), asyncio.Event()

    async def content(self: MachineOrigin, file: OriginFile, offset: int) -> AsyncGenerator[bytes, None]:
        if file.path == BIG:
            reached.set()
            await go.wait()
            raise Conflict("it is another by now")
        async for block in whole(self, file, offset):
            yield block

    monkeypatch.setattr(MachineOrigin, "content", content)
    async with services(tmp_path) as there:
        await attach(there, server, "box")
        await lake(there, s3, "given")
        folder = there.workspace.context.folder / "uploads"
        run = await submit(there, MAKE, outputs={"x": {"path": "datastore:lake/out", "mode": "upload"}})
        await asyncio.wait_for(reached.wait(), 60)
        assert [path.name.partition(".")[0] for path in folder.glob("*.sent")] == [run["id"]]
        go.set()
        run = await ended(there, run)
        async with asyncio.timeout(60):
            while (await data_of(there, run))["x"]["state"] != "failed":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert not list(folder.glob("*.sent"))
        left = [folder / f"{run['id']}.{'0' * 32}.sent", folder / f"{'1' * 32}.sent"]
        for path in left:
            path.write_text("[]")
        kept = folder / f"{'2' * 32}.json"  # an upload in parts, whose service knows how long it keeps them
        kept.write_text("{}")
    async with services(tmp_path):
        await until(lambda: not any(path.exists() for path in left), "the next server sweeps")
        assert kept.exists()
