"""What is drawn of a metric: its plain view over ranks and attempts, and pictures that lose no spike."""

from __future__ import annotations

import math
import random

import pytest

from tests.store_making import feed, header, metric, open_store, put_run
from tests.unit.ingesting import points
from workbench.errors import NotFound
from workbench.store.metrics import series, summaries
from workbench.store.metrics.chunks import BLOCK, CHUNK
from workbench.store.metrics.summaries import Selection
from workbench.store.runs import run_rows


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def test_the_plain_view_is_rank_zero_or_the_lowest(store):
    run = put_run(store)
    feed(store, run, [header(rank=3), metric("loss", 30)], file="c.jsonl")
    assert store.read(run_rows.get, run).metrics["loss"].last == 30.0
    feed(store, run, [header(rank=0), metric("loss", 1)], file="a.jsonl")
    feed(store, run, [header(rank=1), metric("loss", 10)], file="b.jsonl")
    assert store.read(run_rows.get, run).metrics["loss"].last == 1.0
    assert points(store, run) == [(0, 1.0)]
    assert points(store, run, rank=3) == [(0, 30.0)]
    assert [summary.rank for summary in store.read(summaries.of_run, run)] == [0, 1, 3]


def test_the_latest_attempt_wins_where_steps_overlap(store):
    run = put_run(store)
    feed(store, run, [header(1), *(metric("loss", n + 0.5, n) for n in range(10))], file="1.jsonl")
    feed(store, run, [header(2), *(metric("loss", n, n) for n in range(6, 8))], file="2.jsonl")
    expected = [(n, n + 0.5) for n in range(6)] + [(6, 6.0), (7, 7.0), (8, 8.5), (9, 9.5)]
    assert points(store, run) == expected
    value = store.read(run_rows.get, run).metrics["loss"]
    assert (value.last, value.count, value.max, value.min) == (7.0, 10, 9.5, 0.5)
    feed(store, run, [*(metric("loss", n, n) for n in range(8, 12))], file="2.jsonl")
    assert points(store, run)[6:] == [(n, float(n)) for n in range(6, 12)]
    value = store.read(run_rows.get, run).metrics["loss"]
    assert (value.last, value.count, value.max, value.min) == (11.0, 12, 11.0, 0.5)
    assert [(summary.attempt, summary.count) for summary in store.read(summaries.of_run, run)] == [
        (1, 10),
        (2, 6),
    ]


def test_a_run_that_starts_over_shows_the_new_curve(store):
    run = put_run(store)
    feed(store, run, [header(1), *(metric("loss", 9, n) for n in range(5))], file="1.jsonl")
    feed(store, run, [header(2), *(metric("loss", 1, n) for n in range(5))], file="2.jsonl")
    assert points(store, run) == [(n, 1.0) for n in range(5)]
    value = store.read(run_rows.get, run).metrics["loss"]
    assert (value.min, value.max, value.count) == (1.0, 1.0, 5)


def test_processes_of_one_rank_are_drawn_together(store):
    run = put_run(store)
    feed(store, run, [header(), *(metric("loss", n, n) for n in (0, 2, 4))], file="1.jsonl")
    feed(store, run, [header(), *(metric("loss", n, n) for n in (1, 3))], file="2.jsonl")
    assert points(store, run) == [(n, float(n)) for n in range(5)]
    assert store.read(summaries.of_run, run)[0].count == 5
    assert store.read(run_rows.get, run).metrics["loss"].last == 4.0


def brute_range(points, low, high):
    values = [value for step, value in points if low <= step <= high and math.isfinite(value)]
    return (min(values), max(values)) if values else (math.nan, math.nan)


@pytest.mark.parametrize(
    ("total", "buckets", "gap"),
    [
        (1, 500, 1),
        (100, 7, 1),
        (1000, 500, 3),
        (20_000, 100, 1),
        (20_000, 1000, 1),
        (20_000, 10, 17),
        (40_000, 2, 1),
    ],
)
def test_a_picture_keeps_every_spike(store, total, buckets, gap):
    """Buckets are in order and hold all points; extremes are in the right place, give or take a block."""
    run = put_run(store)
    noise = random.Random(total)
    points = [(n * gap, noise.random()) for n in range(total)]
    points[total // 3] = (points[total // 3][0], 50.0)
    points[total // 2] = (points[total // 2][0], -50.0)
    feed(store, run, [header(), *(metric("loss", value, step) for step, value in points)])
    found = store.read(summaries.envelope, run, "loss", buckets)
    assert 0 < len(found) <= buckets
    assert sum(bucket.count for bucket in found) == total
    assert [b.first_step for b in found] == sorted(b.first_step for b in found)
    assert min(b.min for b in found) == min(value for _, value in points)
    assert max(b.max for b in found) == max(value for _, value in points)
    assert found[-1].last == points[-1][1]
    width = total * gap / buckets
    for bucket in found:
        assert (bucket.min, bucket.max) == brute_range(points, bucket.first_step, bucket.last_step)
        assert bucket.last_step - bucket.first_step <= width + 2 * BLOCK * gap + CHUNK * gap * (buckets <= 2)


def test_the_picture_of_a_resumed_run_is_that_of_its_plain_view(store):
    run = put_run(store)
    old = [(n, float(n % 977)) for n in range(3 * CHUNK)]
    new = [(n, -float(n % 977)) for n in range(CHUNK + 100, 2 * CHUNK + 300)]
    feed(store, run, [header(1), *(metric("loss", value, step) for step, value in old)], file="1.jsonl")
    feed(store, run, [header(2), *(metric("loss", value, step) for step, value in new)], file="2.jsonl")
    plain = points(store, run)
    assert plain == sorted([p for p in old if not new[0][0] <= p[0] <= new[-1][0]] + new)
    found = store.read(summaries.envelope, run, "loss", 60)
    assert sum(bucket.count for bucket in found) == len(plain)
    for bucket in found:
        assert (bucket.min, bucket.max) == brute_range(plain, bucket.first_step, bucket.last_step)
    value = store.read(run_rows.get, run).metrics["loss"]
    values = [value for _, value in plain]
    assert (value.min, value.max, value.count) == (min(values), max(values), len(values))


def test_the_picture_of_a_shuffled_series_is_complete(store):
    run = put_run(store)
    points = [(n, float(n)) for n in range(6000)]
    random.Random(1).shuffle(points)
    feed(store, run, [header(), *(metric("loss", value, step) for step, value in points)])
    found = store.read(summaries.envelope, run, "loss", 100)
    assert [(b.first_step, b.last_step, b.min, b.max, b.last) for b in found] == [
        (n, n + 59, float(n), float(n + 59), float(n + 59)) for n in range(0, 6000, 60)
    ]


def test_a_metric_that_was_never_logged(store):
    """AZ-100."""
    run = put_run(store)
    feed(store, run, [header(), metric("loss", 1)])
    with pytest.raises(NotFound):
        store.read(series.columns, run, "acc")
    with pytest.raises(NotFound):
        store.read(summaries.envelope, run, "loss", 10, Selection(rank=4))
