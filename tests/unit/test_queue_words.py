"""What machines say of their queues, read without trust. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.entities.queue import QueueState
from workbench.runs.queue_words import MOST, read_cordon, read_outcome, read_queue

RUN = "01M84463QWAFX9FSQ1YNP1MZY0"
OTHER = "01M84463QWAFX9FSQ1YNP1MZY1"
ENTRY: dict[str, Any] = {
    "run": RUN,
    "state": "waiting",
    "name": "calm\x1b[31m-otter",
    "reason": "1 GPU\u202e wanted",
    "position": 2,
    "expected_wait": 60,
    "mine": True,
    "since": 1.79e9,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_texts_are_harmless_and_figures_are_kept() -> None:
    (entry,) = read_queue("gpu1", {"entries": [ENTRY]}).entries
    assert (entry.name, entry.reason, entry.target) == ("calm-otter", "1 GPU wanted", "gpu1")
    assert (entry.position, entry.expected_wait, entry.mine) == (2, 60.0, True)
    assert entry.since is not None
    long = read_queue("gpu1", {"entries": [{**ENTRY, "name": "x" * 9999, "reason": "y" * 9999}]}).entries[0]
    assert len(long.name) <= 100
    assert len(long.reason) <= 1000


@pytest.mark.parametrize("changes", [{"run": "../x"}, {"state": "flying"}, {"kind": "gang"}, {"run": None}])
def test_entries_that_make_no_sense_are_left_out(changes: dict[str, Any]) -> None:
    found = read_queue("gpu1", {"entries": [{**ENTRY, **changes}, None, ENTRY]})
    assert [entry.state for entry in found.entries] == [QueueState.WAITING]
    assert (found.machine.running, found.machine.waiting) == (0, 1)


def test_a_machine_cannot_fill_this_side() -> None:
    assert len(read_queue("gpu1", {"entries": [ENTRY] * (MOST + 10)}).entries) == MOST


def test_a_cordon() -> None:
    assert read_cordon({}) is None
    assert read_cordon(None) is None
    found = read_cordon({"drain": True, "reason": "a new\nfan", "by": "ann", "since": 1.79e9})
    assert found is not None
    assert (found.drain, found.reason, found.by) == (True, "a new fan", "ann")


def test_what_a_machine_says_nothing_of_was_not_changed() -> None:
    found = read_outcome({"changed": [RUN, "other"], "refused": {}}, [RUN, OTHER])
    assert (found.changed, found.refused) == ([RUN], {OTHER: "its machine did not say"})
    assert read_outcome(None, [RUN]).refused == {RUN: "its machine did not say"}


@given(JSON, st.dictionaries(st.sampled_from([*ENTRY, "gpus", "devices", "priority", "kind"]), JSON))
def test_whatever_comes_is_read(answer: Any, changes: dict[str, Any]) -> None:
    read_queue("gpu1", answer)
    read_queue("gpu1", {"entries": [{**ENTRY, **changes}], "cordon": answer})
    read_outcome(answer, [RUN])
