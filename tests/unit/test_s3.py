"""S3 through our own client, against moto's real server: signed, cut, changed underneath, hostile listings."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from tests.machines.cut_proxy import CutProxy
from tests.s3_server import S3Server
from tests.unit.s3_places import boto, bucket_of, opened, server
from workbench.data.backend import Page
from workbench.data.s3.bucket import Bucket
from workbench.data.s3.client import S3Client
from workbench.data.s3.uploads import PART
from workbench.errors import Conflict, NotFound, Refused, Unreachable

__all__ = ["boto", "server"]

TOKEN = "ab" * 12


BIG = bytes(range(256)) * (3 * PART // 256) + b"the end"


async def source(
    data: bytes, offset: int = 0, block: int = 300_000, stop: int | None = None
) -> AsyncIterator[bytes]:
    for at in range(offset, len(data), block):
        if stop is not None and at >= stop:
            raise ConnectionError("the caller went away")
        yield data[at : at + block]
    yield hashlib.sha256(data).digest()


async def put(place: Bucket, path: str, data: bytes, *, overwrite: bool = False) -> Any:
    return await place.write(path, source(data), token=TOKEN, size=len(data), offset=0, overwrite=overwrite)


async def read(place: Bucket, path: str, *words: Any) -> bytes:
    return b"".join([block async for block in place.read(path, *words)])


async def listed(pages: AsyncIterator[Page]) -> tuple[list[str], int]:
    found = [page async for page in pages]
    return [item.path for page in found for item in page.items], sum(page.left_out for page in found)


async def test_wrong_credentials_are_said_and_not_shown(
    server: S3Server, boto: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """AZ-43: never in an error; moto checks the signature itself."""
    wrong = "wr0ngwr0ngwr0ngwr0ng"
    with server.signatures_checked():
        async with opened(server, bucket_of(request), tmp_path, secret=wrong) as place:
            for ask in (place.folder(), place.stat("x"), put(place, "x", b"data")):
                with pytest.raises(Refused) as problem:
                    await ask
                assert wrong not in repr(problem.value.to_wire())
                assert server.access not in repr(problem.value.to_wire())
        async with opened(server, bucket_of(request), tmp_path) as place:
            await put(place, "a b/\u00fc+&=%.txt", b"signed")
            assert await read(place, "a b/\u00fc+&=%.txt", 2) == b"gned"


async def test_a_read_that_is_cut_goes_on_with_the_same_content(
    server: S3Server, boto: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    boto.put_object(Bucket=bucket_of(request), Key="big", Body=BIG)
    proxy = CutProxy(server.port)
    await proxy.start()
    try:
        async with opened(server, bucket_of(request), tmp_path, port=proxy.port) as place:
            found, cuts = bytearray(), 0
            async for block in place.read("big"):
                found += block
                if len(found) > (cuts + 1) * len(BIG) // 4 and cuts < 3:
                    cuts += 1
                    proxy.reset()
            assert (bytes(found) == BIG, cuts, proxy.connections > 3) == (True, 3, True)
    finally:
        await proxy.close()


async def test_an_object_that_changes_during_a_read_is_never_mixed(
    server: S3Server, boto: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    bucket = bucket_of(request)
    boto.put_object(Bucket=bucket, Key="big", Body=BIG)
    proxy = CutProxy(server.port)
    await proxy.start()
    try:
        async with opened(server, bucket, tmp_path, port=proxy.port) as place:
            before = (await place.stat("big")).etag
            found = bytearray()

            async def reading() -> None:
                async for block in place.read("big"):
                    if not found:
                        boto.put_object(Bucket=bucket, Key="big", Body=BIG[::-1])
                        proxy.reset()
                    found.extend(block)

            with pytest.raises(Conflict, match="changed while it was read"):
                await reading()
            assert BIG.startswith(bytes(found))
            with pytest.raises(Conflict):
                await read(place, "big", 0, None, before)
            boto.delete_object(Bucket=bucket, Key="big")
            with pytest.raises(NotFound):
                await read(place, "big")
    finally:
        await proxy.close()


async def test_an_upload_that_is_cut_goes_on_at_the_parts_that_arrived(
    server: S3Server, boto: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """AZ-45: resumable; also by another process, which knows nothing but the token."""
    bucket = bucket_of(request)
    async with opened(server, bucket, tmp_path) as place:
        with pytest.raises(ConnectionError):
            await place.write(
                "big",
                source(BIG, stop=2 * PART + 500_000),
                token=TOKEN,
                size=len(BIG),
                offset=0,
                overwrite=False,
            )
        with pytest.raises(NotFound):  # nothing half is seen
            await place.stat("big")
    async with opened(server, bucket, tmp_path) as place:
        arrived = await place.arrived("big", TOKEN)
        assert arrived in (PART, 2 * PART)
        assert await place.arrived("big", "cd" * 12) == 0
        with pytest.raises(Conflict):
            await place.write(
                "big", source(BIG, 3 * PART), token=TOKEN, size=len(BIG), offset=3 * PART, overwrite=False
            )
        item = await place.write(
            "big", source(BIG, arrived), token=TOKEN, size=len(BIG), offset=arrived, overwrite=False
        )
        assert item.size == len(BIG)
        assert await read(place, "big") == BIG
        assert await place.arrived("big", TOKEN) == 0
        assert "Uploads" not in boto.list_multipart_uploads(Bucket=bucket)


async def test_an_upload_through_a_bad_wire(
    server: S3Server, boto: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    proxy = CutProxy(server.port)
    await proxy.start()

    async def cutting() -> AsyncIterator[bytes]:
        count = 0
        async for block in source(BIG):
            yield block
            count += 1
            if count % 40 == 0:
                proxy.reset()
                await asyncio.sleep(0)

    try:
        async with opened(server, bucket_of(request), tmp_path, port=proxy.port) as place:
            await place.write("big", cutting(), token=TOKEN, size=len(BIG), offset=0, overwrite=False)
            assert await read(place, "big") == BIG
    finally:
        await proxy.close()


async def test_what_is_another_at_the_end_is_not_kept(
    server: S3Server, boto: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    async def lying(data: bytes) -> AsyncIterator[bytes]:
        yield data
        yield hashlib.sha256(b"something else").digest()

    async with opened(server, bucket_of(request), tmp_path) as place:
        for data in (b"small", BIG):
            for size in (len(data), len(data) + 1, len(data) - 1):
                with pytest.raises(Conflict):
                    await place.write("x", lying(data), token=TOKEN, size=size, offset=0, overwrite=False)
        with pytest.raises(NotFound):
            await place.stat("x")


async def test_nothing_is_replaced_unless_it_may_be(
    server: S3Server, boto: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """AZ-45: existing files are kept unless overwrite, also one that came a moment ago (conditional PUT)."""
    bucket = bucket_of(request)
    async with opened(server, bucket, tmp_path) as place:

        async def racing(data: bytes) -> AsyncIterator[bytes]:
            boto.put_object(Bucket=bucket, Key="x", Body=b"first")
            async for block in source(data):
                yield block

        for data in (b"second", BIG):
            boto.delete_object(Bucket=bucket, Key="x")
            with pytest.raises(Conflict, match="exists"):
                await place.write("x", racing(data), token=TOKEN, size=len(data), offset=0, overwrite=False)
            assert await read(place, "x") == b"first"
        with pytest.raises(Conflict, match="exists"):
            await put(place, "x", b"second")
        await put(place, "x", b"second", overwrite=True)
        assert await read(place, "x") == b"second"
        await place.delete("x")
        with pytest.raises(NotFound):
            await place.delete("x")


async def test_keys_that_lead_elsewhere_are_left_out(
    server: S3Server, boto: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    bucket = bucket_of(request)
    good = ["a/b.txt", "a/ c\u00e4+%2e.txt", "a/..b", "top"]
    bad = ["../up", "a/../../etc/passwd", "/abs", "a//b", "a/./b", "a\\..\\b", "a/\x1b[2J", "a/tab\tb"]
    for key in [*good, *bad, "a/marker/"]:
        boto.put_object(Bucket=bucket, Key=key, Body=b"x" if not key.endswith("/") else b"")
    async with opened(server, bucket, tmp_path) as place:
        paths, left_out = await listed(place.items())
        assert sorted(paths) == sorted(good)
        assert left_out == len(bad)
        shown = await place.folder("a")
        assert {item.path for item in shown.items} == {key for key in good if key.startswith("a/")}
        assert "" not in shown.folders
        assert ".." not in shown.folders
    async with opened(server, bucket, tmp_path, prefix="a") as place:
        paths, _ = await listed(place.items())
        assert sorted(paths) == sorted(key[2:] for key in good if key.startswith("a/"))


async def test_a_long_listing_in_pages(
    server: S3Server, boto: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    names = [f"d/{number:05}" for number in range(2100)]
    there = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]  # two thousand requests would be long, and prove nothing
    for name in names:
        there.put_object(bucket_of(request), name, b"")
    async with opened(server, bucket_of(request), tmp_path) as place:
        assert (await listed(place.items("d")))[0] == names
        assert (await listed(place.items("d/00007")))[0] == ["d/00007"]
        assert (await place.folder()).folders == ["d"]
        with pytest.raises(NotFound):
            await listed(place.items("e"))


async def test_a_service_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.data.s3.client.FIRST_PAUSE", 0.001)
    client = S3Client("bucket", None, endpoint="http://127.0.0.1:9", region=None, name="lake")
    with pytest.raises(Unreachable, match="cannot be reached"):
        await client.call("GET")
    await client.close()


async def test_a_bucket_that_is_not_there(server: S3Server, tmp_path: Path) -> None:
    async with opened(server, "no-such-bucket", tmp_path) as place:
        with pytest.raises(NotFound, match="no bucket"):
            await place.folder()
