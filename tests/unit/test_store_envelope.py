"""Parts of a picture, pictures over time and over other metrics, and of single attempts."""

from __future__ import annotations

import math
from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store_making import feed, header, metric, open_store, put_run
from workbench.errors import NotFound
from workbench.store.metrics import summaries
from workbench.store.metrics.chunks import CHUNK, Columns
from workbench.store.metrics.envelope import joined, over
from workbench.store.metrics.summaries import Selection


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def timed(name, value, step, time):
    return {**metric(name, value, step), "t": time}


@pytest.mark.parametrize(
    ("low", "high"), [(0, 10), (5000, 5100), (8000.5, 20_000), (19_990, 90_000), (-5, 99_999)]
)
@pytest.mark.parametrize("buckets", [1, 7, 300])
def test_a_part_holds_exactly_the_points_inside(store, low, high, buckets):
    """AZ-100."""
    run = put_run(store)
    points = [(n, math.sin(n) + (50 if n == 5050 else 0)) for n in range(20_000)]
    feed(store, run, [header(), *(metric("loss", value, step) for step, value in points)])
    found = store.read(summaries.envelope, run, "loss", buckets, Selection(low=low, high=high))
    inside = [(step, value) for step, value in points if low <= step <= high]
    assert 0 < len(found) <= buckets
    assert sum(bucket.count for bucket in found) == len(inside)
    assert (found[0].first_step, found[-1].last_step) == (inside[0][0], inside[-1][0])
    assert min(bucket.min for bucket in found) == min(value for _, value in inside)
    assert max(bucket.max for bucket in found) == max(value for _, value in inside)
    assert found[-1].last == inside[-1][1]


def test_a_part_without_points_is_empty(store):
    run = put_run(store)
    feed(store, run, [header(), *(metric("loss", 1.0, step) for step in (0, 100))])
    assert store.read(summaries.envelope, run, "loss", 10, Selection(low=10, high=90)) == []
    assert store.read(summaries.envelope, run, "loss", 10, Selection(low=200)) == []
    assert store.read(summaries.envelope, run, "loss", 10, Selection(low=90, high=10)) == []
    assert store.read(summaries.envelope, run, "loss", 10, Selection(x="time", low=1, high=2)) == []


def test_what_a_newer_attempt_replaced_is_there_when_asked_for(store):
    run = put_run(store)
    feed(store, run, [header(1), *(metric("loss", 1.0, n) for n in range(2 * CHUNK))], file="1.jsonl")
    feed(store, run, [header(2), *(metric("loss", 2.0, n) for n in range(100, 9000))], file="2.jsonl")
    plain = store.read(summaries.envelope, run, "loss", 50)
    assert {bucket.min for bucket in plain[2:]} == {2.0}
    old = store.read(summaries.envelope, run, "loss", 50, Selection(attempt=1))
    assert {(bucket.min, bucket.max) for bucket in old} == {(1.0, 1.0)}
    assert sum(bucket.count for bucket in old) == 2 * CHUNK
    by_time = store.read(summaries.envelope, run, "loss", 50, Selection(attempt=1, x="time"))
    assert sum(bucket.count for bucket in by_time) == 2 * CHUNK
    with pytest.raises(NotFound, match="attempt 3"):
        store.read(summaries.envelope, run, "loss", 50, Selection(attempt=3))


def test_over_time_buckets_are_equally_wide_in_seconds(store):
    run = put_run(store)
    # Slow at first: half of the steps take nine tenths of the time.
    times = [n * 9.0 if n < 500 else 4500.0 + (n - 500) for n in range(1000)]
    feed(store, run, [header(), *(timed("loss", float(n), n, times[n]) for n in range(1000))])
    found = store.read(summaries.envelope, run, "loss", 10, Selection(x="time"))
    assert len(found) == 10
    began = found[0].first_x
    assert found[-1].last_x == began + times[-1]
    assert [bucket.count for bucket in found[:8]] == pytest.approx([55.5] * 8, abs=1.5)
    assert found[-1].count > 400
    assert found[-1].last == 999
    part = store.read(
        summaries.envelope,
        run,
        "loss",
        1000,
        Selection(x="time", low=began + times[10], high=began + times[20]),
    )
    assert [(bucket.first_step, bucket.first_x) for bucket in part] == [
        (n, began + times[n]) for n in range(10, 21)
    ]


def test_over_another_metric_points_meet_its_value_of_that_step_or_the_last_before(store):
    run = put_run(store)
    records = [metric("loss", float(n), n) for n in range(100)]
    records += [metric("epoch", n / 10, n) for n in range(10, 100, 10)]
    feed(store, run, [header(), *records])
    found = store.read(summaries.envelope, run, "loss", 500, Selection(x="metric:epoch"))
    assert sum(bucket.count for bucket in found) == 90
    assert [(bucket.first_x, bucket.min, bucket.max) for bucket in found] == [
        (float(n), n * 10.0, n * 10.0 + 9) for n in range(1, 10)
    ]
    with pytest.raises(NotFound, match="lr"):
        store.read(summaries.envelope, run, "loss", 10, Selection(x="metric:lr"))
    with pytest.raises(NotFound) as slip:
        store.read(summaries.envelope, run, "los", 10)
    assert slip.value.hint == "did you mean loss?"


FLOATS = st.floats(-1e6, 1e6)


@given(
    st.lists(st.tuples(st.one_of(FLOATS, st.just(math.nan), st.just(math.inf)), FLOATS), max_size=60),
    st.integers(1, 20),
    st.floats(-2e6, 2e6),
    st.floats(-2e6, 2e6),
)
def test_every_point_inside_is_in_one_bucket(points, buckets, low, high):
    columns = Columns(
        array("q", range(len(points))), array("d", [0.0] * len(points)), array("d", [y for _, y in points])
    )
    found = over(array("d", [x for x, _ in points]), columns, low, high, buckets)
    inside = sorted((x, y) for x, y in points if low <= x <= high)
    assert len(found) <= buckets
    assert sum(bucket.count for bucket in found) == len(inside)
    assert all(a.last_x < b.first_x or a.last_x == b.first_x for a, b in pairwise(found))
    for bucket in found:
        values = [y for x, y in inside if bucket.first_x <= x <= bucket.last_x]
        assert bucket.min >= min(values)
        assert bucket.max <= max(values)
    if inside:
        assert min(bucket.min for bucket in found) == min(y for _, y in inside)


def test_joining_equal_steps_copies_nothing():
    steps = array("q", [1, 2, 3])
    points = Columns(steps, array("d", [0.0] * 3), array("d", [1.0, 2.0, 3.0]))
    other = Columns(array("q", [1, 2, 3]), array("d", [0.0] * 3), array("d", [7.0, 8.0, 9.0]))
    xs, kept = joined(points, other)
    assert xs is other.values
    assert kept is points
    none = Columns(array("q"), array("d"), array("d"))
    assert len(joined(points, none)[0]) == len(joined(points, none)[1].steps) == 0


@pytest.mark.parametrize("x", ["step", "time"])
def test_single_values_that_are_not_finite_are_told_among_many(store, x):
    run = put_run(store)
    odd = {77: "nan", 9000: "-inf", 9001: "nan", 3 * CHUNK + 5: "inf", 19_999: "inf"}
    values = [odd.get(n, 1.0) for n in range(20_000)]
    feed(store, run, [header(), *(timed("loss", values[n], n, float(n)) for n in range(20_000))])
    found = store.read(summaries.envelope, run, "loss", 100, Selection(x=x))
    told = [
        (bucket.nans, bucket.infs, bucket.minus_infs)
        for bucket in found
        if (bucket.nans, bucket.infs, bucket.minus_infs) != (None, None, None)
    ]
    assert told == [(1, None, None), (1, None, 1), (None, 1, None), (None, 1, None)]
    assert all(any(bucket.first_step <= step <= bucket.last_step for bucket in found) for step in odd)
    part = store.read(summaries.envelope, run, "loss", 100, Selection(low=100, high=8999))
    assert [bucket.infs for bucket in part if bucket.infs] == []
    assert not any(bucket.nans or bucket.minus_infs for bucket in part)


def test_what_a_newer_attempt_replaced_is_not_marked(store):
    run = put_run(store)
    feed(store, run, [header(1), *(metric("loss", "nan", n) for n in range(100))], file="1.jsonl")
    feed(store, run, [header(2), *(metric("loss", 2.0, n) for n in range(50, 100))], file="2.jsonl")
    found = store.read(summaries.envelope, run, "loss", 100)
    assert [bucket.nans for bucket in found] == [1] * 50 + [None] * 50


def test_a_series_of_before_infinities_were_counted_is_looked_through(store):
    run = put_run(store)
    feed(store, run, [header(), *(metric("loss", "inf" if n == 7 else 1.0, n) for n in range(5000))])
    store.write(lambda change: change.execute("UPDATE series SET infinite = NULL"))
    found = store.read(summaries.envelope, run, "loss", 500)
    assert [(bucket.first_step, bucket.infs) for bucket in found if bucket.infs] == [(0, 1)]


@pytest.mark.parametrize(
    ("low", "high"),
    [(None, None), (1e9 + 100, 1e9 + 130.5), (1e9 + 900, 1e9 + 2e5), (0, 5), (1e9 + 300, 1e9 + 200)],
)
@pytest.mark.parametrize("buckets", [1, 40, 900])
def test_time_from_blocks_holds_what_the_points_hold(store, low, high, buckets):
    run = put_run(store)
    # Slow and fast by turns, with a spike and a long pause.
    times, now = [], 1e9
    for n in range(3 * CHUNK + 500):
        now += 0.01 if n % 1000 < 700 else 0.3
        now += 500.0 if n == 7000 else 0
        times.append(now)
    values = [math.sin(n) + (90 if n == 6001 else 0) for n in range(len(times))]
    feed(
        store,
        run,
        [
            {**header(), "wall": 0, "mono": 0},
            *(timed("loss", v, n, t) for n, (v, t) in enumerate(zip(values, times, strict=True))),
        ],
    )
    began = store.read(summaries.envelope, run, "loss", 1, Selection(x="time"))[0].first_x
    low = None if low is None else low - times[0] + began
    high = None if high is None else high - times[0] + began
    found = store.read(summaries.envelope, run, "loss", buckets, Selection(x="time", low=low, high=high))
    shifted = [time - times[0] + began for time in times]
    inside = [
        (time, value)
        for time, value in zip(shifted, values, strict=True)
        if (low is None or time >= low) and (high is None or time <= high)
    ]
    assert len(found) <= buckets
    assert sum(bucket.count for bucket in found) == pytest.approx(len(inside), abs=2)
    if len(inside) > 5:
        assert max(bucket.max for bucket in found) == max(value for _, value in inside)
        assert min(bucket.min for bucket in found) == min(value for _, value in inside)
        assert [bucket.first_x for bucket in found] == sorted(bucket.first_x for bucket in found)


def test_a_clock_that_jumps_back_is_gone_through_point_by_point(store):
    run = put_run(store)
    times = [100.0 + n if n < CHUNK else 50.0 + n - CHUNK for n in range(2 * CHUNK)]
    feed(store, run, [header(), *(timed("loss", float(n), n, times[n]) for n in range(2 * CHUNK))])
    found = store.read(summaries.envelope, run, "loss", 100, Selection(x="time"))
    assert sum(bucket.count for bucket in found) == 2 * CHUNK
    assert [bucket.first_x for bucket in found] == sorted(bucket.first_x for bucket in found)


def test_many_points_in_no_order_are_in_the_same_buckets_as_few(monkeypatch):
    values = [math.cos(n * 0.7) for n in range(3000)]
    xs = [math.nan if n % 500 == 3 else math.inf if n % 700 == 9 else math.sin(n) for n in range(3000)]
    values[50] = math.nan
    columns = Columns(array("q", range(3000)), array("d", [0.0] * 3000), array("d", values))
    few = over(array("d", xs), columns, -math.inf, math.inf, 50)
    monkeypatch.setattr("workbench.store.metrics.envelope.MANY", 100)
    many = over(array("d", xs), columns, -math.inf, math.inf, 50)
    assert len(few) == len(many) == 50
    assert sum(bucket.count for bucket in many) == sum(bucket.count for bucket in few)
    assert sum(bucket.nans or 0 for bucket in many) == 1
    assert (min(b.min for b in many), max(b.max for b in many)) == (
        min(b.min for b in few),
        max(b.max for b in few),
    )
    assert sum(abs(a.count - b.count) for a, b in zip(few, many, strict=True)) <= 6, (
        "but for rounding at edges"
    )


@pytest.mark.parametrize("many", [True, False])
@pytest.mark.parametrize(
    "xs",
    [
        [1.0, 0.25, 1.0, 1.0, 0.5, 1.0],
        [-1.7e308, 1.7e308, 0.0, -1.7e308],
        [0.0, 5e-324, 0.0],
        [3.0, 3.0, 3.0],
        [0.3, 0.1 + 0.2, 0.1],
        [math.inf, math.nan, -math.inf],
    ],
)
def test_values_that_are_alike_or_as_far_apart_as_can_be_are_each_in_a_bucket(
    monkeypatch, xs: list[float], many: bool
) -> None:
    monkeypatch.setattr("workbench.store.metrics.envelope.MANY", 1 if many else 100)
    count = len(xs)
    columns = Columns(array("q", range(count)), array("d", [0.0] * count), array("d", range(count)))
    found = over(array("d", xs), columns, -math.inf, math.inf, 50)
    finite = [at for at, x in enumerate(xs) if math.isfinite(x)]
    assert sum(bucket.count for bucket in found) == len(finite)
    edges = [edge for bucket in found for edge in (bucket.first_x, bucket.last_x)]
    assert all(map(math.isfinite, edges)), "a picture is drawn between them"
    if finite:
        assert max(bucket.last_step for bucket in found) == max(finite)
        assert min(bucket.min for bucket in found) == min(finite)
        top = next(bucket for bucket in found if bucket.last_x == max(one.last_x for one in found))
        assert top.last == max(finite, key=lambda at: (xs[at], at)) or len(found) == 1


def test_a_coarse_picture_over_another_metric(store, monkeypatch):
    run = put_run(store)
    monkeypatch.setattr("workbench.store.metrics.summaries.MANY", 1000)
    records = [
        metric(name, n * scale, n)
        for n in range(2 * CHUNK)
        for name, scale in (("loss", 1.0), ("epoch", 0.001))
    ]
    feed(store, run, [header(), *records])
    exact = store.read(summaries.envelope, run, "loss", 100, Selection(x="metric:epoch"))
    coarse = store.read(summaries.envelope, run, "loss", 100, Selection(x="metric:epoch", coarse=True))
    assert len(coarse) == 200
    assert (min(b.min for b in coarse), max(b.max for b in coarse)) == (exact[0].min, exact[-1].max)
    assert all(abs(bucket.first_x - bucket.max / 1000) < 0.001 for bucket in coarse)


@pytest.mark.parametrize("x", ["step", "time", "metric:epoch"])
def test_two_processes_that_log_one_name_are_both_in_the_picture(store, x):
    """Repeated and missing steps, clocks that differ: nothing is lost, nothing counts twice."""
    run = put_run(store)
    for file, clock, values in (("1.jsonl", 1000.0, range(0, 300, 3)), ("2.jsonl", 400.0, range(0, 300, 2))):
        records = [timed("loss", float(n), n, clock + n) for n in reversed(values)]
        records += [
            timed("loss", -1.0, 30, clock),
            timed("epoch", 1.0, 0, clock),
            timed("epoch", 2.0, 150, clock),
        ]
        feed(store, run, [header(), *records], file=file)
    found = store.read(summaries.envelope, run, "loss", 40, Selection(x=x))
    assert sum(bucket.count for bucket in found) == 100 + 150 + 2
    assert min(bucket.min for bucket in found) == -1.0
    assert max(bucket.max for bucket in found) == 298.0
