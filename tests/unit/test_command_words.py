"""What a machine says of a command: only what it may say comes through."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.compute.command_words import read_exit_code, read_output
from workbench.errors import RemoteError


@pytest.mark.parametrize(
    "answer", [None, {}, [], {"exit_code": "0"}, {"exit_code": True}, {"exit_code": 10**30}]
)
def test_an_end_that_makes_no_sense_is_an_error(answer: Any) -> None:
    """It was taken for a number, and a command on many machines then waited for ever for that one."""
    with pytest.raises(RemoteError):
        read_exit_code(answer)


def test_an_exit_code_and_what_was_written() -> None:
    assert read_exit_code({"exit_code": 130}) == 130
    assert read_output({"out": "a", "err": 3, "exit_code": "x"}) == {"out": "a"}
    assert read_output(b"bytes") == read_output({"exit_code": 1}) == {}
