"""The keys a terminal's near side keeps for itself: only at the start of a line, never in what is pasted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.workspace.escape_keys import Escape, EscapeKeys


def fed(*typed: bytes) -> list[bytes | Escape]:
    """What comes of keys; neighbouring bytes are joined."""
    keys = EscapeKeys()
    found: list[bytes | Escape] = []
    for part in typed:
        for what in keys.feed(part):
            before = found[-1] if found else None
            if isinstance(what, bytes) and isinstance(before, bytes):
                found[-1] = before + what
            else:
                found.append(what)
    return found


@pytest.mark.parametrize(("typed", "found"), [
    ([b"~."], [Escape.HANG_UP]),
    ([b"a~."], [b"a~."]),
    ([b"a\r~."], [b"a\r", Escape.HANG_UP]),
    ([b"a\r", b"~", b"."], [b"a\r", Escape.HANG_UP]),
    ([b"~~"], [b"~"]),
    ([b"~~."], [b"~."]),
    ([b"~x"], [b"~x"]),
    ([b"~"], []),
    ([b"~\r~."], [b"~\r", Escape.HANG_UP]),
    ([b"\r~\x1a~?"], [b"\r", Escape.STEP_ASIDE, Escape.HELP]),
    ([b"\x1b[3~."], [b"\x1b[3~."]),
    ([b"\x1b[200~rm\r~.\r\x1b[201~\r~."], [b"\x1b[200~rm\r~.\r\x1b[201~\r", Escape.HANG_UP]),
    ([b"\x1b[200~a\r", b"~.", b"\x1b[201~"], [b"\x1b[200~a\r~.\x1b[201~"]),
])  # fmt: skip
def test_keys(typed: list[bytes], found: list[bytes | Escape]) -> None:
    assert fed(*typed) == found


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_what_holds_no_tilde_goes_through_as_it_is(typed: list[bytes]) -> None:
    typed = [part.replace(b"~", b"") for part in typed]
    assert fed(*typed) == ([b"".join(typed)] if any(typed) else [])


@given(st.text(alphabet="~.\ra", max_size=40), st.integers(1, 5))
def test_the_split_makes_no_difference(typed: str, size: int) -> None:
    data = typed.encode()
    assert fed(data) == fed(*(data[start : start + size] for start in range(0, len(data), size)))


def test_a_paste_of_many_lines_is_no_depth() -> None:
    assert fed(b"\r~a" * 50_000) == [b"\r~a" * 50_000]
