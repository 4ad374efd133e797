"""Datastores and datasets from a script: registered, read as tables, given to runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from workbench import Dataset, Datastore, ScriptRunConfig, TabularDataset, Workspace, aio
from workbench.errors import Conflict, NotFound, UsageError
from workbench.home import Home, find_home

ROWS = "state,age,when\n" + "".join(
    f"{'CA' if n % 2 else 'NY'},{n},2026-01-{n + 1:02}T00:00:00\n" for n in range(20)
)


@pytest.fixture
def home(wb: Wb, server: SshServer) -> Home:
    attach(wb, server)
    return find_home(wb.environ)


@pytest.fixture
def workspace(home: Home) -> Iterator[Workspace]:
    with Workspace.open("default", embedded=False, home=home) as opened:
        yield opened


@pytest.fixture
def people(tmp_path: Path) -> Path:
    folder = tmp_path / "people"
    folder.mkdir()
    (folder / "rows.csv").write_text(ROWS)
    return folder


def test_tables_are_made_of_tables(people: Path) -> None:
    """AZ-49, AZ-50, AZ-53, AZ-54; AZ-47: nothing is registered, the source stays as it is."""
    table = Dataset.Tabular.from_delimited_files(people / "rows.csv")
    ages = [row["age"] for row in table.to_records()]
    assert ages == list(range(20))
    assert [row["age"] for row in table.skip(3).take(2).to_records()] == [3, 4]
    assert [row["age"] for row in table.filter("state = 'CA' and age > 15").to_records()] == [17, 19]
    assert list(table.keep_columns("age").take(1).to_records()[0]) == ["age"]
    assert list(table.drop_columns(["age", "when"]).take(1).to_records()[0]) == ["state"]
    first, rest = table.random_split(0.5, seed=3)
    assert sorted(row["age"] for part in (first, rest) for row in part.to_records()) == ages
    timed = table.with_timestamp_columns("when")
    assert [row["age"] for row in timed.time_between(datetime(2026, 1, 3), "2026-01-05").to_records()] == [
        2,
        3,
        4,
    ]
    assert [row["age"] for row in timed.time_before("2026-01-03", include_boundary=False).to_records()] == [
        0,
        1,
    ]
    assert timed.time_recent(timedelta(days=1)).to_records() == () or datetime.now() < datetime(2026, 2, 1)
    with pytest.raises(UsageError):
        table.time_before("2026-01-03")
    assert len(table.to_records()) == 20, "the source is as it was"
    with pytest.raises(UsageError):
        Dataset.Tabular.from_delimited_files(people / "nothing.csv").to_records()
    with pytest.raises(UsageError):
        Dataset.Tabular.from_delimited_files(["https://host.example/a.csv", str(people)])


def test_tables_of_queries(workspace: Workspace, tmp_path: Path) -> None:
    """AZ-47: a file of SQLite, and a datastore that is a database; read here, derived, kept."""
    path = tmp_path / "shop.db"
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE sales (day TEXT, price REAL)")
    base.executemany("INSERT INTO sales VALUES (?, ?)", [(f"2026-11-0{n % 3 + 1}", n) for n in range(9)])
    base.commit()
    base.close()
    query = "SELECT day, count(*) AS sold FROM sales GROUP BY day ORDER BY day"
    here = Dataset.Tabular.from_sql_query((path, query), set_column_types={"day": "datetime"})
    assert here.take(1).to_records() == ({"day": datetime(2026, 11, 1), "sold": 3},)
    with pytest.raises(UsageError, match="no such table"):
        Dataset.Tabular.from_sql_query((path, "SELECT * FROM absent")).to_records()
    shop = Datastore.register(workspace, "shop", "sql", f"sqlite:///{path}")
    sold = Dataset.Tabular.from_sql_query((shop, query), query_timeout=10).register(workspace, "sold")
    assert [row["sold"] for row in sold.to_records()] == [3, 3, 3]
    assert sold.to_pandas_dataframe()["sold"].sum() == 9
    assert sold.skip(1).register(workspace, "later").to_polars()["sold"].to_list() == [3, 3]
    kept = sold.snapshot("kept")
    with sqlite3.connect(path) as base:
        base.execute("DELETE FROM sales")
    assert sold.to_records() == ()
    again = Dataset.get_by_name(workspace, "kept")
    assert again.to_records() == kept.to_records()
    assert len(kept.to_records()) == 3
    with pytest.raises(Conflict):
        sold.snapshot("kept")


def test_datasets_are_registered_described_and_derived(workspace: Workspace, people: Path) -> None:
    """AZ-46, AZ-55, AZ-56, AZ-63."""
    table = Dataset.Tabular.from_delimited_files(str(people))
    first = table.register(workspace, "people", description="all", tags={"a": None})
    assert first.id == "people:1"
    with pytest.raises(Conflict):
        table.register(workspace, "people")
    assert table.register(workspace, "people", create_new_version=True).version == 2
    old = first.filter("age >= 10").register(workspace, "old-people")
    assert isinstance(old, TabularDataset)
    assert old.details["properties"]["workbench.derived_from"] == "people:1"
    found = Dataset.get_by_name(workspace, "old-people")
    assert isinstance(found, TabularDataset)
    assert [row["age"] for row in found.to_records()] == list(range(10, 20))
    assert found.take(1).to_records()[0]["state"] == "NY"
    assert set(workspace.datasets) == {"people", "old-people"}
    print_ = first.fingerprint(contents=True)
    assert (print_["files"], print_["content"]) == (1, True)
    first.add_tags({"b": "c"})
    first.remove_tags("a")
    first.update(description="**some**")
    assert (first.details["tags"], first.details["description"]) == ({"b": "c"}, "**some**")
    assert first.to_path() == ("rows.csv",)
    assert first.cached() == ()
    old.archive()
    assert set(Dataset.get_all(workspace)) == {"people"}
    assert set(Dataset.get_all(workspace, archived=True)) == {"people", "old-people"}
    old.reactivate()
    assert set(workspace.datasets) == {"people", "old-people"}
    old.unregister_all_versions()
    with pytest.raises(NotFound):
        Dataset.get_by_name(workspace, "old-people")
    with pytest.raises(NotFound):
        Dataset.get_by_name(workspace, "people", 9)


def test_a_datastore_is_filled_and_read(workspace: Workspace, people: Path, tmp_path: Path) -> None:
    """AZ-43, AZ-44, AZ-45."""
    assert set(workspace.datastores) == {"workspaceblobstore", "workspacefilestore"}
    store = workspace.get_default_datastore()
    assert store.upload(people, "in/people").files == 1
    again = store.upload(people, "in/people")
    assert (again.files, again.there) == (0, 1)
    assert store.browse("in")["folders"] == ["people"]
    made = Dataset.File.from_files(store.path("in/people/*.csv")).register(workspace, "kept")
    assert made.to_path() == ("rows.csv",)
    assert made.download(tmp_path / "here").files == 1
    assert (tmp_path / "here" / "rows.csv").read_text() == ROWS
    shelf = Datastore.register(workspace, "shelf", "folder", tmp_path / "shelf")
    shelf.set_default()
    assert workspace.get_default_datastore().name == "shelf"
    with pytest.raises(UsageError):
        Dataset.File.from_files([store.path("a"), shelf.path("b")])
    store.set_default()
    shelf.unregister()


async def test_data_and_models_go_into_runs(home: Home, people: Path, tmp_path: Path) -> None:
    """AZ-57, AZ-59, AZ-60, AZ-144: in the command, and by its name alone."""
    async with aio.Workspace.open("default", embedded=False, home=home) as workspace:
        data = await aio.Dataset.File.from_files(people).register(workspace, "people")
        assert isinstance(data, aio.FileDataset)
        (tmp_path / "weights.txt").write_text("0.5")
        model = await aio.Model.register(workspace, tmp_path / "weights.txt", "weights")
        code = tmp_path / "code"
        code.mkdir()
        (code / "train.py").write_text(
            "import os, sys\nfrom workbench import Run\n"
            "run = Run.get_context()\n"
            "print(len(open(os.path.join(sys.argv[2], 'rows.csv')).readlines()), 'lines')\n"
            "print(sorted(run.input_datasets))\n"
        )
        asked = ScriptRunConfig(code, "train.py", ["--data", data], environment="/usr/bin/python3")
        assert list(asked.data_inputs) == ["data"]
        run = await workspace.submit(asked)
        details = await run.wait_for_completion()
        assert [(item["name"], item["asset"]) for item in details["inputs"]] == [("data", "data:people:1")]
        named = workspace.configure(
            command="cat ${{inputs.w}}/* ${{inputs.d}}/rows.csv | wc -l",
            data=[model.as_named_input("w").as_download(), data.as_named_input("d").as_mount()],
        )
        other = await workspace.submit(named)
        await other.wait_for_completion()
        assert {item["id"] for item in (await data.lineage())["read_by"]} == {run.id, other.id}
        table = await aio.Dataset.Tabular.from_delimited_files(people).register(workspace, "table")
        assert len(await table.to_records()) == 20
