"""What a program left switched on in a terminal, found in any split of its output."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.text.terminal_modes import TerminalModes

VIM = b"\x1b[?1049h\x1b[22;0;0t\x1b[>4;2m\x1b[?1h\x1b=\x1b[?2004h\x1b[?1004h\x1b[1;24r\x1b[?12h\x1b[?12l\x1b[?25l\x1b[?1000;1006h"


def modes(*parts: bytes) -> TerminalModes:
    found = TerminalModes()
    for part in parts:
        found.feed(part)
    return found


@pytest.mark.parametrize(("output", "undoing"), [
    (b"plain text \x1b[31mred", b""),
    (b"\x1b[?25l", b"\x1b[?25h\x1b[0m"),
    (b"\x1b[?25l\x1b[?25h", b""),
    (b"\x1b[?1000;1006h", b"\x1b[?1000l\x1b[?1006l\x1b[0m"),
    (b"\x1b[?1049h", b"\x1b[?1049l\x1b[0m"),
    (b"\x1b[?1049h\x1b[?1049l", b""),
    (b"\x1b[?7l\x1b[?9999h", b"\x1b[?7h\x1b[0m"),
    (b"\x1b=", b"\x1b>\x1b[0m"),
    (b"\x1b[4h", b"\x1b[4l\x1b[0m"),
    (b"\x1b[5;10r", b"\x1b7\x1b[r\x1b8\x1b[0m"),
    (b"\x1b[5;10r\x1b[r", b""),
    (b"\x1b[>4;1m", b"\x1b[>4m\x1b[0m"),
    (b"\x1b[>1u", b"\x1b[<9u\x1b[0m"),
    (b"\x1b[>1u\x1b[<u", b""),
    (b"\x1b[5 q", b"\x1b[0 q\x1b[0m"),
    (b"\x1b(0", b"\x1b(B\x1b[0m"),
    (b"\x0e", b"\x0f\x1b[0m"),
    (VIM + b"\x1bc", b""),
])  # fmt: skip
def test_what_was_left_is_undone(output: bytes, undoing: bytes) -> None:
    assert modes(output).undoing() == undoing


def test_an_editor_is_undone_whole_and_its_screen_last() -> None:
    found = modes(VIM)
    assert found.full_screen
    undoing = found.undoing()
    for part in (b"[r", b"[?1l", b"[?2004l", b"[?1004l", b"[?25h", b"[?1000l", b"[?1006l", b"\x1b>", b"[>4m"):
        assert part in undoing
    assert undoing.endswith(b"\x1b[?1049l\x1b[0m")
    assert modes(VIM, undoing).undoing() == b""
    assert modes(VIM, undoing, found.redoing()).full_screen


@given(st.integers(1, 9))
def test_the_split_makes_no_difference(size: int) -> None:
    data = b"text" + VIM + b"more" * 100
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    assert modes(*parts).undoing() == modes(data).undoing()


@given(st.lists(st.binary(max_size=100), max_size=30))
def test_any_bytes_are_taken(parts: list[bytes]) -> None:
    found = modes(*parts)
    assert len(found._tail) < 200
    found.undoing()
