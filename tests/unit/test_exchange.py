"""The answer of the local server taken apart, however its bytes arrive."""

from __future__ import annotations

import json
import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import Conflict, ServerError
from workbench.workspace.exchange import (
    AnswerParser,
    Piece,
    ServerOutdated,
    Shape,
    chunk,
    decode_giving_way,
    encode_parameters,
    request,
    told,
)

STREAM = b"HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n"
VALUE = b"HTTP/1.0 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"


def pieces(shape: Shape, parts: list[bytes]) -> list[Piece]:
    """What a client sees of an answer that arrives in parts and then ends; told how far it may read on."""
    parser = AnswerParser(shape)
    found: list[Piece] = []
    waiting = [part for part in parts if part]
    while True:
        piece = parser.next_piece()
        if piece is None:
            assert parser.wanted > 0
            parser.feed(waiting.pop(0) if waiting else b"")
            continue
        found.append(piece)
        if not piece.block and (shape is not Shape.ITEMS or not told(json.loads(piece.data)).more):
            return found


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """data in parts."""
    marks = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:stop] for start, stop in pairwise(marks)]


places = st.lists(st.integers(0, 10_000), max_size=12)


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), places)
def test_blocks_are_whole_however_they_arrive(blocks: list[bytes], where: list[int]) -> None:
    body = b"".join(struct.pack(">I", len(block)) + block for block in blocks)
    data = STREAM + body + struct.pack(">I", 0) + b'{"ok":null}'
    *got, last = pieces(Shape.BLOCKS, cut(data, where))
    assert got == [Piece(block, block=True) for block in blocks]
    assert last == Piece(b'{"ok":null}')


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers(), max_size=3), max_size=8), places)
def test_items_are_whole_however_they_arrive(values: list[dict[str, int]], where: list[int]) -> None:
    lines = [json.dumps({"item": value}).encode() for value in values] + [b'{"end":true}']
    got = pieces(Shape.ITEMS, cut(STREAM + b"\n".join(lines) + b"\n", where))
    assert [piece.data for piece in got] == lines


@given(st.sampled_from(list(Shape)), places)
def test_a_refusal_comes_in_every_shape(shape: Shape, where: list[int]) -> None:
    body = b'{"error":' + json.dumps(Conflict("it exists", "choose").to_wire()).encode() + b"}"
    with pytest.raises(Conflict, match="it exists"):
        told(json.loads(pieces(shape, cut(VALUE + body, where))[0].data))


@pytest.mark.parametrize("shape", list(Shape))
@pytest.mark.parametrize(("answer", "error"), [
    (b"HTTP/1.1 426 Upgrade Required\r\n\r\n", ServerOutdated),
    (b"HTTP/1.1 200 OK\r\nContent-", ServerError),
    (b"220 smtp\r\n\r\n", ServerError),
    (b"x" * 70_000, ServerError),
    (b"", ServerError),
])  # fmt: skip
def test_what_is_no_answer_of_ours(shape: Shape, answer: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        pieces(shape, [answer])


@pytest.mark.parametrize("rest", [b"", struct.pack(">I", 5) + b"four", b"\0\0"])
def test_a_stream_of_blocks_that_breaks_is_told(rest: bytes) -> None:
    with pytest.raises(ServerError, match="in the middle"):
        pieces(Shape.BLOCKS, [STREAM + rest])


@pytest.mark.parametrize("rest", [b"", b'{"item":1}\n', b'{"item":1}\n{"end":true}'])
def test_a_stream_of_items_that_breaks_is_told(rest: bytes) -> None:
    with pytest.raises(ServerError, match="in the middle"):
        pieces(Shape.ITEMS, [STREAM + rest])


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_giving_way_changes_no_value(value: object) -> None:
    assert decode_giving_way(json.dumps(value).encode()) == value


def test_an_absent_parameter_is_absent_and_an_empty_block_ends_no_upload() -> None:
    assert encode_parameters({"a": None, "b": False}) == b'{"b": false}'
    assert request("default", "runs", "get", {"run": "ü"}).endswith(b'\r\n\r\n{"run": "\\u00fc"}')
    assert chunk(b"") == b""
    assert chunk(b"x" * 16) == b"10\r\n" + b"x" * 16 + b"\r\n"
