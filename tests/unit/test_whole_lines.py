"""Lines cut from pieces, and what is said of a command that ran on several machines."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.text.whole_lines import HELD, WholeLines
from workbench.views.command_results import exit_code, summary


def cut(pieces: list[str]) -> list[str]:
    lines = WholeLines()
    return [line for piece in pieces for line in lines.feed(piece)] + lines.close()


@given(st.text(alphabet="ab\r\n", max_size=60), st.lists(st.integers(0, 60), max_size=8))
def test_lines_do_not_depend_on_how_the_text_came(text: str, places: list[int]) -> None:
    edges = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    pieces = [text[start:stop] for start, stop in pairwise(edges)]
    assert cut(pieces) == cut([text])


def test_a_progress_bar_is_its_last_state() -> None:
    assert cut(["10%\r20%", "\r", "30%\ndone\r\n", "rest"]) == ["30%", "done", "rest"]


def test_a_line_without_an_end_is_not_waited_for_for_ever() -> None:
    lines = WholeLines()
    assert lines.feed("x" * (HELD + 1)) == ["x" * HELD]
    assert lines.close() == ["x"]
    bar = WholeLines()
    for percent in range(100_000):
        assert bar.feed(f"\r{percent}") == []
    assert bar.close() == ["99999"]


OK = {"name": "a", "exit_code": 0}
BAD = {"name": "b", "exit_code": 7}
GONE = {"name": "c", "code": "unreachable", "problem": "refused", "unreachable": True}
LOST = {"name": "d", "code": "remote", "problem": "no such program"}


@pytest.mark.parametrize(
    ("results", "code", "said"),
    [
        ([OK, OK], 0, "2 ok"),
        ([OK, BAD], 1, "1 ok; 1 failed: b (exit 7)"),
        ([OK, GONE], 4, "1 ok; 1 unreachable: c"),
        ([GONE, BAD], 1, "0 ok; 1 failed: b (exit 7); 1 unreachable: c"),
        ([LOST], 1, "0 ok; 1 failed: d (no such program)"),
    ],
)
def test_what_is_said_of_all_machines(results: list[dict[str, Any]], code: int, said: str) -> None:
    assert (exit_code(results), summary(results)) == (code, said)


def test_a_summary_of_many_stays_a_line() -> None:
    said = summary([{"name": f"gpu{number}", "exit_code": 1} for number in range(200)])
    assert said.endswith("gpu7 (exit 1) and 192 more")
