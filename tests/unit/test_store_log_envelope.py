"""A series for a logarithmic x axis: its beginning is seen point by point, however long it goes on."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store_making import feed, header, metric, open_store, put_run
from workbench.errors import NotFound
from workbench.store.metrics import log_envelope, summaries
from workbench.store.metrics.summaries import Selection


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def test_the_beginning_is_seen_step_by_step_and_everything_once(store):
    """AZ-100."""
    run, count = put_run(store), 50_000
    points = [(n, 1.0 / (n + 1) + (50 if n == 7 else 0)) for n in range(count)]
    feed(store, run, [header(), *(metric("loss", value, step) for step, value in points)])
    plain = store.read(summaries.envelope, run, "loss", 300)
    assert plain[0].count > 100
    found = store.read(log_envelope.towards, run, "loss", 300, Selection(), 0.0)
    assert [(b.first_step, b.min) for b in found[:20]] == points[:20]
    assert sum(b.count for b in found) == count
    assert all(one.last_step < other.first_step for one, other in pairwise(found))
    columns = {math.floor(300 * math.log(b.first_step) / math.log(count)) for b in found if b.first_step}
    assert len(columns) > 180, "most columns of a picture have something of their own"


@given(
    steps=st.lists(st.integers(-50, 5000), min_size=1, max_size=300),
    low=st.none() | st.floats(-10, 100),
    high=st.none() | st.floats(0, 6000),
    buckets=st.integers(1, 40),
)
def test_nothing_is_lost_or_told_twice(tmp_path_factory, steps, low, high, buckets):
    store = open_store(tmp_path_factory.mktemp("store"))
    try:
        run = put_run(store)
        feed(store, run, [header(), *({**metric("loss", float(s), s), "t": 1e9 + s} for s in steps)])
        inside = sorted(s for s in steps if (low is None or s >= low) and (high is None or s <= high))
        for selection, origin in ((Selection(low=low, high=high), 0.0), (Selection(x="time"), 1e9)):
            found = store.read(log_envelope.towards, run, "loss", buckets, selection, origin)
            expected = inside if selection.x == "step" else sorted(steps)
            assert sum(b.count for b in found) == len(expected)
            assert (
                [min(b.min for b in found), max(b.max for b in found)] == [expected[0], expected[-1]]
                if expected
                else not found
            )
    finally:
        store.close()


def test_a_metric_that_is_not_there_is_said(store):
    run = put_run(store)
    with pytest.raises(NotFound):
        store.read(log_envelope.towards, run, "loss", 300, Selection(), 0.0)
