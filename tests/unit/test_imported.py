"""Imported runs are found by their source, however many other runs there are."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from tests.store_making import put_run
from workbench.store.arriving import imported
from workbench.store.blocking_store import Store


def test_a_run_is_found_by_its_source_through_an_index_of_its_own(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path)) as store:
        put_run(store, 1)
        mine = put_run(store, 2, id=imported.identity(1_700_000_000_000, "/logs/a"), target=imported.TARGET)
        assert store.read(imported.find, "/logs/a") == mine
        assert store.read(imported.find, "/logs/b") is None
        plan = store.read(
            lambda connection: connection.execute(f"EXPLAIN QUERY PLAN {imported.FIND}", ("x",)).fetchall()
        )
        assert ["runs_imported" in row[-1] for row in plan] == [True]
