"""An MLflow store that was cut short anywhere: what is there is read, nothing is read that never was."""

from __future__ import annotations

import random
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.machines.inside import interpreters
from tests.unit.reading import DATA
from workbench.compute.payload import build_payload
from workbench.remote.readers import mlflow_cut, mlflow_database
from workbench.remote.readers.entries import Entry

REAL = DATA / "mlflow.db"


def entries(path: Path, run: str) -> list[Entry]:
    found: list[Entry] = []
    state = {"run": run}
    while True:
        reading = mlflow_database.read(str(path), state)
        found += reading.entries
        state = reading.state
        if not reading.more:
            return found


def plain(found: list[Entry]) -> set[str]:
    return {repr(one) for one in found}


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """The real store with more points than one level of pages holds, and texts that go on in pages of their own."""
    path = tmp_path / "large.db"
    path.write_bytes(REAL.read_bytes())
    (run, *_) = [one.run for one in mlflow_database.runs(str(path))]
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM tags WHERE key LIKE 'long%'")
    points = [(f"m{n % 7}", n / 3, 1_700_000_000_000 + n, run, n, 0) for n in range(60_000)]
    connection.executemany(
        "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)",
        points,
    )
    texts = [(f"long{n}", f"{n:04}" * 2000, run) for n in range(40)]
    connection.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", texts)
    connection.commit()
    connection.close()
    return path


def test_a_real_store_cut_at_every_place_that_matters(tmp_path: Path) -> None:
    data = REAL.read_bytes()
    whole = {one.run: plain(entries(REAL, one.run)) for one in mlflow_database.runs(str(REAL))}
    file = tmp_path / "mlflow.db"
    places = {page + at for page in range(0, len(data), 512) for at in (-1, 0, 1, 100, 300)}
    read = 0
    for place in sorted(one for one in places if 0 < one < len(data)):
        file.write_bytes(data[:place])
        try:
            runs = mlflow_database.runs(str(file))
        except OSError:
            continue
        for one in runs:
            reading = mlflow_database.read(str(file), {"run": one.run})
            assert "cut short" in reading.trouble
            assert plain(reading.entries) <= whole[one.run], place
            read += 1
    assert read > 0


def test_the_bytes_that_lack_are_not_taken_for_zeros(large: Path) -> None:
    """SQLite itself would: the number of pages is right as long as the last one has begun."""
    (run, *_) = [one.run for one in mlflow_database.runs(str(large))]
    whole = plain(entries(large, run))
    data = large.read_bytes()
    for lacking in (1, 5, 100, 4000):
        large.write_bytes(data[:-lacking])
        assert plain(entries(large, run)) < whole


@pytest.mark.parametrize("share", [0.95, 0.6, 0.2])
def test_what_is_there_is_read_in_several_looks(
    share: float, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run, *_) = [one.run for one in mlflow_database.runs(str(large))]
    whole, data = plain(entries(large, run)), large.read_bytes()
    large.write_bytes(data[: int(len(data) * share)])
    once = mlflow_database.read(str(large), {"run": run})
    monkeypatch.setattr(mlflow_database, "MOST_POINTS", 997)
    found, state, troubles = [], {"run": run}, []
    while True:
        reading = mlflow_database.read(str(large), state)
        found += reading.entries
        troubles.append(reading.trouble)
        state = reading.state
        if not reading.more:
            break
    assert plain(found) <= whole
    assert len(found) == len(plain(found)), "each once"
    if len(once.entries) < 50_000:
        assert plain(found) == plain(once.entries)
        assert troubles[-1] == once.trouble
    assert "of metrics" in troubles[-1]
    assert not any(troubles[:-1])
    again = mlflow_database.read(str(large), state)
    assert (again.entries, again.trouble) == ([], "")
    large.write_bytes(data)
    anew = mlflow_database.read(str(large), state)
    assert anew.again, "it is whole now: what was read of its pieces is replaced"


def test_bytes_changed_in_a_store_that_is_cut_raise_nothing_else(tmp_path: Path) -> None:
    chance, data = random.Random(1), REAL.read_bytes()
    file = tmp_path / "mlflow.db"
    for _ in range(150):
        piece = bytearray(data[: chance.randrange(len(data) // 2, len(data))])
        for _ in range(12):
            piece[chance.randrange(100, len(piece))] = chance.randrange(256)
        file.write_bytes(piece)
        try:
            for one in mlflow_database.runs(str(file)):
                mlflow_database.read(str(file), {"run": one.run})
        except OSError:
            continue


def test_a_store_with_a_journal_is_left_to_sqlite(large: Path) -> None:
    """Its writer may be in the middle of it: what looks cut then is not."""
    large.write_bytes(large.read_bytes()[:-10_000])
    Path(f"{large}-wal").touch()
    assert mlflow_cut.opened(str(large)) is None


@pytest.mark.parametrize("python", interpreters())
def test_under_every_python_of_a_machine(python: str, tmp_path: Path, large: Path) -> None:
    """How SQLite is asked what a table is made of differs: before 3.11 None did not lift an authorizer."""
    payload = tmp_path / "payload.pyz"
    payload.write_bytes(build_payload().data)
    large.write_bytes(large.read_bytes()[:-10_000])
    words = (
        "import sys; from workbench.remote.readers import mlflow_database as store;"
        "path = sys.argv[1]; runs = store.runs(path);"
        "print(len(runs), len(store.read(path, {'run': runs[0].run}).entries))"
    )
    argv = [python, "-c", words, str(large)]
    found = subprocess.check_output(
        argv, cwd=tmp_path, env={"PYTHONPATH": str(payload)}, text=True, timeout=60
    )
    runs = mlflow_database.runs(str(large))
    entries = mlflow_database.read(str(large), {"run": runs[0].run}).entries
    assert found.split() == [str(len(runs)), str(len(entries))]
    assert len(entries) > 1000
