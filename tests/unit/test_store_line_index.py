from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store_making import put_run
from workbench.store.blocking_store import Store
from workbench.store.logs.line_index import Counted, KeptBytes, LineIndex

STEP = 8


@st.composite
def spools(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, int]]]:
    data = draw(st.lists(st.sampled_from([b"\n", b"a", b"bcd\n", b"e" * 20])).map(b"".join))
    edges = draw(st.lists(st.integers(0, len(data)), max_size=6, unique=True).map(sorted))
    return data, list(zip(edges[::2], edges[1::2], strict=False))


def in_gap(place: int, gaps: list[tuple[int, int]]) -> bool:
    return any(start <= place < stop for start, stop in gaps)


def lines_before(data: bytes, gaps: list[tuple[int, int]], offset: int) -> int:
    return sum(byte == 10 and not in_gap(place, gaps) for place, byte in enumerate(data[:offset]))


def index_in(folder: Path, data: bytes) -> LineIndex:
    spool, path = folder / "spool.log", folder / "spool.lines"
    path.unlink(missing_ok=True)
    spool.write_bytes(data)
    return LineIndex(spool, path, STEP)


@given(spools())
def test_kept_places_and_offsets_are_each_others_inverse(spool: tuple[bytes, list[tuple[int, int]]]) -> None:
    data, gaps = spool
    places = KeptBytes(gaps)
    kept = [place for place in range(len(data)) if not in_gap(place, gaps)]
    assert [places.kept(place) for place in kept] == list(range(len(kept)))
    assert [places.offset(number) for number in range(len(kept))] == kept


@settings(max_examples=60)
@given(spools(), st.lists(st.integers(1, 40), max_size=4))
def test_lines_and_offsets_are_those_of_the_whole(
    tmp_path_factory: object, spool: tuple[bytes, list[tuple[int, int]]], budgets: list[int]
) -> None:
    data, gaps = spool
    folder = Path(tmp_path_factory.getbasetemp())  # type: ignore[attr-defined]
    index = index_in(folder, data)
    for budget in budgets:
        counted = index.extend(len(data), gaps, budget)
        assert counted.lines == lines_before(data, gaps, counted.offset)
    total = lines_before(data, gaps, len(data))
    assert index.extend(len(data), gaps, 1 << 20) == Counted(total, len(data))
    for offset in range(len(data) + 1):
        assert index.line(offset, gaps) == lines_before(data, gaps, offset)
    for line in range(1, total + 1):
        found = index.offset(line, len(data), gaps)
        assert found is not None
        assert lines_before(data, gaps, found) == line
        assert data[found - 1] == 10
    assert index.offset(total + 1, len(data), gaps) is None


def test_what_is_not_counted_yet_is_not_known(tmp_path: Path) -> None:
    index = index_in(tmp_path, b"abc\n" * 20)
    assert index.extend(80, [], STEP) == Counted(2, STEP)
    assert index.line(12, []) == 3
    assert index.line(70, []) is None
    assert index.offset(19, 80, []) is None


def test_new_output_is_counted_from_where_the_counting_stopped(tmp_path: Path) -> None:
    data = b"abc\n" * 20
    index = index_in(tmp_path, data)
    index.extend(len(data), [], 1 << 20)
    with open(tmp_path / "spool.log", "r+b") as spool:
        spool.write(b"x" * 60)  # no newline there any more: it would be seen if it was read again
        spool.seek(0, os.SEEK_END)
        spool.write(b"\n\n\n")
    assert index.extend(len(data) + 3, [], 1 << 20) == Counted(23, len(data) + 3)


def test_entries_a_crash_broke_are_counted_again(tmp_path: Path) -> None:
    data = b"abc\n" * 20
    index = index_in(tmp_path, data)
    index.extend(len(data), [], 1 << 20)
    path = tmp_path / "spool.lines"
    whole = path.read_bytes()
    for broken in (whole[:-3], whole[:-16] + bytes(16), bytes(len(whole)), whole + bytes(40)):
        path.write_bytes(broken)
        assert index.extend(len(data), [], 1 << 20) == Counted(20, 80)
        assert path.read_bytes()[: len(whole)] == whole


def test_a_spool_that_lost_its_end_is_counted_to_its_end(tmp_path: Path) -> None:
    index = index_in(tmp_path, b"abc\n" * 20)
    index.extend(80, [], 1 << 20)
    os.truncate(tmp_path / "spool.log", 30)
    assert index.extend(30, [], 1 << 20) == Counted(7, 30)


def test_a_removed_run_leaves_no_index(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    try:
        run = put_run(store)
        store.write(store.spool.append, run, 0, b"a\nb\n" * 600_000)
        assert store.spool.line_index(run).extend(2_400_000, [], 1 << 30).lines == 1_200_000
        assert list((tmp_path / "spool").glob("*.lines"))
        store.remove_run(run)
        assert not list((tmp_path / "spool").iterdir())
    finally:
        store.close()
