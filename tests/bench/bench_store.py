"""The store: taking records in, bytes a point, a long history, its picture, searching many runs."""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.report import Row, alternate
from workbench.entities.configuration import RunConfiguration
from workbench.entities.identity import make_run_id
from workbench.entities.run import Run
from workbench.store.blocking_store import Store
from workbench.store.metrics import series, summaries
from workbench.store.metrics.summaries import Selection
from workbench.store.queries.query import RunQuery
from workbench.store.runs import kept_runs

BATCH = 1000
NAMES = 4
SEARCHED = "metrics.acc > 0.3 and params.lr = '1e-3'"
START = datetime(2026, 1, 1, tzinfo=UTC)


def run() -> list[Row]:
    """All rows; everything is written below one temporary folder."""
    with tempfile.TemporaryDirectory(prefix="bench-store-") as place:
        folder = Path(place)
        return [*_ingest(folder), *_growth(folder), *_search(folder)]


def _run(number: int) -> Run:
    created = START + timedelta(seconds=number)
    return Run(
        id=make_run_id(int(created.timestamp() * 1000), number.to_bytes(10, "big")),
        name=f"run-{number}",
        experiment="bench",
        target="local",
        created=created,
    )


def records(points: int, names: int, first: int = 0) -> list[bytes]:
    """Record lines in batches: points of each of names, as a run writes them, without the header."""
    noise = random.Random(first)
    batches = []
    for start in range(first, first + points, BATCH // names):
        lines = [
            b'{"k":"metric","n":"m%d","v":%s,"s":%d,"t":%s}\n'
            % (name, repr(noise.random()).encode(), step, repr(round(step * 0.01, 4)).encode())
            for step in range(start, min(start + BATCH // names, first + points))
            for name in range(names)
        ]
        batches.append(b"".join(lines))
    return batches


HEADER = b'{"k":"header","v":1,"attempt":1,"rank":0,"pid":7,"wall":1760000000.0,"mono":0.0}\n'


class Feeder:
    """Feeds one run's record file, batch by batch."""

    def __init__(self, store: Store, number: int) -> None:
        self.store = store
        self.run = store.write(kept_runs.insert, _run(number), RunConfiguration(command="true"))[0].id
        self.offset = 0
        self.feed([HEADER])

    def feed(self, batches: list[bytes]) -> float:
        """Seconds it took."""
        begin = time.perf_counter()
        for batch in batches:
            self.store.write(self.store.intake.take, self.run, "records/1-a.jsonl", self.offset, batch)
            self.offset += len(batch)
        return time.perf_counter() - begin


def long_series(store: Store, points: int) -> str:
    """A run with one series, m0, of so many points; its id."""
    feeder = Feeder(store, 1)
    feeder.feed(records(points, 1))
    return feeder.run


def _plain_sqlite(path: Path) -> Callable[[int], float]:
    """A table with one row a point and an index, as trackers have: what the ingest is compared with."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE metrics (run TEXT, name TEXT, value REAL, time INTEGER, step INTEGER)")
    connection.execute("CREATE INDEX metrics_run ON metrics (run, name, step)")
    done = 0

    def insert(points: int) -> float:
        nonlocal done
        begin = time.perf_counter()
        for start in range(done, done + points, BATCH // NAMES):
            connection.execute("BEGIN IMMEDIATE")
            rows = [
                ("01JGFJJZ000000000000000000", f"m{name}", step * 0.1, 1760000000000 + step, step)
                for step in range(start, start + BATCH // NAMES)
                for name in range(NAMES)
            ]
            connection.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?)", rows)
            connection.execute("COMMIT")
        done += points
        return time.perf_counter() - begin

    return insert


def _ingest(folder: Path) -> list[Row]:
    points = 25_000
    store = Store.open(folder / "ingest")
    feeder = Feeder(store, 1)
    plain = _plain_sqlite(folder / "plain.db")
    fed = 0

    def ours() -> float:
        nonlocal fed
        batches = records(points, NAMES, fed)
        fed += points
        return points * NAMES / feeder.feed(batches)

    figure, reference = alternate([ours, lambda: points * NAMES / plain(points)], 7)
    store.close()
    size = (folder / "ingest" / "workbench.db").stat().st_size / (fed * NAMES)
    plain_size = (folder / "plain.db").stat().st_size / (fed * NAMES)
    return [
        Row(
            "records into the store, parsing included, batches of 1000",
            figure,
            "points/s",
            ">= 250,000 points/s",
            f"SQLite, a row a point, no parsing: {reference:,.0f} points/s",
            figure / reference,
        ),
        Row(
            "size of a point on disk",
            size,
            "B",
            "<= 30 B",
            f"SQLite, a row a point: {plain_size:.0f} B",
            size / plain_size,
        ),
    ]


def milliseconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return (time.perf_counter() - begin) * 1000


OVER_TIME = Selection(x=summaries.TIME)


def _growth(folder: Path) -> list[Row]:
    """One series of 10,000, 100,000, 1,000,000 points: whole, as a picture, and one more batch for it."""
    store = Store.open(folder / "growth")
    feeder = Feeder(store, 1)
    rows: list[Row] = []
    have = 0
    first: dict[str, float] = {}
    for size in (10_000, 100_000, 1_000_000):
        feeder.feed(records(size - have, 1, have))
        have = size
        more = 200
        history, picture, timed = alternate(
            [
                lambda: milliseconds(lambda: store.read(series.columns, feeder.run, "m0")),
                lambda: milliseconds(lambda: store.read(summaries.envelope, feeder.run, "m0", 500)),
                lambda: milliseconds(
                    lambda: store.read(summaries.envelope, feeder.run, "m0", 500, OVER_TIME)
                ),
            ],
            7,
        )
        batch = feeder.feed(records(more, 1, have)) * 1000
        have += more
        figures = {
            "history, whole": (history, "<= 100 ms at 1,000,000"),
            "picture, 500 buckets": (picture, "<= 5 ms at 1,000,000"),
            "picture over time": (timed, "<= 30 ms at 1,000,000"),
            f"{more} more points": (batch, "does not grow"),
        }
        for what, (figure, budget) in figures.items():
            base = first.setdefault(what, figure)
            rows.append(
                Row(
                    f"series of {size:,} points: {what}",
                    figure,
                    "ms",
                    budget,
                    f"the same at 10,000 points: {base:.2g} ms",
                    figure / base,
                )
            )
    store.close()
    return rows


def fill_runs(store: Store, first: int, count: int) -> None:
    """Runs with five params and six metrics each, straight into the tables: only the search is measured."""
    chance = random.Random(first)
    with store._db.write() as change:
        experiment = change.execute("SELECT number FROM experiments WHERE name = 'bench'").fetchone()
        if experiment is None:
            change.execute(
                "INSERT INTO experiments (id, name, created, tags, goal)"
                " VALUES ('x', 'bench', 0, '{}', 'minimize')"
            )
        runs = [(number, _run(number)) for number in range(first, first + count)]
        change.executemany(
            "INSERT INTO runs (number, id, name, experiment, target, status, created, attempt, gpus,"
            " warnings, archived) VALUES (?, ?, ?, 1, 'local', 'Completed', ?, 1, '[]', 0, 0)",
            [(number, run.id, run.name, int(run.created.timestamp() * 1e6)) for number, run in runs],
        )
        params = [
            (number, name, str(value), value)
            for number, _ in runs
            for name, value in (
                ("lr", chance.choice((1e-4, 3e-4, 1e-3, 3e-3))),
                ("seed", number),
                ("layers", chance.randrange(2, 24)),
                ("dropout", chance.choice((0.0, 0.1, 0.2))),
                ("width", chance.choice((256, 512, 1024))),
            )
        ]
        change.executemany("INSERT INTO run_params (run, name, value, number) VALUES (?, ?, ?, ?)", params)
        metrics = [
            (number, name, chance.random(), 100)
            for number, _ in runs
            for name in ("val_loss", "loss", "acc", "val_acc", "lr_now", "grad_norm")
        ]
        change.executemany(
            "INSERT INTO run_metrics (run, name, rank, last, min, max, count, last_step)"
            " VALUES (?1, ?2, 0, ?3, ?3, ?3, ?4, ?4)",
            metrics,
        )


def _search(folder: Path) -> list[Row]:
    store = Store.open(folder / "search")
    rows: list[Row] = []
    have = 0
    first: list[float] = []
    for size in (1_000, 10_000, 100_000):
        fill_runs(store, have + 1, size - have)
        have = size
        wide, narrow, either = (
            RunQuery(experiment="bench", filter=said, order="metric:val_loss", limit=100)
            for said in (SEARCHED, "acc>0.3 seed<500", "not (acc>0.3 or lr=1e-3) seed IS NOT NULL")
        )
        recent = RunQuery(experiment="bench", limit=100)
        times = alternate(
            [
                lambda q=q: milliseconds(lambda: store.read(kept_runs.find, q))
                for q in (wide, narrow, either, recent)
            ],
            9,
        )
        kinds = (
            "by a metric, a quarter fits",
            "by a metric, few fit",
            "by a metric, with OR and NOT",
            "newest first, no condition",
        )
        first = first or times
        for what, figure, base in zip(kinds, times, first, strict=True):
            rows.append(
                Row(
                    f"first 100 of {size:,} runs with params and metrics: {what}",
                    figure,
                    "ms",
                    "<= 15 ms at 100,000",
                    f"the same of 1,000: {base:.2g} ms",
                    figure / base,
                )
            )
    store.close()
    return rows
