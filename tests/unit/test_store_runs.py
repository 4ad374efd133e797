"""Runs: made once, found again, changed by people, moved through their states by their machines."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import count, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store_making import NOW, make_run, open_store, put_run, run_id, step
from workbench.entities.base import replace
from workbench.entities.configuration import RunConfiguration
from workbench.entities.run import GitFacts, Resources, RunFile, RunState
from workbench.entities.target import Target, TargetKind, TargetSettings
from workbench.errors import Conflict, NotFound, UsageError
from workbench.store.arriving.offsets import offsets
from workbench.store.fleet import targets
from workbench.store.logs import spool
from workbench.store.metrics import evaluations, summaries, tables
from workbench.store.runs import files, kept_runs, run_entries, run_rows, run_status
from workbench.store.runs.transitions import contiguous, fold
from workbench.store.sqlite import events

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
    assert store.write(kept_runs.insert, run, configuration, "diff --git\n") == (run, True)
    assert store.read(run_rows.get, run.id) == run
    assert store.read(kept_runs.configuration, run.id) == configuration
    assert store.read(kept_runs.diff_text, run.id) == "diff --git\n"


def test_the_same_id_again_is_the_same_run(store):
    run, _ = store.write(kept_runs.insert, make_run(), RunConfiguration(command="true"))
    again, new = store.write(kept_runs.insert, replace(run, name="other"), RunConfiguration(command="false"))
    assert (again, new) == (run, False)
    assert store.read(kept_runs.configuration, run.id).command == "true"
    assert len(told(store, "RunCreated")) == 1


def test_what_is_not_there(store):
    for ask in (
        run_rows.get,
        run_status.transitions,
        kept_runs.configuration,
        kept_runs.diff_text,
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
        store.write(kept_runs.insert, make_run(id="../../etc/passwd"), RunConfiguration(command="true"))


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
        store.write(kept_runs.insert, make_run(number), RunConfiguration(command=["true"], gpus=gpus))
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
    assert store.write(kept_runs.tag, run, {"a": "1", "bare": None}).tags == {"a": "1", "bare": None}
    assert store.write(kept_runs.tag, run, {"a": "2"}, ["bare", "never"]).tags == {"a": "2"}
    assert store.write(kept_runs.add_properties, run, {"p": "1"}).properties == {"p": "1"}
    store.write(kept_runs.add_properties, run, {"p": "1", "q": "2"})
    with pytest.raises(Conflict) as caught:
        store.write(kept_runs.add_properties, run, {"r": "new", "p": "other"})
    assert caught.value.hint
    assert store.read(run_rows.get, run).properties == {"p": "1", "q": "2"}
    assert told(store, "RunChanged")[1].data["before"] == {"a": "1", "bare": None}


def test_describing_archiving_removing(store):
    """AZ-80."""
    run = put_run(store)
    assert store.write(kept_runs.describe, run, description="# *Good*").description == "# *Good*"
    assert store.write(kept_runs.describe, run, name="best \x1b[2Jof all").name == "best of all"
    with pytest.raises(UsageError):
        store.write(kept_runs.describe, run, name=" \n")
    assert store.write(kept_runs.describe, run, description="").description is None
    assert store.write(kept_runs.archive, run, True).archived
    before = store.read(events.last_sequence)
    store.write(kept_runs.archive, run, True)
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
    store.write(kept_runs.put_files, run, listing)
    assert [file.path for file in store.read(files.every, run)] == ["logs/a\udcff.txt", "outputs/m.bin"]
    assert store.read(run_rows.get, run).warnings == 1
    store.write(files.mark_collected, run, "outputs/m.bin", "a" * 64)
    store.write(kept_runs.put_files, run, listing[:1])
    assert store.read(files.every, run) == [replace(listing[0], sha256="a" * 64, collected=True)]
    changed = replace(listing[0], size=6)
    store.write(kept_runs.put_files, run, [changed])
    assert store.read(files.every, run) == [changed]
    with pytest.raises(NotFound):
        store.write(files.mark_collected, run, "outputs/none", "a" * 64)
