"""A machine's files over a link: hostile names, huge folders, full disks, links swapped in, and what never goes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import stat
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.far_files import delete, drain
from tests.machines.links import MakeLink, make_link, until
from tests.machines.small_disk import small_disk
from workbench.compute.link import Link
from workbench.errors import Conflict, NotFound, Refused, RemoteError, UsageError, WorkbenchError

__all__ = ["make_link", "small_disk"]


TOKEN = "0123456789abcdef"


async def listing(link: Link, path: Path | str, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = await link.call("listing", {"path": str(path), **params})
    return found


async def get(link: Link, path: Path, **params: Any) -> tuple[bytes, dict[str, Any]]:
    async with link.stream("get", {"path": str(path), **params}) as stream:
        data = b"".join([item async for item in stream if isinstance(item, bytes)])
        return data, await stream.result()


async def put(
    link: Link, path: Path, content: bytes, said: bytes | None = None, **params: Any
) -> dict[str, Any]:
    """Send a file's bytes from params offset on, and the hash of the whole (or what is said)."""

    async def source() -> AsyncIterator[bytes]:
        rest = content[params.get("offset", 0) :]
        for start in range(0, len(rest), 100_000):
            yield rest[start : start + 100_000]
        yield hashlib.sha256(content).digest() if said is None else said

    asked = {"path": str(path), "token": TOKEN, "size": len(content), **params}
    async with link.stream("put", asked, source()) as stream:
        answer: dict[str, Any] = await stream.result()
        return answer


async def test_a_folder_in_pages_and_orders(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    place = tmp_path / "place"
    (place / "Zoo").mkdir(parents=True)
    for number, name in enumerate(("b", "A", ".hidden", "c")):
        (place / name).write_bytes(b"x" * number)
        os.utime(place / name, (1000 + number, 1000 + number))
    found = await listing(link, place)
    assert [entry["name"] for entry in found["entries"]] == ["Zoo", ".hidden", "A", "b", "c"]
    assert found["total"] == 5
    found = await listing(link, place, hidden=False, sort="size", descending=True, order=True)
    assert found["names"][1:] == ["c", "A", "b"]
    page = await listing(link, place, offset=1, limit=2)
    assert ([entry["name"] for entry in page["entries"]], page["total"]) == ([".hidden", "A"], 5)
    some = await listing(link, place, names=["c", "gone", "b"])
    assert [(entry["name"], entry["size"], entry["modified"]) for entry in some["entries"]] == [
        ("c", 3, 1003.0), ("b", 0, 1000.0),
    ]  # fmt: skip
    for names in (["../x"], [""], [".."], ["a/b"], ["x\0"], "c", [7]):
        with pytest.raises(UsageError):
            await listing(link, place, names=names)
    with pytest.raises(NotFound):
        await listing(link, place / "gone")


async def test_hostile_names_are_told_as_they_are_and_can_be_used(
    make_link: MakeLink, tmp_path: Path
) -> None:
    link = await make_link()
    place = tmp_path / "place"
    place.mkdir()
    names = [
        b"new\nline",
        b"\x1b]0;title\x07",
        b"caf\xe9",
        "\u202egpj.exe".encode(),
        b" ",
        b"-rf",
        b"a\tb",
        b"\xff" * 255,
    ]
    for name in names:
        (place / os.fsdecode(name)).write_bytes(name)
    found = await listing(link, place)
    told = {os.fsencode(entry["name"]) for entry in found["entries"]}
    assert told == set(names)
    for entry in found["entries"]:
        data, _ = await get(link, place / entry["name"])
        assert data == os.fsencode(entry["name"])
        await delete(link, place / entry["name"])
    assert os.listdir(place) == []


async def test_links_are_told_and_where_they_lead(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    place = tmp_path / "place"
    place.mkdir()
    (place / "file").symlink_to("/etc/passwd")
    (place / "folder").symlink_to(tmp_path)
    (place / "broken").symlink_to("nowhere")
    (place / "loop").symlink_to("loop")
    os.mkfifo(place / "pipe")
    found = {entry["name"]: entry for entry in (await listing(link, place))["entries"]}
    assert {name: (entry["kind"], entry.get("leads")) for name, entry in found.items()} == {
        "file": ("link", "file"), "folder": ("link", "dir"), "broken": ("link", None), "loop": ("link", None),
        "pipe": ("pipe", None),
    }  # fmt: skip
    assert found["broken"]["target"] == "nowhere"
    with pytest.raises(Refused, match="no file to read"):
        await get(link, place / "pipe")


async def test_a_huge_folder_blocks_nobody(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    place = tmp_path / "huge"
    place.mkdir()
    handle = os.open(place, os.O_RDONLY)
    for number in range(100_000):
        os.mknod(f"{number:06d}", 0o600 | stat.S_IFREG, dir_fd=handle)
    os.close(handle)
    whole = asyncio.create_task(listing(link, place, order=True, sort="modified"))
    pings = 0
    while not whole.done():
        await link.call("ping")
        pings += 1
    assert len((await whole)["names"]) == 100_000
    assert pings > 3, "the link answered others meanwhile"
    page = await listing(link, place, offset=99_990, limit=20)
    assert [entry["name"] for entry in page["entries"]] == [f"{n:06d}" for n in range(99_990, 100_000)]
    events, end = await drain(link, "walk", place)
    assert sum(len(event["entries"]) for event in events) == end["count"] == 100_001
    assert max(len(event["entries"]) for event in events) <= 500
    assert (await delete(link, place, recursive=True))["count"] == 100_001


async def test_where_the_room_went(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    place = tmp_path / "place"
    (place / "deep" / "er").mkdir(parents=True)
    (place / "deep" / "er" / "big").write_bytes(os.urandom(3_000_000))
    (place / "small").write_bytes(b"x" * 100)
    os.link(place / "deep" / "er" / "big", place / "twin")
    (place / "link").symlink_to("/usr")
    _, use = await drain(link, "usage", place)
    said = subprocess.run(["du", "-s", "--block-size=1", str(place)], capture_output=True, check=True)
    assert use["total"] == int(said.stdout.split()[0])
    assert use["entries"][0][0] == "deep"
    assert sum(row[2] for row in use["entries"]) < use["total"]
    assert (use["elsewhere"], use["unread"]) == (0, 0)


async def test_counting_ends_when_nobody_waits(make_link: MakeLink) -> None:
    link = await make_link()
    async with link.stream("usage", {"path": "/usr"}):
        pass
    async with asyncio.timeout(30):  # what was given up leaves its thread to others
        await asyncio.gather(*(link.call("facts") for _ in range(3)))


async def test_a_part_of_a_file_and_the_hash_of_all(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    content = os.urandom(3_000_000)
    file = tmp_path / "file"
    file.write_bytes(content)
    whole = hashlib.sha256(content).hexdigest()
    assert await get(link, file, offset=2_999_990) == (
        content[-10:],
        {"size": 3_000_000, "modified": file.stat().st_mtime, "sha256": whole},
    )
    data, answer = await get(link, file, offset=1_000_000, length=70_000, hash=False)
    assert (data, "sha256" in answer) == (content[1_000_000:1_070_000], False)
    assert (await get(link, file, length=0))[1]["sha256"] == whole
    with pytest.raises(Conflict, match="shorter"):
        await get(link, file, offset=3_000_001)


async def test_a_file_is_put_whole_with_mode_and_time(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    content = os.urandom(1_000_001)
    answer = await put(link, tmp_path / "new", content, mode=0o775, modified=1234.5)
    assert answer["sha256"] == hashlib.sha256(content).hexdigest()
    facts = (tmp_path / "new").stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_mtime) == (0o755, 1234.5)
    assert (tmp_path / "new").read_bytes() == content
    with pytest.raises(Conflict, match="exists"):
        await put(link, tmp_path / "new", b"other")
    await put(link, tmp_path / "new", b"other", overwrite=True)
    assert (tmp_path / "new").read_bytes() == b"other"
    assert not list(tmp_path.glob(".*partial"))


async def test_a_link_in_the_way_is_replaced_itself(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "link").symlink_to("precious")
    with pytest.raises(Conflict):
        await put(link, tmp_path / "link", b"new")
    await put(link, tmp_path / "link", b"new", overwrite=True)
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "link").is_symlink()


async def test_what_changed_on_its_way_is_not_kept(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    with pytest.raises(Conflict, match="changed on its way"):
        await put(link, tmp_path / "new", b"content", said=b"x" * 32)
    with pytest.raises(Conflict, match="less came"):
        await put(link, tmp_path / "new", b"content", said=b"x" * 31)
    with pytest.raises(UsageError, match="more came"):
        await put(link, tmp_path / "new", b"content", said=b"x" * 33)
    assert sorted(os.listdir(tmp_path)) == ["leases", "root"]


async def test_what_a_cut_left_is_gone_on_with(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    content = os.urandom(5_000_000)
    go = asyncio.Event()

    async def half() -> AsyncIterator[bytes]:
        yield content[:2_000_000]
        await go.wait()

    asked = {"path": str(tmp_path / "new"), "token": TOKEN, "size": len(content)}
    async with link.stream("put", asked, half()):
        partial = tmp_path / f".new.{TOKEN}.partial"
        await until(lambda: partial.exists() and partial.stat().st_size == 2_000_000, "half of it")
        with pytest.raises(RemoteError, match="being sent there already"):
            await put(link, tmp_path / "new", content)
    await link.close()
    link = await make_link()
    told = await link.call("stat", {"path": str(tmp_path / "new"), "token": TOKEN})
    assert told["arrived"] == 2_000_000
    with pytest.raises(Conflict, match="bytes of it are there"):
        await put(link, tmp_path / "new", content, offset=2_000_001)
    answer = await put(link, tmp_path / "new", content, offset=2_000_000)
    assert answer["sha256"] == hashlib.sha256(content).hexdigest()
    assert (tmp_path / "new").read_bytes() == content
    assert not partial.exists()


async def test_somebody_elses_partial_is_not_written_to(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    (tmp_path / "precious").write_text("precious")
    partial = tmp_path / f".new.{TOKEN}.partial"
    partial.symlink_to("precious")
    with pytest.raises(WorkbenchError):
        await put(link, tmp_path / "new", b"x")
    partial.unlink()
    os.link(tmp_path / "precious", partial)
    with pytest.raises(Refused, match="somebody else's"):
        await put(link, tmp_path / "new", b"x")
    assert (tmp_path / "precious").read_text() == "precious"


async def test_a_full_disk_there_is_said_in_words_and_keeps_nothing(
    make_link: MakeLink, small_disk: Path
) -> None:
    link = await make_link()
    with pytest.raises(RemoteError, match=r"2\.0 MiB do not fit .*1\.0 MiB free") as refused:
        await put(link, small_disk / "new", b"x" * (2 << 20))
    assert "prune" in refused.value.hint
    content = b"x" * 800_000
    asked = {"path": str(small_disk / "new"), "token": TOKEN, "size": len(content)}

    async def while_it_fills() -> AsyncIterator[bytes]:
        yield content[:400_000]
        partial = small_disk / f".new.{TOKEN}.partial"
        await until(lambda: partial.exists() and partial.stat().st_size == 400_000, "half of it")
        (small_disk / "hog").write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 8192))
        yield content[400_000:]

    async with link.stream("put", asked, while_it_fills()) as stream:
        with pytest.raises(RemoteError, match="had no room for all of"):
            await stream.result()
    assert os.listdir(small_disk) == ["hog"]
