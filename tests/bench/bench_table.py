"""The table of runs: a page anywhere, another order, the page after it, at 1,000, 10,000, 100,000 runs."""

from __future__ import annotations

import random
import tempfile
import time
from array import array
from collections.abc import Callable
from pathlib import Path

from tests.bench.bench_store import fill_runs
from tests.bench.report import Row, alternate
from workbench.store.blocking_store import Store
from workbench.store.lists import run_table
from workbench.store.lists.run_table import read_columns
from workbench.store.metrics import chunks
from workbench.store.queries.orders import Orders
from workbench.store.queries.query import RunQuery

POINTS = 200
PAGE = 50
COLUMNS = read_columns(None)
FILTERED = "filtered by a metric and a param, newest first"


def run() -> list[Row]:
    """All rows; everything is written below one temporary folder."""
    with tempfile.TemporaryDirectory(prefix="bench-table-") as place:
        store = Store.open(Path(place))
        try:
            return _rows(store)
        finally:
            store.close()


def _rows(store: Store) -> list[Row]:
    rows: list[Row] = []
    first: list[float] = []
    have = 0
    for size in (1_000, 10_000, 100_000):
        fill_runs(store, have + 1, size - have)
        _series(store, have + 1, size - have)
        have = size
        middle = size // 2
        measures = {
            f"page of {PAGE}, newest first": _page(store),
            "page in the middle": _page(store, offset=middle),
            "sorted by name": _page(store, anew=True, order="name"),
            "next page by name": _page(store, order="name", offset=middle),
            "first page by best value": _page(store, order="best", experiment="bench"),
            "nothing fits a text": _page(store, anew=True, text="no such run"),
            FILTERED: _page(store, filter="acc>0.3 lr=1e-3"),
            f"{FILTERED}: how many fit, after the page": _count(store, "acc>0.3 lr=1e-3"),
        }
        times = alternate(list(measures.values()), 9)
        first = first or times
        for what, figure, base in zip(measures, times, first, strict=True):
            sorts = what.startswith(("sorted", "nothing")) or what.endswith("after the page")
            rows.append(
                Row(
                    f"table of {size:,} runs with sparklines: {what}",
                    figure,
                    "ms",
                    "<= 100 ms at 100,000" if sorts else "<= 15 ms at 100,000",
                    f"the same of 1,000: {base:.2g} ms",
                    figure / base,
                )
            )
    return rows


def _page(
    store: Store,
    *,
    anew: bool = False,
    order: str = "created",
    offset: int = 0,
    experiment: str | None = None,
    text: str | None = None,
    filter: str | None = None,
) -> Callable[[], float]:
    """What measures one page in ms; anew: no order is kept from before."""
    query = RunQuery(order=order, offset=offset, experiment=experiment, text=text, filter=filter, limit=PAGE)

    def measure() -> float:
        if anew:
            store.orders = Orders()
        begin = time.perf_counter()
        store.read(run_table.page, store.orders, query, COLUMNS)
        return (time.perf_counter() - begin) * 1000

    return measure


def _count(store: Store, filter: str) -> Callable[[], float]:
    """What measures the count of all runs that fit, in ms."""

    def measure() -> float:
        begin = time.perf_counter()
        store.read(store.orders.count, RunQuery(filter=filter))
        return (time.perf_counter() - begin) * 1000

    return measure


def _series(store: Store, first: int, count: int) -> None:
    """A series of POINTS for each run, straight into the tables."""
    chance = random.Random(first)
    data = [
        chunks.pack(
            chunks.Columns(
                array("q", range(POINTS)),
                array("d", (1.7e9 + at for at in range(POINTS))),
                array("d", (chance.random() for _ in range(POINTS))),
            )
        )
        for _ in range(16)
    ]
    numbers = range(first, first + count)
    with store._db.write() as change:
        change.execute("UPDATE experiments SET primary_metric = 'val_loss'")
        change.executemany(
            "INSERT INTO series (id, run, name, rank, attempt, file, points, chunks, low, high, next_step,"
            " last, min, max, nan_count, last_time, ordered) VALUES (?1, ?1, 'val_loss', 0, 1, 'f', ?2, 0, 0,"
            " ?2 - 1, ?2, 0.5, 0.0, 1.0, 0, 1.7e9, 1)",
            [(number, POINTS) for number in numbers],
        )
        change.executemany(
            "INSERT INTO tails (series, data) VALUES (?, ?)",
            [(number, data[number % len(data)]) for number in numbers],
        )
