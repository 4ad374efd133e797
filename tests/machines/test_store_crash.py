"""A store whose process is killed at any moment, or whose disk fills: what is committed agrees, always."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from functools import cache
from pathlib import Path

import pytest

from tests.store_making import FILE, header, lines, metric, open_store, put_run, run_id, step
from workbench.entities.run import RunState
from workbench.store.arriving.offsets import offsets
from workbench.store.metrics import series, summaries
from workbench.store.runs import run_rows, run_status
from workbench.store.sqlite import events

ROOT = Path(__file__).resolve().parents[2]
POINTS = 200_000
STATES = [RunState.PREPARING, RunState.QUEUED, RunState.RUNNING, RunState.FINALIZING]

WRITER = """
    import sys
    from pathlib import Path
    from tests.machines.test_store_crash import write_on
    write_on(Path(sys.argv[1]))
"""


@cache
def content() -> bytes:
    """The record file of the run: its header, then POINTS points of two metrics."""
    records = [metric("loss" if n % 2 else "acc", n // 2, None, n * 0.001) for n in range(POINTS)]
    return lines([header(), *records])


def stream(offset: int, size: int) -> bytes:
    """Bytes of the run's output: each line tells where it starts."""
    first = offset // 16
    text = b"".join(b"%015d\n" % (n * 16) for n in range(first, (offset + size) // 16 + 1))
    return text[offset - first * 16 :][:size]


def write_on(place: Path) -> None:
    """Do what a follower does from where the store stands, until killed or all is written."""
    store = open_store(place)
    run, records = run_id(), content()
    print("ready", flush=True)
    chance = random.Random()
    while True:
        have = store.read(offsets, store.spool, run)
        start = have.records.get(FILE, 0)
        if start >= len(records):
            break
        store.write(
            store.intake.take, run, FILE, start, records[start : start + chance.randrange(200, 60_000)]
        )
        store.write(store.spool.append, run, have.stream, stream(have.stream, chance.randrange(1, 30_000)))
        seq = have.seq + 1
        store.write(run_status.apply, run, [step(seq, STATES[seq % 4])], as_of=step(seq, STATES[0]).time)
    store.close()


def check(place: Path) -> int:
    """Every figure of the store agrees with every other; returns how much of the records is in."""
    store = open_store(place)
    with store._db.read() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    run = run_id()
    have = store.read(offsets, store.spool, run)
    done = have.records.get(FILE, 0)
    taken = max(0, content()[:done].count(b"\n") - 1)
    for name, expected in (("acc", (taken + 1) // 2), ("loss", taken // 2)):
        if expected:
            steps, _, values = store.read(series.columns, run, name)
            assert list(steps) == list(range(expected))
            assert list(values) == [float(n) for n in range(expected)]
            row = store.read(run_rows.get, run).metrics[name]
            assert (row.count, row.last) == (expected, float(expected - 1))
            assert sum(bucket.count for bucket in store.read(summaries.envelope, run, name, 50)) == expected
    if have.stream:
        with open(store.spool.path(run), "rb") as spool:
            assert spool.read(have.stream) == stream(0, have.stream)
    known = store.read(run_status.transitions, run)
    assert [item.seq for item in known] == list(range(1, have.seq + 1))
    if known:
        assert store.read(run_rows.get, run).status is known[-1].state
    told = [
        event.data["seq"]
        for event in store.read(events.after, limit=100_000)
        if event.kind == "RunStatusChanged"
    ]
    assert told == [item.seq for item in known]
    store.close()
    return done


def start(place: Path) -> subprocess.Popen[bytes]:
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    argv = [sys.executable, "-c", textwrap.dedent(WRITER), str(place)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, env=environment, cwd=place)


def test_killing_the_writer_at_any_moment_is_harmless(tmp_path):
    """kill -9 again and again; each time offsets and data agree, and in the end everything is there once."""
    store = open_store(tmp_path)
    put_run(store)
    store.close()
    chance = random.Random(20)
    progress = [0]
    for _ in range(12):
        writer = start(tmp_path)
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0.0, 0.15))
        finally:
            writer.send_signal(signal.SIGKILL)
            writer.communicate()
        progress.append(check(tmp_path))
    assert progress == sorted(progress)
    assert any(0 < done < len(content()) for done in progress), "no kill came while it was writing"
    writer = start(tmp_path)
    try:
        writer.communicate(timeout=200)
        assert writer.returncode == 0
    finally:
        writer.kill()
        writer.wait()
    assert check(tmp_path) == len(content())


LIMITED = """
    import resource, signal, sys
    from pathlib import Path
    from tests.store_making import open_store, run_id
    from workbench.errors import StoreError
    from workbench.store.arriving.offsets import offsets
    store = open_store(Path(sys.argv[1]))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit = 300_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        for offset in range(0, 2_000_000, 50_000):
            store.write(store.spool.append, run_id(), offset, b"y" * 50_000)
    except StoreError as problem:
        kept = store.read(offsets, store.spool, run_id()).stream
        print(problem.message, "|", problem.hint, "|", kept, flush=True)
"""


def test_a_spool_that_cannot_grow_keeps_what_it_has(tmp_path):
    """A file size limit stands for the full disk: the same error, at the same place."""
    store = open_store(tmp_path)
    put_run(store)
    store.close()
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    argv = [sys.executable, "-c", textwrap.dedent(LIMITED), str(tmp_path)]
    told = subprocess.run(argv, env=environment, check=True, capture_output=True, timeout=120).stdout.decode()
    message, hint, kept = told.strip().split(" | ")
    assert "spool would be larger" in message
    assert "ulimit" in hint
    store = open_store(tmp_path)
    assert store.read(offsets, store.spool, run_id()).stream == int(kept) == 300_000
    assert store.write(store.spool.append, run_id(), 300_000, b"z") == 300_001
    store.close()


FULL_DISK = """
import sys
from pathlib import Path
from tests.store_making import FILE, header, lines, metric, open_store, put_run
from workbench.errors import StoreError
from workbench.store.metrics import tables
from workbench.store.arriving.offsets import offsets
store = open_store(Path(sys.argv[1]))
run = put_run(store)
filler = open(Path(sys.argv[1]) / "filler", "wb", buffering=0)
store.write(store.intake.take, run, FILE, 0, lines([header(), metric("loss", 1)]))
full = 0
try:
    while True:
        filler.write(b"f" * 4096)
except OSError:
    pass
for _ in range(3):
    before = store.read(offsets, store.spool, run)
    try:
        records = [{"k": "row", "n": "t", "v": {"a": "x" * 7000}}] * 200
        store.write(store.intake.take, run, FILE, before.records[FILE], lines(records))
    except StoreError as problem:
        assert "disk full" in problem.message, problem.message
        full += 1
    assert store.read(offsets, store.spool, run) == before
assert store.read(tables.rows, run) == {}
filler.truncate(0)
store.write(store.intake.take, run, FILE, before.records[FILE], lines(records[:10]))
assert len(store.read(tables.rows, run)["t"]["a"]) == 10
store.close()
print("full", full)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="mounting a small disk needs root")
def test_a_disk_that_is_really_full(tmp_path):
    """A file system of 2 MB, in a mount namespace of its own."""
    small = tmp_path / "small"
    small.mkdir()
    mount = 'mount -t tmpfs -o size=2m none "$1" && exec "$2" -c "$3" "$1"'
    argv = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        mount,
        "sh",
        str(small),
        sys.executable,
        FULL_DISK,
    ]
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    try:
        told = subprocess.run(argv, env=environment, capture_output=True, timeout=120)
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    if b"mount:" in told.stderr or b"unshare:" in told.stderr:
        pytest.skip("mounting is not allowed here")
    assert told.stdout.decode().strip() == "full 3", told.stderr.decode()
