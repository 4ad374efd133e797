"""Places of data: one contract for folders, schemes of fsspec and S3; then what is each one's own; and the web."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tests.machines.rig import until
from tests.s3_server import s3_server
from workbench.data import folder
from workbench.data.backend import Backend, Page
from workbench.data.folder import LocalFolder
from workbench.data.reading import of_backend
from workbench.data.s3.bucket import Bucket
from workbench.data.s3.client import S3Client
from workbench.data.s3.signing import Credentials
from workbench.data.scheme import SchemeFolder, read_options
from workbench.errors import (
    Conflict,
    NotFound,
    Refused,
    UsageError,
    WorkbenchError,
)

TOKEN = "ab" * 12
KEY = "only-the-right-one"


class Vault(MemoryFileSystem):  # type: ignore[misc]
    """A scheme of fsspec that lets in who has the key, and says what it was given when it does not."""

    protocol = "vault"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012

    def __init__(self, key: str = "", **options: Any) -> None:
        super().__init__(**options)
        if key != KEY:
            raise PermissionError(f"{key} is not the key")


@pytest.fixture(autouse=True, scope="module")
def vault() -> None:
    fsspec.register_implementation("vault", Vault, clobber=True)


@pytest.fixture(params=["folder", "scheme", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    if request.param == "folder":
        yield LocalFolder(tmp_path / "root")
        return
    if request.param == "scheme":
        Vault.store.clear()
        yield SchemeFolder("vault", "vault://box/deep", {}, {"key": KEY})
        return
    with s3_server() as server:
        client: Any = server.client()
        bucket = f"b-{uuid.uuid4().hex}"
        client.create_bucket(Bucket=bucket)
        made = S3Client(
            bucket, Credentials(server.access, server.secret), endpoint=server.url, region=None, name="lake"
        )
        yield Bucket(made, "deep", tmp_path / "notes")


@asynccontextmanager
async def closing(place: Backend) -> AsyncIterator[Backend]:
    try:
        yield place
    finally:
        await place.close()


async def source(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 7):
        yield data[at : at + 7]
    yield hashlib.sha256(data).digest()


async def put(place: Backend, path: str, data: bytes, overwrite: bool = False) -> Any:
    return await place.write(path, source(data), token=TOKEN, size=len(data), offset=0, overwrite=overwrite)


async def read(place: Any, *words: Any) -> bytes:
    return b"".join([block async for block in place.read(*words)])


async def listed(pages: AsyncIterator[Page]) -> list[str]:
    return [item.path for page in [page async for page in pages] for item in page.items]


async def test_every_place_does_the_same(place: Backend) -> None:
    """AZ-43, AZ-45, AZ-48."""
    async with closing(place):
        assert await listed(place.items()) == []
        with pytest.raises(NotFound):
            await listed(place.items("a"))
        with pytest.raises(NotFound):
            await place.stat("a/b c.txt")
        made = await put(place, "a/b c.txt", b"0123456789")
        assert (made.path, made.size) == ("a/b c.txt", 10)
        await put(place, "a/deep/\u00e4.csv", b"x")
        await put(place, "top", b"")
        assert sorted(await listed(place.items())) == ["a/b c.txt", "a/deep/\u00e4.csv", "top"]
        assert sorted(await listed(place.items("a"))) == ["a/b c.txt", "a/deep/\u00e4.csv"]
        assert await listed(place.items("top")) == ["top"]
        found = await place.folder("a")
        assert (found.folders, [item.path for item in found.items]) == (["deep"], ["a/b c.txt"])
        assert (await place.folder()).folders == ["a"]
        for words, wanted in (
            ((), b"0123456789"),
            ((3,), b"3456789"),
            ((3, 4), b"3456"),
            ((8, 9), b"89"),
            ((20,), b""),
        ):
            assert await read(place, "a/b c.txt", *words) == wanted
        assert await read(place, "top") == b""
        with pytest.raises(Conflict, match="exists"):
            await put(place, "a/b c.txt", b"other")
        before = (await place.stat("a/b c.txt")).etag
        assert await read(place, "a/b c.txt", 0, None, before) == b"0123456789"
        await asyncio.sleep(0.01)
        await put(place, "a/b c.txt", b"other", overwrite=True)
        with pytest.raises(Conflict, match="changed"):
            await read(place, "a/b c.txt", 0, None, before)
        files, _ = await of_backend(place, ["a/**/*.csv", "top"])
        assert [file.path for file in files] == ["a/deep/\u00e4.csv", "top"]
        with pytest.raises(NotFound, match="nothing fits"):
            await of_backend(place, ["a/*.png"])
        await place.delete("top")
        with pytest.raises(NotFound):
            await read(place, "top")


async def test_what_is_not_what_was_said_is_not_kept(place: Backend) -> None:
    async def lying() -> AsyncIterator[bytes]:
        yield b"abc"
        yield hashlib.sha256(b"other").digest()

    async def breaking() -> AsyncIterator[bytes]:
        yield b"abc"
        raise ConnectionError

    async with closing(place):
        for wrong in (lying(), breaking()):
            with pytest.raises((Conflict, ConnectionError)):
                await place.write("x", wrong, token=TOKEN, size=3, offset=0, overwrite=False)
        with pytest.raises(NotFound):
            await place.stat("x")
        assert [path for path in await listed(place.items()) if not path.endswith(".partial")] == []


async def test_a_folder_goes_on_with_what_arrived(tmp_path: Path) -> None:
    data = os.urandom(100_000)

    async def rest(offset: int, stop: int) -> AsyncIterator[bytes]:
        yield data[offset:stop]
        if stop < len(data):
            raise ConnectionError
        yield hashlib.sha256(data).digest()

    place = LocalFolder(tmp_path)
    with pytest.raises(ConnectionError):
        await place.write("x/y", rest(0, 40_000), token=TOKEN, size=len(data), offset=0, overwrite=False)
    assert await listed(place.items()) == []
    assert await place.arrived("x/y", TOKEN) == 40_000
    assert await place.arrived("x/y", "cd" * 12) == 0
    with pytest.raises(Conflict):
        await place.write(
            "x/y", rest(50_000, len(data)), token=TOKEN, size=len(data), offset=50_000, overwrite=False
        )
    item = await place.write(
        "x/y", rest(40_000, len(data)), token=TOKEN, size=len(data), offset=40_000, overwrite=False
    )
    assert item.size == len(data)
    assert (tmp_path / "x" / "y").read_bytes() == data
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["y"]


@pytest.mark.parametrize("reading", [False, True])
async def test_who_gives_up_while_a_file_is_opened_leaves_nothing_open(
    tmp_path: Path, reading: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stayed open would hold the lock of the upload: it could never be gone on with."""
    (tmp_path / "x").write_bytes(b"here")
    place = LocalFolder(tmp_path)
    opening, go_on = threading.Event(), threading.Event()
    handles: list[int] = []
    real = os.open

    def slow(*words: Any, **named: Any) -> int:
        handles.append(real(*words, **named))
        opening.set()
        assert go_on.wait(30)
        return handles[-1]

    monkeypatch.setattr(os, "open", slow)
    work = read(place, "x") if reading else put(place, "y", b"new")
    task = asyncio.create_task(work)
    await asyncio.to_thread(opening.wait, 30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    go_on.set()
    monkeypatch.undo()
    open_file = Path(f"/proc/self/fd/{handles[0]}")
    await until(lambda: not open_file.exists(), "the file to be closed")
    await put(place, "y", b"new")


async def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"a" * 3_000_000)
    place = LocalFolder(tmp_path)

    async def reading() -> None:
        count = 0
        async for block in place.read("x"):
            count += len(block)
            if count == len(block):
                (tmp_path / "x").write_bytes(b"b" * 3_000_000)

    with pytest.raises(Conflict, match="changed"):
        await reading()


async def test_what_lies_in_a_folder_beside_files(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    (tmp_path / "to-file").symlink_to("f")
    (tmp_path / "to-folder").symlink_to(".")
    (tmp_path / "nowhere").symlink_to("gone")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / os.fsdecode(b"new\nline")).write_text("x")
    place = LocalFolder(tmp_path)
    pages = [page async for page in place.items()]
    assert [item.path for item in pages[0].items] == ["f", "to-file"]
    assert pages[0].left_out == 1
    with pytest.raises(Conflict, match="no file"):
        await place.stat("pipe")


async def test_a_schemes_secret_is_told_nowhere() -> None:
    """AZ-43: packages say what they were given; we do not."""
    wrong = "the-wrong-secret-key"
    place = SchemeFolder("vault", "vault://box", {}, {"key": wrong})
    for ask in (place.folder(), place.stat("x"), put(place, "x", b"data")):
        with pytest.raises(WorkbenchError) as problem:
            await ask
        assert wrong not in repr(problem.value.to_wire())
        assert isinstance(problem.value, Refused)
    with pytest.raises(UsageError, match="cannot be read here"):
        await SchemeFolder("x", "nosuchscheme://box", {}, {}).stat("x")
    for text in ("", "{", "[1]", "word"):
        with pytest.raises(UsageError):
            read_options(text)
    assert read_options(None) == {}
    assert read_options('{"token": "x"}') == {"token": "x"}


async def test_without_fsspec_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(UsageError) as problem:
        await SchemeFolder("x", "gs://box", {}, {}).stat("x")
    assert "mlworkbench[data]" in problem.value.hint


async def test_what_is_taken_away_as_soon_as_it_is_written_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settle(handle: int, part: Path, place: Path, overwrite: bool) -> None:
        part.unlink()

    async def source() -> AsyncIterator[bytes]:
        yield b"a"
        yield hashlib.sha256(b"a").digest()

    monkeypatch.setattr(folder, "_settle", settle)
    with pytest.raises(NotFound):
        await LocalFolder(tmp_path).write("a", source(), token=TOKEN, size=1, offset=0, overwrite=False)
