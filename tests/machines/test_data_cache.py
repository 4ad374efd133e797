"""The cache of data on a machine over a real link: cut, killed, damaged, hostile, and two at once."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import socketserver
import stat
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.machines.links import MakeLink, make_link, until
from workbench.compute.link import Link
from workbench.errors import Conflict, NotFound, Refused, Unreachable, UsageError, WorkbenchError
from workbench.remote.data.cache import key_of, unverified_id

__all__ = ["make_link"]
MB = 1 << 20


def entry(path: str, body: bytes) -> tuple[str, int, str]:
    return path, len(body), hashlib.sha256(body).hexdigest()


async def blocks(body: bytes, stop: int | None = None) -> AsyncIterator[bytes]:
    """A body in pieces; after stop bytes nothing more comes, and no end either."""
    for at in range(0, len(body) if stop is None else stop, MB):
        yield body[at : at + MB]
    if stop is not None:
        await asyncio.sleep(3600)


async def put(link: Link, identity: str, body: bytes, offset: int = 0) -> Any:
    stream = link.stream(
        "data_put", {"files": [[identity, len(body), offset]]}, blocks(memoryview(body)[offset:].tobytes())
    )
    async with stream:
        return await stream.result()


async def want(link: Link, entries: list[tuple[str, int, str]]) -> Any:
    entries = sorted(entries, key=lambda item: item[0].encode())
    return await link.call("data_want", {"key": key_of(entries), "entries": entries})


async def seal(link: Link, entries: list[tuple[str, int, str]]) -> Any:
    return await link.call("data_seal", {"key": key_of(sorted(entries, key=lambda item: item[0].encode()))})


async def test_a_dataset_is_sent_once_and_what_two_share_never_twice(make_link: MakeLink) -> None:
    """AZ-59, AZ-62: it is there before the run, and nobody can write to it."""
    link = await make_link()
    first, second = b"a" * 100, b"b" * 200
    entries = [entry("train/a.csv", first), entry("train/copy of a.csv", first), entry("b.csv", second)]
    answer = await want(link, entries)
    assert [item[1:] for item in answer["missing"]] == [[200, 0], [100, 0]]
    assert (await seal(link, entries))["missing"], "nothing is made of half of it"
    for body in (first, second):
        await put(link, hashlib.sha256(body).hexdigest(), body)
    ready = await seal(link, entries)
    assert ready["ready"]
    assert (ready["files"], ready["bytes"]) == (3, 400)
    tree = Path(ready["path"])
    assert (tree / "train/copy of a.csv").read_bytes() == first
    for path in (tree, tree / "train", tree / "b.csv"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o222
    assert (await want(link, entries))["ready"]
    more = [*entries, entry("c.csv", b"c")]
    assert [item[1] for item in (await want(link, more))["missing"]] == [1]


async def test_an_upload_whose_link_is_killed_goes_on_where_it_was(
    make_link: MakeLink, tmp_path: Path
) -> None:
    """64 MB, the far end killed by SIGKILL in the middle: the rest is sent, and the whole is checked."""
    link = await make_link()
    body = os.urandom(64 * MB)
    entries = [entry("big.bin", body)]
    await want(link, entries)
    partial = tmp_path / "root/data/files" / entries[0][2][:2]
    stream = link.stream("data_put", {"files": [[entries[0][2], len(body), 0]]}, blocks(body, 40 * MB))
    await until(
        lambda: any(item.stat().st_size >= 32 * MB for item in partial.glob("*.partial")), "half of it"
    )
    os.kill(link.hello["pid"], signal.SIGKILL)
    with pytest.raises(Unreachable):
        await stream.result()
    link = await make_link()
    [[identity, size, arrived]] = (await want(link, entries))["missing"]
    assert 32 * MB <= arrived <= 40 * MB
    assert size == 64 * MB
    await put(link, identity, body, arrived)
    ready = await seal(link, entries)
    assert hashlib.sha256(Path(ready["path"], "big.bin").read_bytes()).hexdigest() == identity
    assert not list(partial.glob("*.partial"))


async def test_what_arrives_as_something_else_is_not_kept(make_link: MakeLink) -> None:
    link = await make_link()
    entries = [entry("a", b"right")]
    await want(link, entries)
    with pytest.raises(Conflict, match="another hash"):
        await put(link, entries[0][2], b"wrong")
    assert (await want(link, entries))["missing"] == [[entries[0][2], 5, 0]]


async def test_two_who_bring_the_same_file_bring_it_once(make_link: MakeLink) -> None:
    """The second waits for the first, and takes over from where that one was cut."""
    one, two = await make_link(), await make_link()
    body = os.urandom(8 * MB)
    entries = [entry("a", body)]
    await want(one, entries)
    slow = one.stream("data_put", {"files": [[entries[0][2], len(body), 0]]}, blocks(body, 2 * MB))
    await asyncio.sleep(0.3)
    second = asyncio.create_task(put(two, entries[0][2], body))
    await asyncio.sleep(0.3)
    assert not second.done()
    slow.cancel()
    assert await second == {"taken": 1}
    # And of two that both go on the later one needs to send nothing.
    both = await asyncio.gather(*(put(link, entries[0][2], body) for link in (one, two)))
    assert both == [{"taken": 1}, {"taken": 1}]
    assert (await seal(two, entries))["ready"]


async def test_a_connection_that_brings_nothing_makes_way(
    make_link: MakeLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A laptop that slept comes back by a new connection while the machine still holds the old one."""
    one, two = await make_link(), await make_link()
    body = b"x" * (2 * MB)
    entries = [entry("a", body)]
    await want(one, entries)
    slow = one.stream("data_put", {"files": [[entries[0][2], len(body), 0]]}, blocks(body, MB))
    await asyncio.sleep(0.3)
    async with asyncio.timeout(60):
        assert await put(two, entries[0][2], body) == {"taken": 1}
        with pytest.raises(WorkbenchError, match="another connection"):
            await slow.result()


@pytest.mark.parametrize("path", ["../a", "/etc/passwd", "a/../../b", "a\0b", "", "a//b", "."])
async def test_a_path_that_leaves_the_tree_is_refused(path: str, make_link: MakeLink) -> None:
    link = await make_link()
    with pytest.raises(UsageError):
        await want(link, [(path, 1, "0" * 64)])


async def test_paths_that_need_each_other_are_refused(make_link: MakeLink) -> None:
    link = await make_link()
    with pytest.raises(UsageError, match="twice"):
        await want(link, [("a", 1, "0" * 64), ("a/b", 1, "1" * 64)])
    with pytest.raises(UsageError, match="key names"):
        await link.call("data_want", {"key": "0" * 64, "entries": [["a", 1, "0" * 64]]})
    with pytest.raises(UsageError):
        await link.call("data_put", {"files": [["../../x", 1, 0]]})
    with pytest.raises(NotFound):
        await link.call("data_seal", {"key": "0" * 64})


async def test_what_somebody_wrote_to_is_brought_again(make_link: MakeLink) -> None:
    """AZ-62: read-only is no wall for root and for who changes modes; it is noticed at the next use."""
    link = await make_link()
    entries = [entry("a", b"right"), entry("b", b"other")]
    await want(link, entries)
    for body in (b"right", b"other"):
        await put(link, hashlib.sha256(body).hexdigest(), body)
    tree = Path((await seal(link, entries))["path"])
    os.chmod(tree / "a", 0o644)
    (tree / "a").write_bytes(b"wrong")
    assert [item[0] for item in (await want(link, entries))["missing"]] == [entries[0][2]]
    await put(link, entries[0][2], b"right")
    assert Path((await seal(link, entries))["path"], "a").read_bytes() == b"right"


async def test_what_cannot_fit_is_told_before_a_byte_is_sent(make_link: MakeLink) -> None:
    link = await make_link()
    with pytest.raises(WorkbenchError, match="do not fit there"):
        await want(link, [("a", 1 << 49, "0" * 64)])


async def test_a_fingerprint_tells_every_change_and_is_the_same_on_both_sides(
    make_link: MakeLink, tmp_path: Path
) -> None:
    """AZ-63"""
    from workbench.remote.data.fingerprints import fingerprint

    link = await make_link()
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/a").write_bytes(b"1")
    (folder / "ä b").write_bytes(b"22")
    (folder / "loop").symlink_to(folder)
    (folder / "nowhere").symlink_to("/nonexistent/x")
    first = await link.call("fingerprint", {"path": str(folder)})
    assert (first["files"], first["bytes"], first["kind"]) == (2, 3, "folder")
    assert first["hash"] == fingerprint(os.fsencode(folder))["hash"]
    deep = await link.call("fingerprint", {"path": str(folder), "contents": True})
    os.utime(folder / "sub/a", (1, 1))
    assert (await link.call("fingerprint", {"path": str(folder)}))["hash"] != first["hash"]
    again = await link.call("fingerprint", {"path": str(folder), "contents": True})
    assert again["hash"] == deep["hash"] != first["hash"]
    one = await link.call("fingerprint", {"path": str(folder / "sub/a")})
    assert (one["kind"], one["files"]) == ("file", 1)
    with pytest.raises(NotFound):
        await link.call("fingerprint", {"path": str(folder / "absent")})


class Web:
    """A server of files that cuts, refuses ranges, or changes what it has, as told."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.cut_after = 0
        self.pause = 0.0
        self.chunked = False
        self.ranges = True
        self.etag = '"1"'
        self.asked: list[str | None] = []
        self.url = ""


@contextmanager
def serving() -> Iterator[Web]:
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            web.asked.append(wanted)
            if self.path == "/file":
                self.send_response(302)
                self.send_header("Location", "file:///etc/passwd")
                self.end_headers()
                return
            body = web.bodies.get(self.path.partition("?")[0])
            if body is None:
                self.send_error(404)
                return
            start = int(wanted.split("=")[1].split("-")[0]) if wanted and web.ranges else 0
            stop = len(body)
            if wanted and web.ranges and wanted.endswith("-0"):
                stop = 1
            self.send_response(206 if wanted and web.ranges else 200)
            if web.etag:
                self.send_header("ETag", web.etag)
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(body)}")
            if web.chunked and stop - start > 1:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"%x\r\n" % (stop - start))  # one piece, which is cut in its middle
            else:
                self.send_header("Content-Length", str(stop - start))
                self.end_headers()
            if web.cut_after and stop - start > web.cut_after:
                self.wfile.write(body[start : start + web.cut_after])
                self.connection.shutdown(2)
            else:
                for at in range(start, stop, 1 << 18):
                    time.sleep(web.pause)
                    self.wfile.write(body[at : min(stop, at + (1 << 18))])

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("chunked", [False, True])
async def test_the_machine_fetches_what_is_cut_again_and_again(make_link: MakeLink, chunked: bool) -> None:
    link = await make_link()
    body = os.urandom(5 * MB)
    with serving() as web:
        web.chunked = chunked
        web.bodies["/d/data.bin"] = body
        web.cut_after = MB
        seen = await link.call("data_look", {"url": web.url + "/d/data.bin?token=x"})
        assert (seen["size"], seen["name"], seen["etag"]) == (5 * MB, "data.bin", '"1"')
        identity = unverified_id(web.url, "data.bin", seen["size"], seen["etag"])
        entries = [("data.bin", seen["size"], identity)]
        await want(link, entries)
        file = {"id": identity, "size": 5 * MB, "url": web.url + "/d/data.bin", "etag": '"1"'}
        await link.call("data_fetch", {"files": [file]})
        ranged = [asked for asked in web.asked if asked]
        assert len(ranged) >= 5
        ready = await seal(link, entries)
        assert Path(ready["path"], "data.bin").read_bytes() == body


async def test_what_changed_on_the_web_is_a_clear_failure(make_link: MakeLink) -> None:
    link = await make_link()
    with serving() as web:
        web.bodies["/a"] = b"12345"
        file = {"id": "x" + "0" * 64, "size": 5, "url": web.url + "/a", "etag": '"0"'}
        with pytest.raises(Conflict, match="another content now"):
            await link.call("data_fetch", {"files": [file]})
        file["etag"] = None
        web.bodies["/a"] = b"123456"
        with pytest.raises(Conflict, match="larger"):
            await link.call("data_fetch", {"files": [file]})
        file["url"] = web.url + "/absent"
        with pytest.raises(NotFound, match="404"):
            await link.call("data_fetch", {"files": [file]})


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a/b", "http://", "http://a b", "REDIRECT"])
async def test_only_the_web_is_fetched(url: str, make_link: MakeLink) -> None:
    link = await make_link()
    with serving() as web:
        url = web.url + "/file" if url == "REDIRECT" else url
        with pytest.raises((UsageError, Refused)):
            await link.call("data_look", {"url": url})


async def test_what_speaks_another_language_is_said_so(make_link: MakeLink) -> None:
    link = await make_link()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 mail.example\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            with pytest.raises(WorkbenchError, match="speaks no HTTP"):
                await link.call("data_look", {"url": f"http://127.0.0.1:{server.server_address[1]}/a"})
        finally:
            server.shutdown()
            thread.join()


async def test_a_server_that_is_not_there_is_said_without_what_lets_one_in(make_link: MakeLink) -> None:
    link = await make_link()
    with serving() as web:
        gone = web.url
    with pytest.raises(WorkbenchError) as caught:
        await link.call("data_look", {"url": gone + "/a?signature=SECRET"})
    assert "SECRET" not in caught.value.message
