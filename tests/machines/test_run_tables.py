"""Tabular inputs as a run's script has them, on a real sshd machine: paths that are read as tables."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.machines.data_runs import attach, finish
from tests.machines.inside import InsideRun, interpreters
from tests.machines.rig import SshServer
from tests.services import Services, services

WEATHER = 'day,temp,rain,note\n2026-11-01,3.5,0,"a, b"\n2026-11-02,,4,\n2026-11-03,oops,9,c\n'
PLAIN = """
import json, os, sys
from workbench import Run

run = Run.get_context()
x = run.input_datasets["x"]
assert isinstance(x, str) and os.path.exists(x) and x == os.environ["AZUREML_DATAREFERENCE_x"]
assert "pandas" not in sys.modules
opened = run.open_table("x")
rows = opened.rows()
first = next(rows)
print(json.dumps({
    "columns": opened.columns, "types": opened.types, "first": [str(value) for value in first],
    "rest": len(list(rows)),
    "rain": [row["rain"] for row in x.keep_columns(["rain"]).take(2).records()],
    "raw": open(x).readline() if os.path.isfile(x) else "",
}))
try:
    opened.to_records("fail")
except ValueError as problem:
    print("refused:", problem)
"""
SHIM = """
from azureml.core import Dataset, Run

run = Run.get_context()
weather = Dataset.get_by_name(run.experiment.workspace, "weather")
assert weather == run.input_datasets["x"]
print([row["rain"] for row in weather.skip(1).to_records()])
print(len(Dataset.get_by_name(run.experiment.workspace, "weather", version=1).to_records()))
here = Dataset.Tabular.from_delimited_files(path=str(run.input_datasets["x"]), infer_column_types=False)
print(here.to_records()[0]["temp"])
for name in ("other", "x"):
    try:
        Dataset.get_by_name(run.experiment.workspace, name)
    except ValueError as problem:
        print(problem)
"""


@pytest_asyncio.fixture
async def there(tmp_path: Path, server: SshServer) -> AsyncIterator[Services]:
    """Services with one real machine, "box"."""
    async with services(tmp_path) as opened:
        await attach(opened, server, "box")
        yield opened


async def register(there: Services, name: str, source: dict[str, Any], **table: Any) -> None:
    await there.call(
        "datasets.register", name=name, kind="tabular", source=source, table={"format": "delimited", **table}
    )


def script(folder: Path, text: str) -> list[str]:
    """A command that runs it on the machine: the tests' machine sees the same files."""
    (folder / "script.py").write_text(text)
    return ["python", str(folder / "script.py")]


async def test_a_table_in_place_is_read_with_the_standard_library(
    there: Services, server: SshServer, tmp_path: Path
) -> None:
    """AZ-57, AZ-52: the file lies on the run's machine, whose Python has nothing installed."""
    (server.home / "weather.csv").write_text(WEATHER)
    await register(there, "weather", {"target": "box", "paths": ["~/weather.csv"]})
    inputs = {"x": {"path": "data:weather"}}
    run, text = await finish(there, script(tmp_path, PLAIN), data_inputs=inputs)
    assert run["status"] == "Completed", (run["message"], text)
    told = json.loads(text.splitlines()[0])
    assert told == {
        "columns": ["day", "temp", "rain", "note"],
        "types": {"day": "datetime", "temp": "text", "rain": "integer", "note": "text"},
        "first": ["2026-11-01 00:00:00", "3.5", "0", "a, b"],
        "rest": 2,
        "rain": [0, 4],
        "raw": "day,temp,rain,note\n",
    }


async def test_steps_types_and_several_files_travel_with_it(
    there: Services, server: SshServer, tmp_path: Path
) -> None:
    """AZ-51, AZ-53: a folder of files behind steps, sent from this side to the cache; AZ-52: fail."""
    for number in (1, 2):
        (tmp_path / "data" / f"p{number}").mkdir(parents=True)
        (tmp_path / f"data/p{number}/x.csv").write_text(WEATHER)
    await register(
        there,
        "both",
        {"target": "local", "paths": [str(tmp_path / "data")]},
        partition_format="{part}/x.csv",
        set_column_types={"temp": "float"},
    )
    steps = [{"op": "drop", "columns": ["note"]}, {"op": "skip", "n": 1}]
    await there.call("datasets.derive", dataset="both", name="few", steps=steps)
    run, text = await finish(there, script(tmp_path, PLAIN), data_inputs={"x": {"path": "data:few"}})
    assert run["status"] == "Completed", (run["message"], text)
    told, refused = text.splitlines()[:2]
    assert json.loads(told)["columns"] == ["day", "temp", "rain", "part"]
    assert json.loads(told)["types"]["temp"] == "float"
    assert json.loads(told)["first"] == ["2026-11-02 00:00:00", "None", "4", "p1"]
    assert json.loads(told)["rest"] == 4
    assert "'oops' is no float" in refused


async def test_a_script_for_azure_finds_its_datasets(
    there: Services, server: SshServer, tmp_path: Path
) -> None:
    """AZ-56, AZ-57: Dataset.get_by_name in a run is one of its inputs."""
    (server.home / "weather.csv").write_text(WEATHER)
    await register(there, "weather", {"target": "box", "paths": ["~/weather.csv"]})
    inputs = {"x": {"path": "data:weather:1"}}
    run, text = await finish(there, script(tmp_path, SHIM), data_inputs=inputs)
    assert run["status"] == "Completed", (run["message"], text)
    assert text.splitlines() == [
        "[4, 9]",
        "3",
        "3.5",
        "the dataset other is no input of this run: submit it with --input other=data:other",
        "the dataset x is no input of this run: submit it with --input x=data:x",
    ]


async def test_frames_where_their_packages_are(there: Services, server: SshServer, tmp_path: Path) -> None:
    """AZ-52: pandas, polars and Arrow of the run's own environment."""
    (server.home / "weather.csv").write_text(WEATHER)
    await register(there, "weather", {"target": "box", "paths": ["~/weather.csv"]})
    body = (
        "from workbench import Run\nx = Run.get_context().input_datasets['x']\n"
        "frame = x.to_pandas_dataframe()\nprint(frame['rain'].sum(), frame['day'].dtype)\n"
        "print(x.to_polars()['rain'].sum(), x.to_arrow().num_rows)\n"
        "import pickle\nprint(pickle.loads(pickle.dumps(x)).take(1).to_records()[0]['rain'])\n"
    )
    inputs = {"x": {"path": "data:weather"}}
    run, text = await finish(
        there, script(tmp_path, body), data_inputs=inputs, environment=sys.executable, mlflow=False
    )
    assert run["status"] == "Completed", (run["message"], text)
    assert text.splitlines() == ["13 datetime64[ns]", "13 3", "0"]


async def test_an_input_that_is_no_dataset_is_opened_by_its_suffix(
    there: Services, server: SshServer, tmp_path: Path
) -> None:
    (tmp_path / "a.tsv").write_text("a\tb\n1\t2\n")
    (tmp_path / "b.dat").write_text("a;b\n1;2\n")
    body = (
        "from workbench import Run\nrun = Run.get_context()\n"
        "print(run.open_table('a').to_records(), run.open_table('b', separator=';').to_records())\n"
        "for name in ('b', 'c'):\n"
        "    try:\n        run.open_table(name)\n    except ValueError as problem:\n        print(problem)\n"
    )
    inputs = {
        name: {"path": str(tmp_path / file), "type": "uri_file"}
        for name, file in (("a", "a.tsv"), ("b", "b.dat"))
    }
    run, text = await finish(there, script(tmp_path, body), data_inputs=inputs)
    assert text.splitlines() == [
        "[{'a': 1, 'b': 2}] [{'a': 1, 'b': 2}]",
        "the input 'b' is no table that is known: say how it is read, such as format='delimited'",
        "this run has no input 'c'; its inputs: a, b",
    ], run


@pytest.mark.parametrize("python", sorted({*[p for p in interpreters() if "/3.6." in p], sys.executable}))
def test_an_old_python_reads_tables_and_databases(tmp_path: Path, python: str) -> None:
    """AZ-47: what travels is for Python 3.6 too."""
    base = sqlite3.connect(tmp_path / "a.db")
    base.execute("CREATE TABLE t (a INTEGER, b TEXT)")
    base.executemany("INSERT INTO t VALUES (?, ?)", [(i, f"n{i}") for i in range(1000)])
    base.commit()
    base.close()
    inside = InsideRun(tmp_path)
    body = (
        "import json, os, sys\nfrom workbench import Run\nfrom workbench.remote.tabular.inputs import InputTable\n"
        "asked = {'format': 'sqlite', 'query': 'SELECT a, b FROM t WHERE a % 2 ORDER BY a'}\n"
        "found = InputTable.of(sys.argv[1], asked)\n"
        "print(found.types, len(found.to_records()), found.take(1).to_records())\n"
    )
    out, err = inside.output(
        ["python", "-W", "ignore", "-c", body, str(tmp_path / "a.db")], inside.environment(python)
    )
    assert err == ""
    assert out == "{'a': 'integer', 'b': 'text'} 500 [{'a': 1, 'b': 'n1'}]\n"
