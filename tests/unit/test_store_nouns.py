"""Experiments, targets, activities, events; blobs, manifests and the spool."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import zipfile
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store_making import NOW, make_run, open_store, put_run, run_id
from workbench.entities.base import replace
from workbench.entities.configuration import RunConfiguration
from workbench.entities.event import Activity, ActivityState
from workbench.entities.experiment import Goal
from workbench.entities.run import RunFile
from workbench.entities.snapshot import Entry, EntryKind, Manifest
from workbench.entities.target import Target, TargetKind, TargetSettings, TargetState
from workbench.errors import Conflict, NotFound, Refused, StoreError, UsageError
from workbench.remote.snapshots import blobs
from workbench.remote.snapshots.archive import ArchiveError
from workbench.snapshots.archive import zip_blobs
from workbench.store.arriving.offsets import offsets
from workbench.store.blocking_store import PRUNE_GRACE
from workbench.store.fleet import targets
from workbench.store.logs import spool
from workbench.store.registry import manifests
from workbench.store.runs import files, kept_runs
from workbench.store.sqlite import events
from workbench.store.workspace import activities, experiments


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    opened = open_store(tmp_path_factory.mktemp("shared"))
    put_run(opened)
    yield opened
    opened.close()


def sha(data):
    return hashlib.sha256(data).hexdigest()


def test_submitting_to_an_unknown_experiment_makes_it(store):
    """AZ-65."""
    put_run(store, experiment="vision")
    put_run(store, 2, experiment="vision")
    assert [(item.name, item.runs) for item in store.read(experiments.every)] == [("vision", 2)]
    assert store.write(experiments.ensure, "vision", NOW) == store.read(experiments.get, "vision")


@pytest.mark.parametrize("name", ["", "-a", "_a", "a b", "a/b", "ä", "a" * 256])
def test_names_an_experiment_cannot_have(store, name):
    """AZ-64."""
    with pytest.raises(UsageError):
        store.write(experiments.ensure, name, NOW)
    with pytest.raises(UsageError):
        put_run(store, experiment=name)
    assert store.read(experiments.every) == []
    assert store.read(events.after) == []


def test_names_an_experiment_can_have(store):
    """AZ-64."""
    for name in ("a", "9", "A_b-c", "a" * 255):
        assert store.write(experiments.ensure, name, NOW).name == name


def test_an_archived_experiment_stays_archived(store):
    """AZ-67."""
    put_run(store, 1, experiment="e")
    old = store.write(experiments.update, "e", archived=True)
    assert store.read(experiments.every) == []
    put_run(store, 2, experiment="e")
    new = store.read(experiments.get, "e")
    assert new.id != old.id
    assert (new.runs, store.read(experiments.get, old.id).runs) == (1, 1)
    assert [item.archived for item in store.read(experiments.every, archived=True)] == [False, True]
    with pytest.raises(Conflict):
        store.write(experiments.update, old.id, archived=False)
    store.write(experiments.update, new.id, archived=True)
    assert not store.write(experiments.update, old.id, archived=False).archived


def test_experiments_have_tags_and_a_metric_to_judge_by(store):
    """AZ-68."""
    store.write(experiments.ensure, "e", NOW)
    assert store.write(experiments.update, "e", tags={"team": "vision", "bare": None}).tags == {
        "team": "vision",
        "bare": None,
    }
    chosen = store.write(experiments.update, "e", primary_metric="val_acc")
    assert (chosen.primary_metric, chosen.goal, chosen.primary_set) == ("val_acc", Goal.MAXIMIZE, True)
    assert store.write(experiments.update, "e", goal=Goal.MINIMIZE).goal is Goal.MINIMIZE
    with pytest.raises(NotFound):
        store.write(experiments.update, "none", goal=Goal.MINIMIZE)
    assert {event.subject for event in store.read(events.after)} == {"experiments/e"}


def target(name="box", **changes):
    return Target(
        name=name, kind=TargetKind.SSH, created=NOW, settings=TargetSettings(address="u@h"), **changes
    )


def test_targets_are_kept_whole(store):
    one = target(facts={"gpus": [{"uuid": "GPU-1", "memory": 80}]}, default=True)
    store.write(targets.put, one)
    assert (store.read(targets.get, "box"), store.read(targets.every)) == (one, [one])
    store.write(targets.put, target("other", default=True))
    assert [(item.name, item.default) for item in store.read(targets.every)] == [
        ("box", False),
        ("other", True),
    ]
    store.write(targets.remove, "box")
    for ask in (partial(store.read, targets.get), partial(store.write, targets.remove)):
        with pytest.raises(NotFound):
            ask("box")


def test_only_news_of_a_target_is_an_event(store):
    store.write(targets.put, target())
    store.write(targets.put, target())
    store.write(targets.put, target(last_seen=NOW))
    assert len(store.read(events.after)) == 1
    store.write(targets.put, target(last_seen=NOW, state=TargetState.UNREACHABLE, problem="refused"))
    assert store.read(events.after)[-1].data == {
        "state": "unreachable",
        "created": False,
        "problem": "refused",
        "changed": ["state", "problem"],
    }
    assert store.read(targets.get, "box").last_seen == NOW


def test_activities_have_state_progress_and_an_end(store):
    """AZ-13."""
    first = Activity(id="a", kind="attach", subject="compute/box", started=NOW, total=10)
    store.write(activities.put, first)
    for done in range(1, 8):
        store.write(activities.put, replace(first, done=done, text=f"{done} of 10"))
    second = Activity(id="b", kind="submit", subject="runs/x", started=NOW + timedelta(seconds=1))
    store.write(activities.put, second)
    ended = replace(first, state=ActivityState.FAILED, ended=NOW, error="no", hint="try again")
    store.write(activities.put, ended)
    assert store.read(activities.newest) == [second, ended]
    assert store.read(activities.newest, limit=1) == [second]
    assert store.read(activities.newest, active=True) == [second]
    told = [event.data["state"] for event in store.read(events.after) if event.subject == "activities/a"]
    assert told == ["running", "running", "failed"]


def test_events_are_numbered_in_order_and_read_in_pieces(store):
    """AZ-19."""
    for number in range(1, 6):
        put_run(store, number)
    whole = store.read(events.after)
    assert [event.sequence for event in whole] == sorted({event.sequence for event in whole})
    pieces, last = [], 0
    while batch := store.read(events.after, sequence=last, limit=2):
        pieces += batch
        last = batch[-1].sequence
    assert pieces == whole
    assert store.read(events.last_sequence) == last


def test_blobs_are_checked_and_whole(store, tmp_path):
    data = b"x" * 3_000_000
    digest = sha(data)
    assert store.missing_blobs([digest, digest, sha(b"")]) == [digest, sha(b"")]
    with pytest.raises(Refused):
        store.put_blob(io.BytesIO(b"other"), digest)
    assert store.missing_blobs([digest]) == [digest]
    assert list((tmp_path / "blobs").rglob(".partial*")) == []
    for _ in range(2):
        store.put_blob(io.BytesIO(data), digest)
    store.put_blob(io.BytesIO(b""), sha(b""))
    assert store.blob_path(digest).read_bytes() == data
    assert store.missing_blobs([digest, sha(b"")]) == []
    assert [path.name for path in store.blob_path(digest).parent.iterdir()] == [digest]
    for wrong in ("../../etc", "A" * 64, "a" * 63, ""):
        with pytest.raises(StoreError):
            store.blob_path(wrong)


def test_an_upload_is_taken_in_by_the_store(store, tmp_path):
    """AZ-115: the blobs of a zip lie where those put one by one do; one that is something else ends it."""
    (tmp_path / "one").write_bytes(b"one")
    (tmp_path / "two").write_bytes(b"two")
    sources = {sha(b"one"): tmp_path / "one", sha(b"two"): tmp_path / "two"}
    (tmp_path / "upload").write_bytes(b"".join(zip_blobs(sources)))
    assert store.take_blobs(tmp_path / "upload") == 2
    assert store.missing_blobs(sources) == []
    assert store.blob_path(sha(b"two")).read_bytes() == b"two"
    with zipfile.ZipFile(tmp_path / "bad", "w") as archive:
        archive.writestr(sha(b"three"), b"thre")
    with pytest.raises(ArchiveError, match="something else"):
        store.take_blobs(tmp_path / "bad")
    assert store.missing_blobs([sha(b"three")]) == [sha(b"three")]
    assert sorted(path.name for path in tmp_path.glob("*.blob")) == []


def test_an_upload_for_which_there_is_no_room_is_told(store, tmp_path, monkeypatch):
    (tmp_path / "one").write_bytes(b"one")
    (tmp_path / "upload").write_bytes(b"".join(zip_blobs({sha(b"one"): tmp_path / "one"})))

    def full(handle, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(blobs, "write_all", full)
    with pytest.raises(StoreError, match="disk full"):
        store.take_blobs(tmp_path / "upload")
    assert [path.name for path in tmp_path.glob("*.blob")] == []


def test_a_blob_that_a_power_cut_emptied_is_missing(store):
    digest = sha(b"content")
    store.put_blob(io.BytesIO(b"content"), digest)
    os.truncate(store.blob_path(digest), 0)
    assert store.missing_blobs([digest]) == [digest]
    store.put_blob(io.BytesIO(b"content"), digest)
    assert store.blob_path(digest).read_bytes() == b"content"


def test_a_blob_for_which_there_is_no_room_leaves_nothing(store):
    class Full(io.RawIOBase):
        def read(self, size=-1):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StoreError, match="disk full") as caught:
        store.put_blob(Full(), sha(b"x"))
    assert caught.value.hint
    assert list(store.blob_path(sha(b"x")).parent.iterdir()) == []


def manifest(*contents):
    files = [Entry(path=f"f{n}.py", sha256=sha(data), size=len(data)) for n, data in enumerate(contents)]
    odd = [
        Entry(path="z\udcff/\n", sha256=sha(b"odd"), size=3, mode=0o755),
        Entry(path="link", kind=EntryKind.LINK, target="f0.py\udcfe"),
        Entry(path="empty", kind=EntryKind.DIRECTORY),
    ]
    return Manifest(entries=tuple(sorted(files + odd, key=lambda entry: entry.path)))


def test_manifests_come_back_as_they_were(store):
    one = manifest(b"a", b"b")
    assert not store.read(manifests.has, one.id)
    assert store.write(manifests.put, one) == store.write(manifests.put, one) == one.id
    assert store.read(manifests.has, one.id)
    assert store.read(manifests.get, one.id) == one
    assert store.read(manifests.get, one.id).id == one.id
    assert (store.read(manifests.row, one.id).files, store.read(manifests.row, one.id).size) == (3, 5)
    for ask in (manifests.get, manifests.row):
        with pytest.raises(NotFound):
            store.read(ask, "0" * 64)


def pruned(store, dry_run, grace=PRUNE_GRACE):
    """Prune as the asyncio store does: manifests, then contents."""
    unused, needed = store.write(manifests.prune, dry_run, grace)
    return store.prune_contents(needed, dry_run, grace)._replace(manifests=unused)


def test_pruning_keeps_what_is_needed(store):
    used, unused = manifest(b"shared", b"used"), manifest(b"shared", b"unused")
    for data in (b"shared", b"used", b"unused", b"odd", b"collected", b"stray"):
        store.put_blob(io.BytesIO(data), sha(data))
    for item in (used, unused):
        store.write(manifests.put, item)
    store.write(kept_runs.insert, make_run(snapshot=used.id), RunConfiguration(command="true"))
    store.write(kept_runs.put_files, run_id(), [RunFile(path="outputs/a", size=9)])
    store.write(files.mark_collected, run_id(), "outputs/a", sha(b"collected"))
    assert pruned(store, dry_run=False)[:2] == (0, 0)
    would = pruned(store, dry_run=True, grace=-60)
    assert would == (2, len(b"unused") + len(b"stray"), 1)
    assert store.read(manifests.has, unused.id)
    assert pruned(store, dry_run=False, grace=-60) == would
    assert not store.read(manifests.has, unused.id)
    assert store.missing_blobs(map(sha, (b"shared", b"used", b"odd", b"collected"))) == []
    assert len(store.missing_blobs(map(sha, (b"unused", b"stray")))) == 2
    store.remove_run(run_id())
    assert pruned(store, dry_run=False, grace=-60).manifests == 1
    assert list(store.directory.glob("blobs/*/*")) == []


@settings(max_examples=40)
@given(content=st.binary(max_size=200), data=st.data())
def test_byte_n_of_the_spool_is_byte_n_of_the_stream(shared, content, data):
    """Chunks overlap and repeat; in between, bytes that were not committed lie beyond the end."""
    shared.remove_run(run_id())
    run = put_run(shared)
    have = 0
    while have < len(content):
        start = have - data.draw(st.integers(0, have))
        stop = len(content) - data.draw(st.integers(0, len(content) - have))
        if data.draw(st.booleans()):
            with open(shared.spool.path(run), "ab") as opened:
                opened.write(b"killed before the offset was committed")
        assert shared.write(shared.spool.append, run, start, content[start:stop]) == max(have, stop)
        have = max(have, stop)
        assert shared.read(offsets, shared.spool, run).stream == have
        if have:
            assert shared.spool.path(run).read_bytes()[:have] == content[:have]


def test_gaps_are_on_record_and_sparse(store):
    run = put_run(store)
    assert store.write(store.spool.append, run, 0, b"head\n") == 5
    with pytest.raises(Conflict):
        store.write(store.spool.append, run, 1 << 40, b"tail\n")
    with pytest.raises(Conflict):
        store.write(store.spool.add_gap, run, 7, 9)
    assert store.write(store.spool.add_gap, run, 0, 4) == 5
    far = 1 << 30
    assert store.write(store.spool.add_gap, run, 5, far) == far
    assert store.write(store.spool.add_gap, run, 5, far) == far
    assert store.write(store.spool.add_gap, run, far, far + 10) == far + 10
    assert store.write(store.spool.append, run, far + 10, b"tail\n") == far + 15
    assert store.read(spool.gaps, run) == [(5, far + 10)]
    assert store.read(offsets, store.spool, run).stream == far + 15
    path = store.spool.path(run)
    assert path.stat().st_blocks * 512 < 1 << 20
    with open(path, "rb") as opened:
        assert opened.read(6) == b"head\n\0"
        opened.seek(far + 10)
        assert opened.read() == b"tail\n"


def test_a_spool_that_lost_its_end_is_fetched_again(store):
    run = put_run(store)
    store.write(store.spool.append, run, 0, b"0123456789")
    os.truncate(store.spool.path(run), 4)
    assert store.read(offsets, store.spool, run).stream == 4
    assert store.write(store.spool.append, run, 4, b"456789") == 10
    store.spool.path(run).unlink()
    assert store.read(offsets, store.spool, run).stream == 0


def test_which_part_of_the_stream_is_new(store):
    run = put_run(store)
    assert store.read(store.spool.since, run, 60) == 0
    store.write(store.spool.append, run, 0, b"old\n")
    store.write(store.spool.append, run, 4, b"old too\n")
    assert store.read(store.spool.since, run, 60) == 0
    with store._db.write() as change:
        change.execute("UPDATE stream_marks SET time = time - 3600000000")
    assert store.read(store.spool.since, run, 60) == 12
    store.write(store.spool.append, run, 12, b"new\n")
    assert store.read(store.spool.since, run, 60) == 12
    assert store.read(store.spool.since, run, 1e300) == 0
