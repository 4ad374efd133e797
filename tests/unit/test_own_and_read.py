"""Which series count where a script logged the same metric here and to a log of its own."""

from __future__ import annotations

from workbench.store.metrics.plain_view import SeriesRow, pieces


def row(number: int, file: str, attempt: int = 1) -> SeriesRow:
    """A series of ten points."""
    return SeriesRow(
        number, "loss", 0, attempt, file, 10, 0, 0, 9, 10, 0.5, 0.1, 0.9, 0, 1700000000.0, True, 0
    )  # fmt: skip


def numbers(rows: list[SeriesRow]) -> list[int]:
    return [piece.series.id for piece in pieces(rows)]


def test_what_the_script_logged_itself_goes_before_what_a_log_of_it_says() -> None:
    own = row(1, "records/12-ab.jsonl")
    read = row(2, "records/ingest-7-0-1-events.jsonl")
    assert numbers([own, read]) == [1]
    assert numbers([read]) == [2]


def test_of_a_log_that_was_written_anew_the_newest_content_counts() -> None:
    first = row(1, "records/ingest-7-0-1-metrics-csv.jsonl")
    second = row(2, "records/ingest-7-10-1-metrics-csv.jsonl")
    other = row(3, "records/ingest-9-0-1-metrics-csv.jsonl")
    assert numbers([first, second, other]) == [2, 3]


def test_attempts_are_judged_each_for_itself() -> None:
    """The first attempt logged here, the second to a file alone: the second counts where they overlap."""
    rows = [row(1, "records/12-ab.jsonl"), row(2, "records/ingest-7-0-2-x.jsonl", attempt=2)]
    assert numbers(rows) == [2]
