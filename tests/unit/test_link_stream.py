"""One request on a link: what waits for its reader, and what does not any more once it was given up."""

from __future__ import annotations

import asyncio

import pytest

from workbench.compute.link_stream import LinkStream
from workbench.errors import RemoteError
from workbench.remote.forms import protocol
from workbench.remote.wire import frames

BODY = b"x" * protocol.MAX_BODY


def data(body: bytes = BODY) -> frames.Frame:
    return frames.Frame(protocol.DATA, 1, body)


def answer(ok: object) -> frames.Frame:
    (whole,) = frames.Parser().feed(b"".join(frames.encode_message(protocol.RESPONSE, 1, {"ok": ok})))
    return whole


async def test_what_was_not_taken_is_dropped_when_a_request_is_given_up() -> None:
    sent: list[bytes] = []
    stream = LinkStream(1, protocol.INITIAL_CREDIT, sent.append)
    async with asyncio.timeout(60), stream:
        stream.deliver(data())
        assert await anext(stream) == BODY
        stream.deliver(data())
        assert stream.waiting == BODY
    assert [next(iter(frames.Parser().feed(one))).type for one in sent] == [protocol.CANCEL]
    # The far end goes on until it has heard of it; no reader will ever come for that.
    for _ in range(10 * protocol.INITIAL_CREDIT // len(BODY)):
        stream.deliver(data())
        assert stream.waiting is None
        assert not stream._items
    stream.cancel()
    assert len(sent) == 1
    stream.deliver(answer({"exit_code": 143}))
    assert await stream.result() == {"exit_code": 143}


async def test_what_is_left_after_the_answer_goes_with_its_reader() -> None:
    stream = LinkStream(1, protocol.INITIAL_CREDIT, lambda _: None)
    async with stream:
        stream.deliver(data())
        stream.deliver(answer(None))
        assert stream.waiting == BODY
    assert not stream._items


async def test_a_peer_that_ignores_credit_is_found_out() -> None:
    stream = LinkStream(1, protocol.INITIAL_CREDIT, lambda _: None)
    for _ in range((2 * protocol.INITIAL_CREDIT + protocol.MAX_MESSAGE) // len(BODY)):
        stream.deliver(data())
    with pytest.raises(frames.FrameError):
        stream.deliver(data())
    stream.fail(RemoteError("the link is over"))
    with pytest.raises(RemoteError):
        await stream.result()
