"""Records into series and back: exactly once, in the plain view, as summaries and pictures."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store_making import FILE, feed, header, lines, make_run, metric, open_store, put_run, run_id
from tests.unit.ingesting import points
from workbench.entities.configuration import RunConfiguration
from workbench.errors import Conflict, NotFound
from workbench.store.arriving import ingest, intake
from workbench.store.arriving.offsets import offsets
from workbench.store.blocking_store import Store
from workbench.store.metrics import new_points, series, summaries, tables
from workbench.store.metrics.chunks import CHUNK, Columns, pack, unpack
from workbench.store.records.record_batch import parse_records
from workbench.store.runs import kept_runs, run_entries, run_rows
from workbench.store.sqlite import events
from workbench.store.workspace import experiments


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    opened = open_store(tmp_path_factory.mktemp("shared"))
    yield opened
    opened.close()


_numbers = count(1000)


def taken(store, run):
    """How far the record file was taken in."""
    return store.read(
        lambda connection: ingest.record_file(connection, run_rows.number(connection, run), FILE)
    )


def take_batch(change, run, batch, end, start):
    ingest.take(change, run_rows.number(change.connection, run), FILE, batch, end, start)


RECORDS = st.lists(
    st.one_of(
        st.builds(
            metric, st.sampled_from(["loss", "acc"]), st.floats(-1e6, 1e6), st.none() | st.integers(0, 50)
        ),
        st.builds(lambda value: {"k": "row", "n": "table", "v": {"a": value}}, st.integers(0, 9)),
        st.builds(lambda value: {"k": "warning", "v": value}, st.sampled_from(["one", "two"])),
        st.just({"k": "garbage"}),
    ),
    max_size=25,
)


def facts(store, run):
    """All that the records of a run left behind."""
    row = store.read(run_rows.get, run)
    names = [summary.name for summary in store.read(summaries.of_run, run)]
    curves = {name: points(store, run, name) for name in names}
    figures = {name: (value.count, value.min, value.max, value.last) for name, value in row.metrics.items()}
    return (
        curves,
        figures,
        store.read(tables.rows, run),
        store.read(run_entries.warnings, run),
        row.warnings,
        taken(store, run),
    )


@settings(max_examples=60)
@given(records=RECORDS, data=st.data())
def test_each_record_counts_once_however_it_is_sent(shared, records, data):
    """Chunks cut anywhere, repeated, resumed from the committed offset after all was forgotten."""
    content = lines([header(), *records])
    whole = put_run(shared, next(_numbers))
    shared.write(shared.intake.take, whole, FILE, 0, content)
    cut = put_run(shared, next(_numbers))
    position = 0
    while (stored := shared.read(offsets, shared.spool, cut).records.get(FILE, 0)) < len(content):
        if data.draw(st.booleans(), label="restart"):
            shared.intake.forget(cut)
            position = stored
        start = position - data.draw(st.integers(0, position), label="again")
        stop = len(content) - data.draw(st.integers(0, len(content) - position), label="short")
        shared.write(shared.intake.take, cut, FILE, start, content[start:stop])
        position = max(position, stop)
    assert facts(shared, cut) == facts(shared, whole)


def test_a_batch_that_was_taken_is_passed_over(store):
    run = put_run(store)
    content = lines([header(), metric("loss", 1), metric("loss", 2)])
    _, batch, _ = parse_records(content, None)
    for _ in range(3):
        store.write(take_batch, run, batch, len(content), None)
    assert points(store, run) == [(0, 1.0), (1, 2.0)]


def test_a_batch_that_starts_elsewhere_is_refused(store):
    run = put_run(store)
    _, batch, _ = parse_records(lines([header(), metric("loss", 1)]), None)
    with pytest.raises(Conflict):
        store.write(take_batch, run, batch, 500, 100)
    assert store.read(offsets, store.spool, run).records == {}


def test_records_of_no_run_are_refused(store):
    with pytest.raises(NotFound):
        store.write(store.intake.take, run_id(77), FILE, 0, lines([header()]))


def test_a_restart_in_the_middle_of_a_file_keeps_its_header(store, tmp_path):
    run = put_run(store)
    feed(store, run, [header(attempt=3, rank=2, wall=5000.0), metric("loss", 1, 0, 1.0)])
    store.close()
    again = open_store(tmp_path)
    feed(again, run, [metric("loss", 2, 1, 2.0)])
    summary = again.read(summaries.of_run, run)[0]
    assert (summary.attempt, summary.rank, summary.count) == (3, 2, 2)
    assert list(again.read(series.columns, run, "loss")[1]) == [5001.0, 5002.0]
    again.close()


def test_steps_nobody_gave_are_counted_by_name_and_file(store):
    run = put_run(store)
    feed(store, run, [header(), metric("a", 1), metric("b", 1), metric("a", 2)])
    feed(store, run, [metric("a", 3), metric("b", 2)])
    feed(store, run, [header(rank=1), metric("a", 9)], file="8-other.jsonl")
    assert [step for step, _ in points(store, run, "a")] == [0, 1, 2]
    assert [step for step, _ in points(store, run, "b")] == [0, 1]
    assert points(store, run, "a", rank=1) == [(0, 9.0)]


def test_what_came_since_is_told_in_pieces(store):
    """Each point once, whatever came in between and however much that was; steps as they were counted."""
    run = put_run(store)
    feed(store, run, [header(), metric("a", 1), metric("b", 2)])
    seen = store.read(new_points.marks, run)
    assert store.read(new_points.since, run, seen, 10) == ([], seen)
    feed(store, run, [metric("a", 5), metric("a", 6)])
    feed(store, run, [header(rank=1), metric("c", 9)], file="8-other.jsonl")
    added, seen = store.read(new_points.since, run, seen, 10)
    assert [(one.name, one.rank, list(one.points.steps), list(one.points.values)) for one in added] == [
        ("a", 0, [1, 2], [5.0, 6.0]),
        ("c", 1, [0], [9.0]),
    ]
    count = 2 * CHUNK + 100
    feed(store, run, [metric("a", float(at)) for at in range(count)])
    feed(store, run, [metric("b", 3)])
    came = []
    while True:
        added, seen = store.read(new_points.since, run, seen, 1)
        if not added:
            break
        assert len(added) == 1
        assert len(added[0].points.steps) <= CHUNK
        came += [(added[0].name, value) for value in added[0].points.values]
    assert came == [("a", float(at)) for at in range(count)] + [("b", 3.0)]


@pytest.mark.parametrize("batch", [1, 7, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
def test_a_long_series_comes_back_as_it_was_written(store, batch):
    run = put_run(store)
    total = 3 * CHUNK + 5 if batch > 1 else 500
    values = [random.Random(n).random() for n in range(total)]
    records = [metric("loss", value, n, n * 0.5) for n, value in enumerate(values)]
    feed(store, run, [header(wall=100.0)])
    for start in range(0, total, batch):
        feed(store, run, records[start : start + batch])
    steps, times, got = store.read(series.columns, run, "loss")
    assert list(steps) == list(range(total))
    assert list(got) == values
    assert list(times) == [100.0 + n * 0.5 for n in range(total)]
    assert list(store.read(series.columns, run, "loss", limit=10)[2]) == values[-10:]
    assert list(store.read(series.columns, run, "loss", limit=CHUNK + 1)[2]) == values[-(CHUNK + 1) :]
    assert list(store.read(series.columns, run, "loss", limit=0)[2]) == []
    summary = store.read(summaries.of_run, run)[0]
    assert (summary.count, summary.first_step, summary.last_step) == (total, 0, total - 1)
    assert (summary.min, summary.max, summary.last) == (min(values), max(values), values[-1])


def test_steps_out_of_order_are_sorted_and_the_last_is_the_highest(store):
    """AZ-93, AZ-99."""
    run = put_run(store)
    feed(store, run, [header(), *(metric("loss", n * 10, n) for n in (5, 1, 3, 3))])
    assert [step for step, _ in points(store, run)] == [1, 3, 3, 5]
    assert store.read(run_rows.get, run).metrics["loss"].last == 50.0


def test_numbers_that_are_none(store):
    run = put_run(store)
    feed(store, run, [header(), *(metric("loss", v) for v in (2.0, "nan", "inf", 1.0, "-inf", "nan"))])
    summary = store.read(summaries.of_run, run)[0]
    assert (summary.min, summary.max, summary.nan_count, summary.count) == (1.0, 2.0, 2, 6)
    assert math.isnan(summary.last)
    assert math.isnan(store.read(run_rows.get, run).metrics["loss"].last)
    bucket = store.read(summaries.envelope, run, "loss", 1)[0]
    assert (bucket.min, bucket.max, bucket.count) == (1.0, 2.0, 6)
    assert math.isnan(bucket.last)
    feed(store, run, [metric("only", "nan")])
    assert store.read(run_rows.get, run).metrics["only"].min is None


def test_times_beyond_any_calendar_are_held_within(store):
    run = put_run(store)
    feed(store, run, [header(), metric("loss", 1, 0, -1e300), metric("loss", 2, 1, 1e300)])
    _, times, _ = store.read(series.columns, run, "loss")
    assert [datetime.fromtimestamp(time, UTC).year for time in times] == [1970, 9999]
    assert store.read(series.points, run, "loss").times == [0, 253_402_300_799_000_000]


def test_bad_lines_are_counted_by_file(store):
    run = put_run(store)
    store.write(
        store.intake.take, run, FILE, 0, lines([header()]) + b"garbage\n" + lines([metric("loss", 1)])
    )
    store.write(store.intake.take, run, FILE, store.read(offsets, store.spool, run).records[FILE], b"more\n")
    assert taken(store, run).bad == 2
    assert points(store, run) == [(0, 1.0)]


@pytest.mark.parametrize(
    ("names", "primary", "goal"),
    [
        (["loss", "val_loss"], "val_loss", "minimize"),
        (["lr", "test/acc", "train_loss"], "test/acc", "maximize"),
        (["val_acc", "val_loss"], "val_acc", "maximize"),
        (["lr", "loss"], "loss", "minimize"),
        (["reward", "steps"], "reward", "maximize"),
        (["loss", "val/f1"], "val/f1", "maximize"),
        (["epoch", "height"], "height", "minimize"),
    ],
)
def test_the_metric_an_experiment_is_judged_by_is_guessed(store, names, primary, goal):
    run = put_run(store)
    feed(store, run, [header(), *(metric(name, 1) for name in names)])
    experiment = store.read(experiments.get, "default")
    assert (experiment.primary_metric, experiment.goal.value, experiment.primary_set) == (
        primary,
        goal,
        False,
    )
    feed(store, run, [metric("weight", 1)])
    assert store.read(experiments.get, "default").primary_metric == primary


def test_what_a_later_run_logs_is_judged_by_where_it_tells_more(store):
    """The first runs of an experiment are often trials: what they log is not what it is about."""
    judged = []
    for names in (["lr"], ["epoch", "height"], ["lr", "train/loss"], ["val/loss"], ["train/acc", "val/acc"]):
        feed(store, put_run(store), [header(), *(metric(name, 1) for name in names)])
        judged.append(store.read(experiments.get, "default").primary_metric)
    assert judged == ["lr", "height", "train/loss", "val/loss", "val/loss"]
    guessed = [event for event in store.read(events.after) if event.data.get("guessed")]
    assert [event.data["primary_metric"] for event in guessed] == ["lr", "height", "train/loss", "val/loss"]


def test_what_a_person_chose_is_not_guessed_over(store):
    run = put_run(store)
    store.write(experiments.update, "default", primary_metric="mine")
    feed(store, run, [header(), metric("val_loss", 1)])
    assert store.read(experiments.get, "default").primary_metric == "mine"


def test_one_event_tells_of_the_newest_records(store):
    run = put_run(store)
    for n in range(4):
        feed(store, run, [header(), metric("loss", n)] if n == 0 else [metric("loss", n)])
    found = [event for event in store.read(events.after) if event.kind == "RunRecords"]
    assert [event.data["metrics"] for event in found] == [{"loss": 1}]
    assert found[0].subject == f"experiments/default/runs/{run}"
    assert found[0].sequence == store.read(events.last_sequence)


def test_a_machine_that_begins_any_number_of_lines_costs_no_memory(store, monkeypatch):
    run, other = put_run(store), put_run(store, 2)
    monkeypatch.setattr(intake, "MOST_WAITING", 1 << 20)
    taking = store.intake
    store.write(taking.take, other, FILE, 0, b'{"k"')
    for number in range(3):
        for at in range(100):
            store.write(taking.take, run, f"records/{at}", 0, b"x" * 20_000)
            store.write(taking.take, run, f"records/few-{number}-{at}", 0, b"x")
        assert 0 < taking.held(run) <= 1 << 20
    # What was forgotten has to come again; what comes whole is taken, in this run as in others.
    with pytest.raises(Conflict):
        store.write(taking.take, run, "records/99", 20_000, b"\n")
    assert store.write(taking.take, run, "records/99", 0, b"x" * 20_000 + b"\n")
    assert store.write(taking.take, other, FILE, 4, b':"header"}\n')
    assert taking.held(other) == 0
    feed(store, run, [header(), metric("loss", 1)])
    assert points(store, run) == [(0, 1.0)]
    store.remove_run(run)
    assert taking.held(run) == 0


def test_nothing_of_a_removed_run_is_left(store):
    run = put_run(store, tags={"a": None})
    feed(
        store,
        run,
        [header(), *(metric("loss", n) for n in range(2 * CHUNK)), {"k": "row", "n": "t", "v": {"a": 1}}],
    )
    store.write(store.spool.append, run, 0, b"hello")
    store.remove_run(run)
    with store._db.read() as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = {"experiments", "events", "counters", "sqlite_sequence", "targets", "activities", "manifests"}
        for name in names:
            if name not in kept:
                assert connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] == 0, name
    assert not store.spool.path(run).exists()
    store.write(kept_runs.insert, make_run(), RunConfiguration(command="true"))
    feed(store, run, [header(), metric("loss", 1)])
    assert points(store, run) == [(0, 1.0)]


@given(
    st.lists(
        st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(), st.floats(allow_nan=False)), max_size=50
    )
)
def test_packed_points_come_back(points):
    from array import array

    steps, times, values = zip(*points, strict=True) if points else ((), (), ())
    packed = pack(Columns(array("q", steps), array("d", times), array("d", values)))
    assert len(packed) == 24 * len(points)
    again = unpack(packed)
    assert list(again.steps) == list(steps)
    assert list(again.values) == list(values)


def test_damaged_chunks_are_refused():
    with pytest.raises(ValueError):
        unpack(b"x" * 25)


def test_a_store_is_a_plain_folder(store):
    assert isinstance(store, Store)
    assert {path.name for path in store.directory.iterdir()} >= {"workbench.db", "spool", "blobs"}
