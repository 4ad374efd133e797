"""Frames: the same frames come out however the bytes are cut; what is no frame of ours is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.remote.forms import protocol
from workbench.remote.wire import frames

PLAIN = (protocol.DATA, protocol.END, protocol.CREDIT, protocol.CANCEL)


@st.composite
def some_frames(draw: st.DrawFn) -> list[frames.Frame]:
    one = st.builds(
        frames.Frame,
        st.sampled_from(PLAIN),
        st.integers(0, 2**32 - 1),
        st.one_of(st.binary(max_size=40), st.just(b"x" * protocol.MAX_BODY)),
    )
    return draw(st.lists(one, max_size=8))


def feed_in_pieces(data: bytes, cuts: list[int]) -> list[frames.Frame]:
    parser, found, start = frames.Parser(), [], 0
    for cut in [*sorted(cuts), len(data)]:
        if cut > start:
            found += parser.feed(data[start:cut])
            start = cut
    assert not parser.torn
    return found


@given(some_frames(), st.data())
def test_any_split_gives_the_same_frames(sent: list[frames.Frame], data: st.DataObject) -> None:
    wire = b"".join(frames.encode(frame.type, frame.stream, frame.body) for frame in sent)
    cuts = data.draw(st.lists(st.integers(0, len(wire)), max_size=12))
    assert feed_in_pieces(wire, cuts) == sent


def test_byte_by_byte() -> None:
    wire = frames.encode(protocol.DATA, 7, b"hello") + frames.encode(protocol.END, 7)
    expected = [frames.Frame(protocol.DATA, 7, b"hello"), frames.Frame(protocol.END, 7, b"")]
    assert feed_in_pieces(wire, list(range(len(wire)))) == expected


@given(st.integers(1, 200_000), st.integers(0, 5))
def test_a_long_message_arrives_whole_with_others_between_its_parts(size: int, other: int) -> None:
    message = {"text": "m" * size}
    pieces = frames.encode_message(protocol.REQUEST, 3, message)
    between = frames.encode(protocol.DATA, 9, b"between")
    pieces.insert(min(other, len(pieces)), between)
    found = frames.Parser().feed(b"".join(pieces))
    assert frames.Frame(protocol.DATA, 9, b"between") in found
    (request,) = [frame for frame in found if frame.type == protocol.REQUEST]
    assert request.stream == 3
    assert frames.decode_json(request.body) == message


def test_data_of_any_length_is_cut_into_frames_that_fit() -> None:
    data = bytes(range(256)) * 1000
    found = frames.Parser().feed(b"".join(frames.encode_data(5, data)))
    assert {frame.stream for frame in found} == {5}
    assert max(len(frame.body) for frame in found) == protocol.MAX_BODY
    assert b"".join(frame.body for frame in found) == data


def test_an_oversized_body_is_refused_at_its_header() -> None:
    header = protocol.HEADER.pack(protocol.MAX_BODY + 1, protocol.DATA, 1)
    with pytest.raises(frames.FrameError, match="at most 65536"):
        frames.Parser().feed(header)
    with pytest.raises(frames.FrameError):
        frames.encode(protocol.DATA, 1, b"x" * (protocol.MAX_BODY + 1))


def test_a_header_in_two_pieces_is_refused_as_well() -> None:
    header = protocol.HEADER.pack(protocol.MAX_BODY + 1, protocol.DATA, 1)
    parser = frames.Parser()
    assert parser.feed(header[:5]) == []
    with pytest.raises(frames.FrameError):
        parser.feed(header[5:])


@pytest.mark.parametrize("kind", [0, protocol.PART + 1, 255])
def test_an_unknown_type_is_refused(kind: int) -> None:
    with pytest.raises(frames.FrameError, match="unknown type"):
        frames.Parser().feed(protocol.HEADER.pack(0, kind, 1))


def test_endless_parts_are_refused() -> None:
    parser = frames.Parser()
    part = frames.encode(protocol.PART, 1, b"p" * protocol.MAX_BODY)
    for _ in range(protocol.MAX_MESSAGE // protocol.MAX_BODY):
        parser.feed(part)
    with pytest.raises(frames.FrameError, match="messages of over"):
        parser.feed(part)


def test_a_cut_within_a_frame_is_told_from_a_close() -> None:
    parser = frames.Parser()
    parser.feed(frames.encode(protocol.DATA, 1, b"abc"))
    assert not parser.torn
    parser.feed(frames.encode(protocol.DATA, 1, b"abc")[:-1])
    assert parser.torn


@pytest.mark.parametrize("body", [b"", b"[]", b"3", b"{", b"\xff", b"[" * 100_000])
def test_a_message_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(frames.FrameError):
        frames.decode_json(body)


@pytest.mark.parametrize("body", [b"", b"abc", b"abcde"])
def test_a_credit_of_another_size_is_refused(body: bytes) -> None:
    with pytest.raises(frames.FrameError):
        frames.decode_credit(body)


@given(st.sampled_from(["stream", "records/1-a.jsonl"]), st.integers(0, 2**60), st.binary(max_size=100))
def test_chunks_of_follow_come_apart_as_they_were_put_together(name: str, offset: int, data: bytes) -> None:
    assert frames.split_chunk(frames.chunk_prefix(name, offset) + data) == (name, offset, data)


@pytest.mark.parametrize(
    "body", [b"", b"\0", b"\0\x05{}", b"\0\x02{}", b'\0\x0f{"f":1,"o":true}', b'\0\x10{"f":"a","o":-1}  ']
)
def test_a_malformed_chunk_is_refused(body: bytes) -> None:
    with pytest.raises(frames.FrameError):
        frames.split_chunk(body)
