"""Posting to an address somebody gave: where it may lead, and what the other side may do."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import require
from tests.receivers import drip, raw_server, receiver, silence
from workbench.remote.supervision.webhook import (
    Undelivered,
    addresses_of,
    check_allowed,
    is_public,
    place_of,
    post,
)

LOOPBACK = ["127.0.0.1"]


async def send(url: str, body: bytes = b"{}", allow: list[str] | None = None, **more: Any) -> int:
    """post, in a thread, over plain http."""
    return await asyncio.to_thread(
        post, url, body, LOOPBACK if allow is None else allow, **{"plain_http": True, **more}
    )


def answers(*addresses: str) -> Any:
    """A resolver that knows one name."""

    def resolve(host: str, port: int, *_: Any) -> list[Any]:
        found = []
        for text in addresses:
            family = socket.AF_INET6 if ":" in text else socket.AF_INET
            found.append((family, socket.SOCK_STREAM, 6, "", (text, port)))
        return found

    return resolve


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("8.8.8.8", True),
        ("2600::1", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("192.0.2.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:169.254.169.254", False),
        ("2002:7f00:1::1", False),
        ("2002:a00:1::1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
    ],
)
def test_which_addresses_are_anybodys(text: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(text)) is public


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x",
        "ftp://hooks.example/x",
        "file:///etc/passwd",
        "gopher://hooks.example/x",
        "https://user:word@hooks.example/x",
        "https://user@hooks.example/x",
        "https:///x",
        "https://hooks.example\\@127.0.0.1/x",
        "https://hooks.example/x y",
        "https://hooks.example/x\r\nHost: a",
        "https://hooks.example:99999/x",
        "https://hooks.example:x/",
        "https://h\u00f6ks.example/",
        "https://-/",
        "https://" + "a" * 3000 + "/",
        "hooks.example",
        "",
    ],
)
def test_addresses_nothing_is_posted_to(url: str) -> None:
    with pytest.raises(Undelivered) as refused:
        place_of(url)
    assert refused.value.again is False


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://Hooks.Example/a?b=c#frag", (True, "hooks.example", 443, "/a?b=c")),
        ("https://hooks.example.:8443", (True, "hooks.example", 8443, "/")),
        ("https://[2600::1]/x", (True, "2600::1", 443, "/x")),
    ],
)
def test_where_an_address_leads(url: str, place: tuple[Any, ...]) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize(
    ("allow", "fits"),
    [
        (["hooks.example"], True),
        (["HOOKS.example."], True),
        (["hooks.example:8443"], True),
        (["hooks.example:443"], False),
        (["example"], False),
        (["*.example"], False),
        (["hooks.example.evil"], False),
        ([], False),
    ],
)
def test_the_allow_list_names_hosts_whole(allow: list[str], fits: bool) -> None:
    place = place_of("https://hooks.example:8443/")
    if fits:
        check_allowed(place, allow)
    else:
        with pytest.raises(Undelivered):
            check_allowed(place, allow)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://localhost/",
    ],
)
def test_ways_to_write_this_machine_are_refused_however_allowed_by_name(url: str) -> None:
    place = place_of(url, plain_http=True)
    allow = [] if place.host in ("127.0.0.1", "::1", "::ffff:7f00:1", "::ffff:127.0.0.1") else [place.host]
    with pytest.raises(Undelivered, match=r"private|not found"):
        addresses_of(place, allow)


def test_a_name_that_leads_to_a_public_and_a_private_address_is_a_trap() -> None:
    place = place_of("https://hooks.example/")
    with pytest.raises(Undelivered, match=r"leads to 10\.0\.0\.5") as refused:
        addresses_of(place, ["hooks.example"], answers("8.8.8.8", "10.0.0.5"))
    assert refused.value.again is False


def test_a_private_address_that_is_named_may_be_reached() -> None:
    place = place_of("https://hooks.example/")
    found = addresses_of(place, ["hooks.example", "10.0.0.5"], answers("10.0.0.5"))
    assert [sockaddr[0] for _, sockaddr in found] == ["10.0.0.5"]


async def test_the_name_is_resolved_once_and_the_connection_goes_where_was_looked() -> None:
    """DNS rebinding: the second answer would lead elsewhere, and nobody asks for it."""
    async with receiver() as good, receiver() as evil:
        asked: list[int] = []

        def rebinding(host: str, port: int, *_: Any) -> list[Any]:
            asked.append(port)
            target = good if len(asked) == 1 else evil
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", target.port))]

        allow = ["hooks.example", "127.0.0.1"]
        assert await send("http://hooks.example/x", allow=allow, resolve=rebinding) == 200
        assert (len(asked), len(good.posts), evil.posts) == (1, 1, [])
        assert good.posts[0].headers["Host"] == "hooks.example"


async def test_what_arrives_is_signed_json() -> None:
    async with receiver() as there:
        body = b'{"a":1}'
        assert await send(there.url, body, secret=b"sesame", headers={"X-Workbench-Sequence": "7"}) == 200
        (came,) = there.posts
        assert (came.path, came.body) == ("/hook?a=1", body)
        assert came.headers["Content-Type"] == "application/json"
        assert came.headers["X-Workbench-Sequence"] == "7"
        signed = f"{came.headers['X-Workbench-Time']}.".encode() + body
        wanted = hmac.new(b"sesame", signed, hashlib.sha256).hexdigest()
        assert came.headers["X-Workbench-Signature"] == f"sha256={wanted}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(status: int) -> None:
    async with receiver() as there, receiver() as elsewhere:
        there.status, there.location = status, elsewhere.url
        with pytest.raises(Undelivered, match="redirect") as refused:
            await send(there.url)
        assert refused.value.again is False
        assert elsewhere.posts == []


@pytest.mark.parametrize(
    ("status", "again"), [(400, False), (404, False), (410, False), (429, True), (500, True), (503, True)]
)
async def test_whether_it_may_go_better_later(status: int, again: bool) -> None:
    async with receiver() as there:
        there.status = status
        with pytest.raises(Undelivered, match=f"answers {status}") as refused:
            await send(there.url)
        assert refused.value.again is again


@pytest.mark.parametrize("talk", [silence, drip])
async def test_one_that_never_answers_is_left(talk: Any) -> None:
    async with raw_server(talk) as port:
        with pytest.raises(Undelivered) as refused:
            await asyncio.wait_for(send(f"http://127.0.0.1:{port}/", seconds=0.3), 30)
        assert refused.value.again is True


async def test_an_answer_that_is_no_http() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await writer.drain()

    async with raw_server(talk) as port:
        with pytest.raises(Undelivered, match=r"no HTTP|reached"):
            await send(f"http://127.0.0.1:{port}/")


async def test_a_head_without_an_end_is_not_kept() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 100 Continue\r\n")
        while True:
            writer.write(b"X: " + b"y" * 4000 + b"\r\n")
            await writer.drain()

    async with raw_server(talk) as port:
        with pytest.raises(Undelivered):
            await asyncio.wait_for(send(f"http://127.0.0.1:{port}/", seconds=20), 60)


async def test_what_comes_before_the_answer_is_passed_over() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()

    async with raw_server(talk) as port:
        assert await send(f"http://127.0.0.1:{port}/") == 204


async def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Undelivered, match="refused"):
            await send(f"http://127.0.0.1:{taken.getsockname()[1]}/")


async def test_more_than_may_be_posted() -> None:
    with pytest.raises(Undelivered, match="larger"):
        await send("http://127.0.0.1/", b"x" * (256 * 1024 + 1))


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiver() as there, receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert await send(there.url) == 200
        assert proxy.posts == []


async def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    require("openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key)]
    words += ["-out", str(certificate), "-subj", "/CN=hooks.example"]
    words += ["-addext", "subjectAltName=DNS:hooks.example"]
    subprocess.run(words, check=True, capture_output=True)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=serving)
    async with server:
        port = server.sockets[0].getsockname()[1]
        allow, resolve = ["hooks.example", "other.example", "127.0.0.1"], answers("127.0.0.1")
        trusting = ssl.create_default_context(cafile=str(certificate))
        url = f"https://hooks.example:{port}/"
        assert await send(url, allow=allow, resolve=resolve, context=trusting) == 200
        with pytest.raises(Undelivered, match="TLS"):
            await send(url, allow=allow, resolve=resolve)
        with pytest.raises(Undelivered, match="TLS"):
            await send(f"https://other.example:{port}/", allow=allow, resolve=resolve, context=trusting)
