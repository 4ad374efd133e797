"""The order of the suite on several workers."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest

from tests.long_first import LONG, dealt

FILES = [f"f{number // 5}" for number in range(103)]


@pytest.mark.parametrize("workers", [2, 3, 7, 64, 200])
def test_each_worker_begins_with_long_ones_and_none_is_lost(workers: int) -> None:
    long = (("f20",), ("f9", "f11"), ("f3",), ("gone",))
    order = dealt(FILES, workers, long)
    assert sorted(order) == list(range(len(FILES)))
    heads = {FILES[order[len(FILES) * number // workers]] for number in range(min(workers, 3))}
    if workers <= 3:
        assert heads == {group[0] for group in long[:workers]}


def test_files_stay_whole_but_for_those_cut_at_the_end_of_a_stretch() -> None:
    met = [
        name for name, _ in groupby(FILES[place] for place in dealt(FILES, 3, (("f20",), ("f9",), ("f3",))))
    ]
    assert len(met) - len(set(met)) <= 2


def test_one_worker_and_no_long_file_change_nothing() -> None:
    assert dealt(FILES, 1, ()) == dealt(FILES, 4, ()) == list(range(len(FILES)))


def test_every_long_file_is_there() -> None:
    root = Path(__file__).parents[2]
    assert [name for group in LONG for name in group if not (root / name).is_file()] == []
