"""When output came, found by halving a file of lines."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from workbench.store.logs.log_times import Attempt, LogTimes, Mark


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 50)), max_size=400), st.data())
def test_places_and_times(
    tmp_path_factory: object, steps: list[tuple[int, int]], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("t") / "a.idx"  # type: ignore[attr-defined]
    times, marks, offset, time = LogTimes(path), [], 0, 1000.0
    for bytes_, later in steps:
        time += later
        marks.append(Mark(offset, time))
        times.note(time, offset)
        offset += bytes_
    at = data.draw(st.integers(0, offset + 2))
    before = [mark for mark in marks if mark.offset <= at]
    assert times.at(at) == (before[-1].time if before else None)
    stop = data.draw(st.integers(at, offset + 2))
    assert times.between(at, stop) == before[-1:] + [mark for mark in marks if at < mark.offset < stop]
    wanted = data.draw(st.integers(990, int(time) + 5))
    later_ones = [mark.offset for mark in marks if mark.time >= wanted]
    assert times.offset(float(wanted)) == (later_ones[0] if later_ones else None)


def test_what_comes_twice_or_torn_harms_nothing(tmp_path: Path) -> None:
    times = LogTimes(tmp_path / "a.idx")
    assert times.add(0, b"1.000 0\n2.000 5 1\n") == 18
    assert times.add(0, b"1.000 0\n2.000 5 1\n3.000 9\n") == 26
    assert times.add(40, b"9.000 99\n") == 26, "a part before it is missing"
    (tmp_path / "a.idx").write_bytes((tmp_path / "a.idx").read_bytes() + b"rubbish\n4.000 12\n5.0")
    assert times.at(12) == 4.0
    assert times.at(8) == 2.0
    assert times.attempts() == [Attempt(1, 5, 2.0)]
    assert LogTimes(tmp_path / "none.idx").between(0, 10) == []
