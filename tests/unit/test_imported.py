"""Imported runs are found by their source, however many other runs there are."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from tests.faces.fixed_runs import NOW, make_run
from tests.store_making import put_run
from workbench.runs.imported_files import begin_file
from workbench.store.arriving import imported
from workbench.store.blocking_store import Store
from workbench.store.metrics.plain_view import SeriesRow, counting
from workbench.text.states import IMPORTED
from workbench.text.style import Look
from workbench.views.run_page import page


def test_a_run_is_found_by_its_source_through_an_index_of_its_own(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path)) as store:
        put_run(store, 1)
        mine = put_run(store, 2, id=imported.identity(1_700_000_000_000, "/logs/a"), target=IMPORTED)
        assert store.read(imported.find, "/logs/a") == mine
        assert store.read(imported.find, "/logs/b") is None
        plan = store.read(
            lambda connection: connection.execute(f"EXPLAIN QUERY PLAN {imported.FIND}", ("x",)).fetchall()
        )
        assert ["runs_imported" in row[-1] for row in plan] == [True]


def test_the_page_of_an_imported_run_says_nothing_of_code_and_outputs_nobody_asked_for() -> None:
    asked = {"snapshot_code": False, "collect_outputs": False}
    for target, told in (("gpu1", {"snapshot", "outputs"}), (IMPORTED, set())):
        lines = page(make_run(1, "otter", target=target, **asked), {}, [], NOW, Look(80))
        assert {line.split()[0] for line in lines if line} & {"snapshot", "outputs"} == told


def test_another_content_of_a_log_takes_the_place_of_the_one_before() -> None:
    kept: dict[str, Any] = {}
    begin_file("/logs/my run/m.csv", kept)
    first = kept["file"]
    begin_file("/logs/my run/m.csv", kept)
    other: dict[str, Any] = {}
    begin_file("/logs/other/m.csv", other)
    rows = [
        SeriesRow(at, "loss", 0, 1, file, 1, 1, 1, 1, 2, 0.5, 0.5, 0.5, 0, 0.0, True, 0)
        for at, file in enumerate([first, kept["file"], other["file"]])
    ]
    assert [row.id for row in counting(rows)] == [1, 2]


def test_a_run_imported_when_contents_were_attempts_stays_with_it() -> None:
    kept = {"file": "records/import-2-m-csv.jsonl", "attempt": 2, "offset": 9}
    begin_file("/logs/m.csv", kept)
    assert kept == {"file": "records/import-3-m-csv.jsonl", "attempt": 3, "offset": 0}
