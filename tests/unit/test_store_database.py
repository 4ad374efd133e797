"""The database file: opened, migrated, shared between threads, and what happens when it cannot be."""

from __future__ import annotations

import gc
import sqlite3
import threading

import pytest

from tests.store_making import NOW, feed, header, make_run, metric, open_store, put_run, run_id
from workbench.entities.configuration import RunConfiguration
from workbench.errors import StoreError, StoreTooNew
from workbench.store.arriving.offsets import offsets
from workbench.store.metrics import series, tables
from workbench.store.queries.query import RunQuery
from workbench.store.runs import kept_runs, run_rows
from workbench.store.sqlite import database, events, migrations
from workbench.store.sqlite.schema import STEPS


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def in_thread(call):
    """What call returns or raises, in a thread of its own."""
    found = []

    def run():
        try:
            found.append(call())
        except BaseException as problem:
            found.append(problem)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


def test_a_store_is_private_and_comes_back(tmp_path):
    store = open_store(tmp_path)
    put_run(store)
    assert store.directory.stat().st_mode & 0o777 == 0o700
    assert (store.directory / "workbench.db").stat().st_mode & 0o777 == 0o600
    store.close()
    store.close()
    with pytest.raises(StoreError):
        store.read(run_rows.get, run_id())
    again = open_store(tmp_path)
    assert again.read(run_rows.get, run_id()) == make_run()
    again.close()


def test_a_newer_database_is_refused_in_words(tmp_path):
    store = open_store(tmp_path)
    store.close()
    path = store.directory / "workbench.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreTooNew) as caught:
        open_store(tmp_path)
    assert "upgrade" in caught.value.hint
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"this is no database, but a text that is long enough" * 50, b"SQLite format 3\0" * 99]
)
def test_a_damaged_database_is_refused_in_words(tmp_path, content):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "workbench.db").write_bytes(content)
    with pytest.raises(StoreError, match="damaged") as caught:
        open_store(tmp_path)
    assert caught.value.hint


def test_another_programs_database_is_left_alone(tmp_path):
    (tmp_path / "store").mkdir()
    connection = sqlite3.connect(tmp_path / "store" / "workbench.db")
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    with pytest.raises(StoreError, match="another program"):
        open_store(tmp_path)


STEP_ONE = ("CREATE TABLE a (x INTEGER)", "INSERT INTO a VALUES (1)")
STEP_TWO = ("ALTER TABLE a ADD COLUMN y INTEGER", "UPDATE a SET y = x + 1")


def test_migrations_go_step_by_step(tmp_path):
    path = tmp_path / "m.db"
    connection = database.connect(path)
    assert migrations.migrate(connection, path, (STEP_ONE,)) == 1
    assert migrations.migrate(connection, path, (STEP_ONE, STEP_TWO)) == 1
    assert migrations.migrate(connection, path, (STEP_ONE, STEP_TWO)) == 0
    assert connection.execute("SELECT x, y FROM a").fetchall() == [(1, 2)]
    with pytest.raises(StoreTooNew):
        migrations.migrate(connection, path, (STEP_ONE,))
    connection.close()


def test_a_migration_that_fails_changes_nothing(tmp_path):
    path = tmp_path / "m.db"
    connection = database.connect(path)
    migrations.migrate(connection, path, (STEP_ONE,))
    with pytest.raises(sqlite3.Error):
        migrations.migrate(connection, path, (STEP_ONE, (*STEP_TWO, "CREATE NONSENSE")))
    assert connection.execute("SELECT * FROM a").fetchall() == [(1,)]
    assert migrations.version(connection) == 1
    connection.close()


def test_many_may_open_a_new_store_at_once(tmp_path):
    def work():
        store = open_store(tmp_path)
        store.write(kept_runs.next_number)
        store.close()

    found = []
    threads = [threading.Thread(target=lambda: found.append(in_thread(work))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [None] * 6
    store = open_store(tmp_path)
    assert store.write(kept_runs.next_number) == 7
    store.close()


def test_one_thread_writes_and_any_may_read(store):
    put_run(store)
    for write in (
        lambda: store.write(kept_runs.next_number),
        lambda: store.write(kept_runs.tag, run_id(), {"a": None}),
        lambda: store.write(store.spool.append, run_id(), 0, b"x"),
        lambda: feed(store, run_id(), [header()]),
    ):
        problem = in_thread(write)
        assert isinstance(problem, StoreError)
        assert "thread" in problem.message
    assert not store.spool.path(run_id()).exists()
    assert in_thread(lambda: store.read(run_rows.get, run_id())) == store.read(run_rows.get, run_id())
    assert in_thread(lambda: len(store.read(kept_runs.find, RunQuery()))) == 1


def test_a_reader_sees_whole_changes_only(store):
    put_run(store)
    with store._db.write() as change:
        change.execute("UPDATE runs SET name = 'half'")
        assert in_thread(lambda: store.read(run_rows.get, run_id()).name) == "calm-otter-1"
    assert in_thread(lambda: store.read(run_rows.get, run_id()).name) == "half"


def test_connections_of_ended_threads_are_closed(store):
    for _ in range(5):
        in_thread(lambda: store.read(kept_runs.find, RunQuery()))
    gc.collect()
    assert len(store._db._readers) == 0


def test_a_change_and_its_events_are_one(store):
    put_run(store)
    heard = []
    store.on_events = heard.extend
    before = store.read(events.last_sequence)

    def broken():
        with store._db.write() as change:
            change.event("RunChanged", "x", {})
            change.execute("DELETE FROM runs")
            raise RuntimeError("on the way")

    with pytest.raises(RuntimeError):
        broken()
    assert heard == []
    assert store.read(events.last_sequence) == before
    assert store.read(run_rows.get, run_id())
    store.write(kept_runs.tag, run_id(), {"a": None})
    assert [event.sequence for event in heard] == [before + 1]


def test_listeners_may_read_the_store(store):
    seen = []
    store.on_events = lambda news: seen.append((news[-1].kind, len(store.read(kept_runs.find, RunQuery()))))
    put_run(store)
    assert seen == [("RunCreated", 1)]


def test_another_process_holding_the_database_is_said_in_words(store, monkeypatch):
    store._db._writer.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(store.directory / "workbench.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked") as caught:
        store.write(kept_runs.next_number)
    assert caught.value.hint
    other.execute("ROLLBACK")
    other.close()
    assert store.write(kept_runs.next_number) == 1


def test_a_full_disk_is_said_in_words_and_leaves_nothing_half(store):
    """SQLite's own limit on pages answers exactly as a full disk does."""
    run = put_run(store)
    feed(store, run, [header(), metric("loss", 1)])
    heard = []
    store.on_events = heard.extend
    pages = store._db._writer.execute("PRAGMA page_count").fetchone()[0]
    store._db._writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    before = (
        store.read(run_rows.get, run),
        store.read(offsets, store.spool, run),
        store.read(events.last_sequence),
        store.read(tables.rows, run),
    )
    big = [header(), *({"k": "row", "n": "t", "v": {"a": "x" * 5000}} for _ in range(20)), metric("loss", 2)]
    with pytest.raises(StoreError, match="disk full") as caught:
        feed(store, run, big)
    assert caught.value.hint
    with pytest.raises(StoreError, match="disk full"):
        store.write(kept_runs.insert, make_run(2), RunConfiguration(command="x" * 100_000))
    assert (
        store.read(run_rows.get, run),
        store.read(offsets, store.spool, run),
        store.read(events.last_sequence),
        store.read(tables.rows, run),
    ) == before
    assert heard == []
    store._db._writer.execute("PRAGMA max_page_count = 1000000")
    feed(store, run, big[1:])
    assert len(store.read(tables.rows, run)["t"]["a"]) == 20
    assert list(store.read(series.columns, run, "loss").values) == [1.0, 2.0]


def test_times_are_kept_to_the_microsecond(store):
    created = NOW.replace(microsecond=123457)
    store.write(kept_runs.insert, make_run(created=created), RunConfiguration(command="true"))
    assert store.read(run_rows.get, run_id()).created == created
