"""Runs: made once, found again, changed by people, moved through their states by their machines."""

from __future__ import annotations

import random
from datetime import timedelta
from functools import partial
from itertools import count, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store_making import NOW, feed, header, make_run, metric, open_store, put_run, run_id, step
from workbench.entities.base import replace
from workbench.entities.configuration import RunConfiguration
from workbench.entities.experiment import Goal
from workbench.entities.run import GitFacts, Resources, RunFile, RunState
from workbench.entities.target import Target, TargetKind, TargetSettings
from workbench.errors import Ambiguous, Conflict, NotFound, UsageError
from workbench.store import (
    evaluations,
    events,
    experiments,
    files,
    references,
    run_entries,
    run_rows,
    run_status,
    runs,
    spool,
    summaries,
    tables,
    targets,
)
from workbench.store.offsets import offsets
from workbench.store.query import NARROW, MetricCondition, ParamCondition, RunQuery
from workbench.store.transitions import contiguous, fold

S = RunState
_numbers = count(1)


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


def ids(runs):
    return [run.id for run in runs]


def told(store, kind):
    return [event for event in store.read(events.after, limit=10_000) if event.kind == kind]


def test_a_run_comes_back_as_it_was_put(store):
    """AZ-74 in part, AZ-80."""
    run = make_run(
        description="# A *try*",
        tags={"team": "vision", "bare": None},
        properties={"owner": "ann"},
        params={"lr": "3e-4"},
        command="python train.py --lr 3e-4",
        gpus=["GPU-1"],
        git=GitFacts(branch="main", commit="0" * 40, dirty=True),
        snapshot="f" * 64,
        submitted_by="ann",
        environment="/usr/bin/python3",
        resources=Resources(cpu_seconds=1.5, peak_memory=1 << 30),
    )
    configuration = RunConfiguration(command=["python", "train.py", "\udcff"], inputs={"lr": 3e-4}, gpus=1)
    assert store.write(runs.insert, run, configuration, "diff --git\n") == (run, True)
    assert store.read(run_rows.get, run.id) == run
    assert store.read(runs.configuration, run.id) == configuration
    assert store.read(runs.diff_text, run.id) == "diff --git\n"


def test_the_same_id_again_is_the_same_run(store):
    run, _ = store.write(runs.insert, make_run(), RunConfiguration(command="true"))
    again, new = store.write(runs.insert, replace(run, name="other"), RunConfiguration(command="false"))
    assert (again, new) == (run, False)
    assert store.read(runs.configuration, run.id).command == "true"
    assert len(told(store, "RunCreated")) == 1


def test_what_is_not_there(store):
    for ask in (
        run_rows.get,
        run_status.transitions,
        runs.configuration,
        runs.diff_text,
        files.every,
        summaries.of_run,
        evaluations.of_run,
        tables.rows,
        tables.texts,
        tables.artifacts,
        run_entries.warnings,
        spool.gaps,
        store.spool.length,
        partial(offsets, spool=store.spool),
    ):
        with pytest.raises(NotFound):
            store.read(ask, run_id=run_id(9))
    with pytest.raises(UsageError):
        store.write(runs.insert, make_run(id="../../etc/passwd"), RunConfiguration(command="true"))


LIFE = [
    step(1, S.NOT_STARTED),
    step(2, S.PREPARING),
    step(3, S.QUEUED),
    step(4, S.RUNNING),
    step(5, S.FAILED, cause="exit", message="it ended with code 3", exit_code=3),
    step(6, S.PREPARING, attempt=2),
    step(7, S.RUNNING, attempt=2),
    step(8, S.COMPLETED, attempt=2, exit_code=0),
]


@settings(max_examples=60)
@given(data=st.data(), length=st.integers(1, len(LIFE)))
def test_transitions_add_up_whatever_their_order(shared, data, length):
    """AZ-72: in batches, repeated, late, in any order."""
    run = put_run(shared, next(_numbers))
    told = LIFE[:length]
    order = data.draw(st.permutations(told + data.draw(st.lists(st.sampled_from(told), max_size=5))))
    while order:
        size = data.draw(st.integers(1, len(order)))
        shared.write(run_status.apply, run, order[:size], as_of=NOW)
        order = order[size:]
    found = shared.read(run_rows.get, run)
    last = told[-1]
    started = [item.time for item in told if item.state is S.RUNNING and item.attempt == last.attempt]
    assert (found.status, found.attempt, found.cause) == (last.state, last.attempt, last.cause)
    assert (found.exit_code, found.message) == (last.exit_code, last.message)
    assert found.started == (started[0] if started else None)
    assert found.ended == (last.time if last.state.terminal else None)
    assert shared.read(run_status.transitions, run) == told
    assert shared.read(offsets, shared.spool, run).seq == length


def test_a_terminal_state_stays_until_a_new_attempt(store):
    """AZ-72."""
    run = put_run(store)
    store.write(run_status.apply, run, [step(1, S.RUNNING), step(2, S.CANCELED)], as_of=NOW)
    store.write(run_status.apply, run, [step(3, S.RUNNING), step(4, S.COMPLETED)], as_of=NOW)
    assert store.read(run_rows.get, run).status is S.CANCELED
    assert len(told(store, "RunCompleted")) == 1
    store.write(run_status.apply, run, [step(5, S.PREPARING, attempt=2)], as_of=NOW)
    found = store.read(run_rows.get, run)
    assert (found.status, found.attempt, found.ended, found.started) == (S.PREPARING, 2, None, None)
    store.write(run_status.apply, run, [step(6, S.RUNNING, attempt=1)], as_of=NOW)
    assert store.read(run_rows.get, run).status is S.PREPARING


def test_every_change_of_state_is_an_event_and_every_end_two(store):
    """AZ-16 in part, AZ-17, AZ-20."""
    run = put_run(store)
    heard = []
    store.on_events = heard.extend
    for _ in range(2):
        store.write(run_status.apply, run, LIFE[:5], as_of=NOW)
    assert [(event.kind, event.data["state"]) for event in heard] == [
        *(("RunStatusChanged", item.state.value) for item in LIFE[:5]),
        ("RunCompleted", "Failed"),
    ]
    assert {event.subject for event in heard} == {f"experiments/default/runs/{run}"}
    assert {event.actor for event in heard} == {"compute/box"}
    assert heard[-1].data["exit_code"] == 3
    assert heard == store.read(events.after, sequence=heard[0].sequence - 1)


def test_a_late_transition_is_an_event_that_says_where_the_run_stands(store):
    """AZ-19."""
    run = put_run(store)
    store.write(run_status.apply, run, [LIFE[3]], as_of=NOW)
    assert store.read(offsets, store.spool, run).seq == 0
    store.write(run_status.apply, run, LIFE[:3], as_of=NOW)
    said = [(event.data["seq"], event.data["current"]) for event in told(store, "RunStatusChanged")]
    assert said == [(4, "Running"), (1, "Running"), (2, "Running"), (3, "Running")]
    assert store.read(offsets, store.spool, run).seq == 4


def test_the_queues_reason_is_the_message_until_there_is_a_better_one(store):
    run = put_run(store)
    store.write(run_status.apply, run, [step(1, S.QUEUED)], note="waits for 2 GPUs", gpus=["0"], as_of=NOW)
    assert store.read(run_rows.get, run).message == "waits for 2 GPUs"
    store.write(
        run_status.apply, run, [step(2, S.RUNNING)], note=None, resources=Resources(stream_bytes=5), as_of=NOW
    )
    found = store.read(run_rows.get, run)
    assert (found.message, found.gpus, found.resources) == (None, ["0"], Resources(stream_bytes=5))
    store.write(run_status.apply, run, [step(3, S.FAILED, message="no space")], note="old", as_of=NOW)
    assert store.read(run_rows.get, run).message == "no space"


def test_a_run_that_waits_says_how_many_gpus_it_wants(store):
    """Of its own word, else as its machine gives them to runs that do not say; once it runs it says none."""
    settings = TargetSettings(gpus=4)
    store.write(targets.put, Target(name="box", kind=TargetKind.SSH, settings=settings, created=NOW))
    wants = [2, None, 0]
    for number, gpus in enumerate(wants, 1):
        store.write(runs.insert, make_run(number), RunConfiguration(command=["true"], gpus=gpus))
    rows = [store.read(run_rows.get, run_id(number)) for number in (1, 2, 3)]
    assert [row.gpus_wanted for row in rows] == [2, 4, None]
    store.write(run_status.apply, run_id(1), [step(1, S.RUNNING)], gpus=["0", "1"], as_of=NOW)
    assert store.read(run_rows.get, run_id(1)).gpus_wanted is None


def test_a_heartbeat_is_no_event(store):
    run = put_run(store)
    store.write(run_status.apply, run, [step(1, S.RUNNING)], gpus=["0"], as_of=NOW)
    before = store.read(events.last_sequence)
    later = NOW + timedelta(hours=1)
    store.write(run_status.apply, run, [step(1, S.RUNNING)], gpus=["0"], as_of=later)
    store.write(run_status.apply, run, [], as_of=NOW)
    assert store.read(events.last_sequence) == before
    assert store.read(run_rows.get, run).as_of == later


def test_numbers_beyond_all_sense_do_no_harm(store):
    run = put_run(store)
    wild = [step(2**80, S.RUNNING), step(0, S.RUNNING), step(-1, S.FAILED), step(2, S.RUNNING, attempt=2**70)]
    store.write(
        run_status.apply, run, [*wild, step(1, S.FAILED, exit_code=10**30, signal=-(10**30))], as_of=NOW
    )
    assert store.read(run_rows.get, run).status is S.FAILED
    assert len(store.read(run_status.transitions, run)) == 1


def test_the_fold_is_the_same_for_every_order():
    expected = fold(LIFE)
    assert all(fold(order) == expected for order in permutations(LIFE[3:]) for order in [[*order, *LIFE[:3]]])
    assert fold([]) == (None, set())
    assert (contiguous([]), contiguous([2, 3]), contiguous([3, 1, 2, 2, 5])) == (0, 0, 3)


def test_tags_change_and_properties_do_not(store):
    """AZ-78."""
    run = put_run(store)
    assert store.write(runs.tag, run, {"a": "1", "bare": None}).tags == {"a": "1", "bare": None}
    assert store.write(runs.tag, run, {"a": "2"}, ["bare", "never"]).tags == {"a": "2"}
    assert store.write(runs.add_properties, run, {"p": "1"}).properties == {"p": "1"}
    store.write(runs.add_properties, run, {"p": "1", "q": "2"})
    with pytest.raises(Conflict) as caught:
        store.write(runs.add_properties, run, {"r": "new", "p": "other"})
    assert caught.value.hint
    assert store.read(run_rows.get, run).properties == {"p": "1", "q": "2"}
    assert told(store, "RunChanged")[1].data["before"] == {"a": "1", "bare": None}


def test_describing_archiving_removing(store):
    """AZ-80."""
    run = put_run(store)
    assert store.write(runs.describe, run, description="# *Good*").description == "# *Good*"
    assert store.write(runs.describe, run, name="best \x1b[2Jof all").name == "best of all"
    with pytest.raises(UsageError):
        store.write(runs.describe, run, name=" \n")
    assert store.write(runs.describe, run, description="").description is None
    assert store.write(runs.archive, run, True).archived
    before = store.read(events.last_sequence)
    store.write(runs.archive, run, True)
    assert store.read(events.last_sequence) == before
    store.remove_run(run)
    with pytest.raises(NotFound):
        store.read(run_rows.get, run)
    assert store.read(events.after)[-1].data["removed"] is True


def test_files_are_listed_and_collected(store):
    """AZ-86, AZ-88."""
    run = put_run(store)
    listing = [
        RunFile(path="outputs/m.bin", size=5, modified=NOW),
        RunFile(path="logs/a\udcff.txt", size=1),
        RunFile(path="../evil", size=1),
        RunFile(path="outputs/\ud800", size=1),
        RunFile(path="/etc/passwd", size=1),
    ]
    store.write(runs.put_files, run, listing)
    assert [file.path for file in store.read(files.every, run)] == ["logs/a\udcff.txt", "outputs/m.bin"]
    assert store.read(run_rows.get, run).warnings == 1
    store.write(files.mark_collected, run, "outputs/m.bin", "a" * 64)
    store.write(runs.put_files, run, listing[:1])
    assert store.read(files.every, run) == [replace(listing[0], sha256="a" * 64, collected=True)]
    changed = replace(listing[0], size=6)
    store.write(runs.put_files, run, [changed])
    assert store.read(files.every, run) == [changed]
    with pytest.raises(NotFound):
        store.write(files.mark_collected, run, "outputs/none", "a" * 64)


def test_numbers_for_names_count_up(store):
    assert [store.write(runs.next_number) for _ in range(3)] == [1, 2, 3]


def test_lists_are_newest_first_and_filtered(store):
    """AZ-66 in part, AZ-79, AZ-80."""
    put_run(store, 1, experiment="a", target="x", tags={"t": "1"}, params={"lr": "0.001"})
    put_run(
        store, 2, experiment="a", target="y", tags={"t": "2"}, properties={"p": "q"}, params={"lr": "1e-3"}
    )
    put_run(store, 3, experiment="b", target="x", tags={"t": None}, description="the 100% best_run")
    put_run(store, 4, experiment="b", target="x", parent=run_id(3), params={"lr": "high"})
    store.write(runs.archive, run_id(4), True)
    store.write(run_status.apply, run_id(1), [step(1, S.COMPLETED)], as_of=NOW)

    def numbers(**query):
        found = store.read(runs.find, RunQuery(**query))
        return [next(n for n in range(1, 5) if run_id(n) == run.id) for run in found]

    assert numbers() == [3, 2, 1]
    assert numbers(archived=None) == [3, 2, 1]
    assert numbers(archived=None, children=True) == [4, 3, 2, 1]
    assert numbers(archived=True) == [4]
    assert numbers(experiment="a") == [2, 1]
    assert numbers(target="x") == [3, 1]
    assert numbers(statuses=(S.COMPLETED, S.FAILED)) == [1]
    assert numbers(active=True) == [3, 2]
    assert numbers(tags={"t": None}) == [3, 2, 1]
    assert numbers(tags={"t": "2"}) == [2]
    assert numbers(tags={"t": "2"}, properties={"p": "q"}) == [2]
    assert numbers(tags={"t": "1"}, properties={"p": "q"}) == []
    assert numbers(text="100% BEST_") == [3]
    assert numbers(text="100_") == []
    assert numbers(parent=run_id(3), archived=None) == [4]
    assert numbers(params=(ParamCondition(name="lr", operator="=", value="0.0010"),)) == [2, 1]
    assert numbers(params=(ParamCondition(name="lr", operator="=", value="high"),), archived=None) == [4]
    assert numbers(params=(ParamCondition(name="lr", operator=">=", value="1e-3"),)) == [2, 1]
    assert numbers(limit=1, offset=1) == [2]
    assert numbers(limit=-1, offset=2) == [1]
    with pytest.raises(NotFound):
        numbers(experiment="c")
    with pytest.raises(UsageError):
        numbers(params=(ParamCondition(name="lr", operator="<", value="high"),))
    with pytest.raises(UsageError):
        numbers(metrics=(MetricCondition(name="m", operator="; DROP TABLE runs", value=1),))


@pytest.mark.parametrize("narrow", [0, 5, NARROW])
def test_searching_agrees_with_looking_at_every_run(store, monkeypatch, narrow):
    """The ways a search can take (few fit, most fit) differ in speed only."""
    monkeypatch.setattr("workbench.store.query.NARROW", narrow)
    chance = random.Random(4)
    rows = []
    for number in range(1, 41):
        params = {"lr": chance.choice(["0.1", "0.2", "x"])} if chance.random() < 0.8 else {}
        run = put_run(store, number, params=params, experiment=chance.choice("ab"))
        values = {
            name: chance.choice([1.0, 2.0, 3.0, "nan"]) for name in ("acc", "loss") if chance.random() < 0.8
        }
        feed(store, run, [header(), *(metric(name, value) for name, value in values.items())])
        rows.append(store.read(run_rows.get, run))
    value = {row.id: {name: found.last for name, found in row.metrics.items()} for row in rows}

    def expected(where, descending):
        fit = [row for row in rows if where(row)]
        known = [row for row in fit if value[row.id].get("loss", float("nan")) == value[row.id].get("loss")]
        known.sort(key=lambda row: (value[row.id]["loss"], row.id), reverse=descending)
        rest = sorted((row for row in fit if row not in known), key=lambda row: row.id, reverse=True)
        return ids(known + rest)

    cases = [
        ({}, lambda row: True),
        ({"experiment": "a"}, lambda row: row.experiment == "a"),
        (
            {"params": (ParamCondition(name="lr", operator="=", value=".1"),)},
            lambda row: row.params.get("lr") == "0.1",
        ),
        (
            {"metrics": (MetricCondition(name="acc", operator=">", value=1.5),)},
            lambda row: value[row.id].get("acc", 0) > 1.5,
        ),
        (
            {"metrics": (MetricCondition(name="loss", operator="<=", value=2),), "experiment": "b"},
            lambda row: value[row.id].get("loss", 9) <= 2 and row.experiment == "b",
        ),
    ]
    for descending in (False, True):
        for query, where in cases:
            wanted = expected(where, descending)
            for limit, offset in ((-1, 0), (7, 0), (7, 5), (100, 30), (3, 100)):
                got = store.read(
                    runs.find,
                    RunQuery(order="metric:loss", descending=descending, limit=limit, offset=offset, **query),
                )
                assert ids(got) == (wanted[offset:] if limit < 0 else wanted[offset : offset + limit])


def test_rows_come_in_a_constant_number_of_queries(store):
    statements = []
    for number in range(1, 31):
        put_run(store, number, tags={"t": "1"}, params={"lr": "1"})
    counts = []
    for limit in (2, 30):
        statements.clear()
        store._db._reader().set_trace_callback(statements.append)
        assert len(store.read(runs.find, RunQuery(limit=limit))) == limit
        store._db._reader().set_trace_callback(None)
        counts.append(len(statements))
    assert counts[0] == counts[1] < 12


def test_references(store):
    for number in range(1, 4):
        put_run(store, number)
    twin = put_run(store, 9, name="calm-otter-1", experiment="other")
    newest = run_id(3)
    assert store.read(references.resolve, newest) == newest
    assert store.read(references.resolve, f" {newest.lower()} ") == newest
    assert store.read(references.resolve, "calm-otter-2") == run_id(2)
    assert store.read(references.resolve, "calm-otter-1") == twin
    assert store.read(references.resolve, "calm-otter-1", "default") == run_id(1)
    assert (store.read(references.resolve, "@1"), store.read(references.resolve, "@2")) == (twin, newest)
    assert store.read(references.resolve, "@1", "default") == newest
    assert store.read(references.resolve, "@1:default") == newest
    assert store.read(references.resolve, "@1:other", "default") == twin, "what it says itself counts"
    prefix = next(newest[:n] for n in range(1, 27) if not run_id(2).startswith(newest[:n]))
    assert store.read(references.resolve, prefix) == newest
    with pytest.raises(Ambiguous) as caught:
        store.read(references.resolve, newest[:4])
    assert len(caught.value.data["candidates"]) == 4
    for wrong in ("nobody", "@9", "@0", "@worst", "@9:default", "@1:nowhere", "@1:", "@best:", "", "%", newest[:-1] + "~"):
        with pytest.raises(NotFound) as missing:
            store.read(references.resolve, wrong)
        assert missing.value.hint
    with pytest.raises(NotFound):
        store.read(references.resolve, "@1", "no such experiment")


def test_a_mistyped_name_is_asked_back(store):
    for number in range(1, 4):
        put_run(store, number)
    put_run(store, 7, name="brisk-heron-7")
    for wrong, meant in (("brisk", "brisk-heron-7"), ("brisk-herno-7", "brisk-heron-7")):
        with pytest.raises(NotFound) as missing:
            store.read(references.resolve, wrong)
        assert missing.value.hint == f"did you mean {meant}?"


def test_the_best_run_is_by_the_primary_metric(store):
    with pytest.raises(NotFound):
        store.read(references.resolve, "@best")
    values = {1: 0.5, 2: 0.2, 3: "nan", 4: 0.9, 5: "-inf"}
    for number, value in values.items():
        put_run(store, number)
        if number == 1:
            with pytest.raises(NotFound):
                store.read(references.resolve, "@best")
        feed(store, run_id(number), [header(), metric("loss", value)])
    put_run(store, 6)
    put_run(store, 7, experiment="measures-nothing")
    assert store.read(references.resolve, "@best") == run_id(2)
    store.write(experiments.update, "default", goal=Goal.MAXIMIZE)
    assert store.read(references.resolve, "@best", "default") == run_id(4)
    assert store.read(references.resolve, "@best:default") == run_id(4)
    store.write(runs.archive, run_id(4), True)
    assert store.read(references.resolve, "@best") == run_id(1)
