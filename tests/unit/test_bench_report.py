"""The table that benchmarks print and write."""

from __future__ import annotations

from datetime import date

from tests.bench.report import Row, alternate, installed, markdown, plain_table

ROWS = [
    Row("log() of one metric", 1.2345, "us", "<= 5 us", "os.write 0.5 us", 2.469),
    Row("history", None, "ms", note="a | b"),
    Row("ingest", 350123.4, "points/s"),
]


def test_the_terminal_table_lines_up_and_says_absent_as_a_dash():
    lines = plain_table(ROWS).splitlines()
    assert [line.split()[0] for line in lines] == ["what", "log()", "history", "ingest"]
    assert "1.23 us" in lines[1]
    assert "2.47" in lines[1]
    assert lines[2].split()[1] == "-"
    assert "350,123 points/s" in lines[3]
    marks = ("figure", "1.23", "-", "350")
    assert len({line.index(mark) for line, mark in zip(lines, marks, strict=True)}) == 1


def test_the_page_names_machine_versions_and_day():
    page = markdown(ROWS, date(2026, 11, 23))
    assert "2026-11-23" in page
    assert "CPUs" in page
    assert "a \\| b" in page
    assert installed("no-such-distribution") is None
    assert page.count("\n| ") == 4


def test_medians_of_measures_taken_in_turn():
    order: list[str] = []
    first = iter([1.0, 9.0, 2.0])
    second = iter([5.0, 4.0, 30.0])

    def take(name: str, values: object) -> float:
        order.append(name)
        return next(values)  # type: ignore[call-overload]

    assert alternate([lambda: take("a", first), lambda: take("b", second)], 3) == [2.0, 5.0]
    assert order == ["a", "b"] * 3
