"""Why a program failed, by what it said last."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.text.last_words import LINES, LONGEST, last_words
from workbench.text.sanitize import clean_name

TRACEBACK = b"""epoch 4
Traceback (most recent call last):
  File "train.py", line 12, in <module>
    main()
RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB
"""


@pytest.mark.parametrize(
    ("tail", "said"),
    [
        (TRACEBACK, "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB"),
        (TRACEBACK + b"cleaning up\n", "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB"),
        (b"KeyError: old\n" + TRACEBACK.replace(b"RuntimeError: CUDA", b"torch.cuda.OutOfMemoryError: CUDA"),
         "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"),
        (b"Traceback (most recent call last):\n  File \"a\"\nKeyboardInterrupt\n", "KeyboardInterrupt"),
        (b"\x1b[31mTraceback (most recent call last):\x1b[0m\n  x\n\x1b[31mValueError: \x1b[1mno\x1b[0m\n",
         "ValueError: no"),
        (b"train.sh: line 3: python9: command not found\n", "train.sh: line 3: python9: command not found"),
        (b"all is well\nloss 0.3\n", None),
        (b"", None),
        (b"Traceback (most recent call last):\n  File \"a\"\n", None),
    ],
)  # fmt: skip
def test_what_was_said_last_of_why(tail: bytes, said: str | None) -> None:
    assert last_words(tail) == said


def test_an_error_long_ago_is_not_why() -> None:
    assert last_words(b"ERROR: could not reach the mirror, going on\n" + b"epoch\n" * LINES) is None


@given(st.binary(max_size=400))
def test_no_bytes_break_it_nor_reach_the_terminal(noise: bytes) -> None:
    for tail in (noise, TRACEBACK[:40] + noise, noise + b"\nRuntimeError: " + noise):
        said = last_words(tail)
        assert said is None or (said == clean_name(said) and len(said) <= LONGEST + 1)
