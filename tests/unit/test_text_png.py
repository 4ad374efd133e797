"""PNG files are read to the dot, refused in words, and harmless when they lie; pictures keep their shape."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.png_making import png
from workbench.text import half_blocks
from workbench.text.png import MOST, UnreadableImage, decode, header

BACK = (10, 20, 30)


@given(
    st.sampled_from([0, 2, 3, 4, 6]),
    st.integers(1, 9),
    st.integers(1, 7),
    st.lists(st.integers(0, 4), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_every_filter_and_colour_is_read_to_the_byte(colour, width, height, filters, random) -> None:
    step = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    rows = [bytes(random.randrange(256) for _ in range(width * step)) for _ in range(height)]
    more = [(b"PLTE", bytes(range(256)) * 3)] if colour == 3 else []
    found = decode(png(width, height, rows, colour, filters=filters, more=more))
    assert found.rows == rows
    assert (found.width, found.height) == (width, height)
    assert all(0 <= part <= 255 for part in found.dot(width - 1, height - 1, BACK))


def test_dots_of_each_kind_over_a_ground() -> None:
    assert decode(png(1, 1, [b"\x07"], 0)).dot(0, 0, BACK) == (7, 7, 7)
    assert decode(png(2, 1, [b"\x00\x00\x00\x01\x02\x03"], 2)).dot(1, 0, BACK) == (1, 2, 3)
    assert decode(png(1, 1, [b"\xff\x80"], 4)).dot(0, 0, (0, 0, 0)) == (128, 128, 128)
    assert decode(png(1, 1, [b"\x01\x02\x03\x00"], 6)).dot(0, 0, BACK) == BACK
    palette = [(b"PLTE", b"\x00\x00\x00\x09\x08\x07"), (b"tRNS", b"\xff\x00")]
    found = decode(png(2, 1, [b"\x00\x01"], 3, more=palette))
    assert (found.dot(0, 0, BACK), found.dot(1, 0, BACK)) == ((0, 0, 0), BACK)
    beyond = decode(png(1, 1, [b"\xfe"], 3, more=palette))
    assert beyond.dot(0, 0, BACK) == (0, 0, 0)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff\xd8\xff\xe0JFIF", "no PNG"),
        (png(1, 1, [b"abc"], interlace=1), "interlaced"),
        (png(1, 1, [b"abc"], depth=16), "16 bits"),
        (png(4000, 4000, [b"abc"]), "too many"),
        (png(0, 5, [b""]), "too many"),
        (png(9, 9, [b"abc"]), "ends too early"),
        (png(1, 1, [b"abc"])[:40], "ends too early"),
        (png(1, 1, [b"abc"]).replace(b"IDATx", b"IDAT\x00"), "damaged"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(data, why) -> None:
    with pytest.raises(UnreadableImage, match=why):
        decode(data)


def test_a_small_file_that_unpacks_to_gigabytes_costs_what_its_size_says() -> None:
    bomb = zlib.compress(bytes(50_000_000))
    data = png(2, 2, [bytes(6), bytes(6)])
    at = data.index(b"IDAT") - 4
    whole = data[:at] + struct.pack(">I", len(bomb)) + b"IDAT" + bomb + b"\0\0\0\0"
    assert decode(whole).rows == [bytes(6), bytes(6)]
    assert MOST < 50_000_000


@given(st.binary(max_size=200))
def test_rubbish_after_the_signature_is_no_surprise(rubbish) -> None:
    data = b"\x89PNG\r\n\x1a\n" + rubbish
    header(data)
    with pytest.raises(UnreadableImage):
        decode(data)


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 200), st.integers(1, 80))
def test_a_picture_keeps_its_shape_in_its_room(width, height, cells, lines) -> None:
    across, down = half_blocks.size(width, height, cells, lines)
    assert 1 <= across <= cells
    assert 1 <= down <= lines
    if 8 <= across < cells and 8 <= down < lines:
        assert across / (2 * down) == pytest.approx(width / height, rel=0.35)


def test_halves_are_averages_and_letters_are_denser_where_it_is_brighter() -> None:
    rows = [bytes([0, 0, 0] * 4 + [250, 250, 250] * 4)] * 4 + [bytes([100] * 24)] * 4
    picture = half_blocks.drawn(decode(png(8, 8, rows)), 2, 1)
    assert picture == [[half_blocks.Cell((0,) * 3, (100,) * 3), half_blocks.Cell((250,) * 3, (100,) * 3)]]
    dark, bright = half_blocks.letters(picture)[0]
    assert half_blocks.RAMP.index(dark) < half_blocks.RAMP.index(bright)
