"""Several logs as one: in the order of their times, each in its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import UsageError
from workbench.text.log_filter import LineFilter
from workbench.text.log_merge import Merge, PlainTags, labels, tagged
from workbench.text.log_names import LogName, label, parse_logs, rank_of
from workbench.text.log_pattern import parse
from workbench.text.log_stamps import stamped, time_at

PARTS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from([b"a", b"b\n", b"c\nd", b"\n", b"e\rf\n"]),
              st.one_of(st.none(), st.integers(0, 20).map(float))),
    max_size=40,
)  # fmt: skip


@given(PARTS)
def test_nothing_is_lost_and_each_log_keeps_its_order(parts: list[tuple[int, bytes, float | None]]) -> None:
    merge, given_out = Merge(3), []
    written = [b"", b"", b""]
    for source, data, time in parts:
        merge.put(source, data, time)
        written[source] += data
        given_out += list(merge.take())
    for source in range(3):
        merge.end(source)
    given_out += list(merge.take())
    for source, whole in enumerate(written):
        lines = [line.text for line in given_out if line.source == source]
        assert lines == (
            whole.split(b"\n") if not whole.endswith(b"\n") and whole else whole.split(b"\n")[:-1]
        )


def test_lines_come_in_the_order_of_their_times() -> None:
    merge = Merge(2)
    merge.put(0, b"one\nthree\n", 1.0)
    merge.put(0, b"five\n", 5.0)
    assert list(merge.take()) == [], "something older may come of the other"
    merge.put(1, b"four\n", 4.0)
    assert [line.text for line in merge.take()] == [b"one", b"three", b"four"]
    merge.quiet(1, True)
    assert [line.text for line in merge.take()] == [b"five"]


def test_a_clock_that_jumps_back_moves_no_line_before_its_own() -> None:
    merge = Merge(2)
    merge.put(0, b"late\n", 100.0)
    merge.put(0, b"after the clock was set back\n", 50.0)
    merge.put(1, b"other\n", 60.0)
    merge.end(0)
    merge.end(1)
    assert [line.text for line in merge.take()] == [b"other", b"late", b"after the clock was set back"]


def test_a_line_without_an_end_is_cut() -> None:
    merge = Merge(1)
    for _ in range(40):
        merge.put(0, b"x" * (1 << 16), 1.0)
    assert sum(len(line.text) for line in merge.take()) >= 2 << 20


def test_of_a_progress_bar_the_last_is_shown_behind_its_label() -> None:
    assert tagged(b"10%\r20%\r \r", "r0", 0, 3) == b"\x1b[36m r0\x1b[0m 20%\n"


@pytest.mark.parametrize(
    ("path", "rank"),
    [
        ("logs/rank-3.log", 3),
        ("logs/rank_12.txt", 12),
        ("logs/none_abc/attempt_0/7/stdout.log", 7),
        ("logs/1/rank.4/stderr", 4),
        ("logs/worker2.out", 2),
        ("logs/stdout.5", 5),
        ("logs/train.log", None),
        ("logs/frank-3.log", None),
        ("logs/2024-05-01.log", None),
    ],
)
def test_ranks_by_the_names_of_files(path: str, rank: int | None) -> None:
    assert rank_of(path) == rank


def test_names_of_logs() -> None:
    assert parse_logs("") == parse_logs("output") == [LogName(None, "")]
    assert parse_logs("logs/a.log\n@X\n@Y:logs/b") == [
        LogName(None, "logs/a.log"), LogName("X", ""), LogName("Y", "logs/b")
    ]  # fmt: skip
    assert parse_logs("environment.log\n@X:rank-1.log") == [
        LogName(None, "logs/environment.log"), LogName("X", "logs/rank-1.log"),
    ]  # fmt: skip
    for wrong in (
        "status.json",
        "..log/x",
        "a/b.log",
        "logs/../x",
        "@",
        "@:logs/x",
        "\n".join(f"logs/{n}" for n in range(65)),
    ):
        with pytest.raises(UsageError):
            parse_logs(wrong)
    assert [label(path) for path in ("", "logs/rank-2.err", "logs/a/attempt_0/1/stderr.log", "logs/x.txt")] == [
        "out", "r2", "r1 err", "x.txt"
    ]  # fmt: skip
    assert labels(["a", "a", "bbb"]) == (["a", "a~2", "bbb"], 3)


def test_times_before_lines() -> None:
    marks = [(4, 100.0), (8, 1e300)]
    assert [time_at(marks, at) for at in (0, 4, 7, 9)] == [None, 100.0, 100.0, 1e300]
    lines = stamped(b"abc\ndef\nx\xff", 0, marks).splitlines()
    assert [line[24:] for line in lines] == ["abc", "def", "x�"]
    assert [line[:23].strip() == "-" for line in lines] == [True, False, True]


def test_lines_around_matches() -> None:
    kept = LineFilter(parse("HIT"), 1)
    told = "".join(kept.feed(text) for text in ("0\n1\n", "HIT a\n", "2\n3\n4\n", "HIT b\nHIT c\n", "5\n6\n"))
    assert told == "1\nHIT a\n2\n--\n4\nHIT b\nHIT c\n5\n"
    assert kept.found == 3
    assert LineFilter(parse("/^x/"), 0, 3).feed("12 x\nx 1\n") == "12 x\n"


@given(st.lists(st.integers(1, 60), max_size=6))
def test_the_colours_of_whose_a_line_is_are_taken_off_and_no_others(cuts: list[int]) -> None:
    lines = [tagged(b"\x1b[31mloss\x1b[0m 1", "r0", 0, 2), tagged(b"", "r1", 7, 2)]
    stamped_line = b"2026-01-02 03:04:05.678 " + tagged(b"x", "out", 3, 3)
    whole = b"".join(lines) + stamped_line + b"-".ljust(23) + b" " + tagged(b"y", "r1", 1, 2) + b"no end"
    plain, told = PlainTags(), b""
    for size in cuts:
        told += plain.feed(whole[:size])
        whole = whole[size:]
    told += plain.feed(whole) + plain.close()
    assert told == (
        b"r0 \x1b[31mloss\x1b[0m 1\nr1 \n2026-01-02 03:04:05.678 out x\n"
        + b"-".ljust(23) + b" r1 y\nno end"
    )  # fmt: skip
