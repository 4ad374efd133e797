"""What picture a file is: told by its bytes, in three kinds, with its size."""

from __future__ import annotations

import pytest

from tests.png_making import gradient
from workbench.text import pictures

JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc2\x00\x11\x08\x00\x02\x00\x03\x00"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (gradient(4, 3), ("PNG", 4, 3)),
        (gradient(4, 3)[:20], None),
        (gradient(4, 3).replace(b"\x00\x00\x00\x04", bytes(4), 1), None),
        (JPEG, ("JPEG", 3, 2)),
        (b"\xff\xd8\xff\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x00\x02\x00\x03\x00", ("JPEG", 3, 2)),
        (b"\xff\xd8", None),
        (b"\xff\xd8\xff\xe0\x00\x00" * 9, None),
        (b"GIF89a\x05\x00\x02\x00\x00\x00\x00;", ("GIF", 5, 2)),
        (b"GIF87a\x00\x00\x02\x00\x00\x00\x00;", None),
        (b"GIF89a", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", None),
        (b"<!doctype html><script>alert(1)</script>", None),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", None),
        (b"", None),
    ],
)
def test_a_picture_is_what_its_bytes_say(data: bytes, found: tuple[str, int, int] | None) -> None:
    assert pictures.read(data) == found


def test_it_is_described_with_its_media_type() -> None:
    found = pictures.read(JPEG)
    assert found is not None
    assert found.media == "image/jpeg"
    assert pictures.about(JPEG).startswith("JPEG 3 x 2  ")
    assert "x" not in pictures.about(b"no picture")
