"""What scripts say to the SDK in the words of other ones: objects, mappings, numbers as tags."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_sdk_model_words import weights, workspace
from workbench import ComputeTarget, Dataset, Datastore, Environment, Model, RunConfiguration, Workspace
from workbench.environments.reference import read
from workbench.errors import UsageError

__all__ = ["weights", "workspace"]


@pytest.mark.parametrize(
    ("said", "field", "kept"),
    [
        ({"tags": {"a": "b", "n": 1, "seen": None}}, "tags", {"a": "b", "n": "1", "seen": None}),
        ({"tags": "seen"}, "tags", {"seen": None}),
        ({"inputs": {"lr": 0.1, "deep": True}}, "inputs", {"lr": 0.1, "deep": True}),
        ({"environment_variables": {"A": "b=c"}}, "environment_variables", {"A": "b=c"}),
        ({"secrets": "TOKEN"}, "secrets", ["TOKEN"]),
        ({"setup": "echo ready"}, "setup", ["echo ready"]),
        ({"compute": "gpu1"}, "target", "gpu1"),
    ],
)
def test_options_are_said_as_mappings_and_single_texts(
    workspace: Workspace, said: dict[str, Any], field: str, kept: object
) -> None:
    command = f"echo {' '.join(f'${{{{inputs.{name}}}}}' for name in said.get('inputs', {}))}"
    assert getattr(workspace.configure(command=command, **said), field) == kept


def test_an_option_that_is_none_is_named(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="no option 'instance_count'") as problem:
        workspace.configure(command="true", instance_count=2)
    assert "environment" in problem.value.hint


def test_objects_stand_for_their_names(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "reqs").write_text("six\n")
    tools = Environment.from_pip_requirements("tools", tmp_path / "reqs")
    words: dict[str, Any] = {"target": ComputeTarget(workspace, "gpu1"), "environment": tools}
    for asked in (workspace.configure(command="true", **words), RunConfiguration(command="true", **words)):
        assert asked.target == "gpu1"
        assert asked.environment is not None
        assert read(asked.environment).definition == {"name": "tools", "requirements": str(tmp_path / "reqs")}


def test_an_environment_that_is_only_a_name_says_how_one_is_made() -> None:
    with pytest.raises(UsageError, match="the environment mine is made of nothing") as problem:
        str(Environment("mine"))
    assert "from_pip_requirements" in problem.value.hint


def test_files_of_any_name_make_environments(workspace: Workspace, tmp_path: Path) -> None:
    """A file without a suffix, and a folder, were taken for interpreters on the machine."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pyproject.toml").write_text('[project]\nname = "ours"\nversion = "1"\n')
    (tmp_path / "prod.Dockerfile").write_text("FROM python:3.12\n")
    (tmp_path / "reqs").write_text("")
    made = [
        Environment.from_pip_requirements(None, tmp_path / "reqs"),
        Environment.from_project(None, tmp_path / "project"),
        Environment.from_dockerfile("box", tmp_path / "prod.Dockerfile"),
    ]
    kinds = []
    for one in made:
        details = one.register(workspace).details
        assert details is not None
        kinds.append((details.name, str(details.definition.kind)))
    assert kinds == [("reqs", "requirements"), ("ours", "project"), ("box", "image")]


def test_tags_and_properties_are_kept_as_texts(workspace: Workspace, weights: Path) -> None:
    numbers: dict[str, Any] = {"try": 1, "acc": 0.5}
    made = Model.register(workspace, weights, "net", tags=numbers, properties=numbers)
    assert made.tags == {"try": "1", "acc": "0.5"} == made.properties
    made.add_tags(numbers)
    made.remove_tags(["try"], "acc")
    assert made.tags == {}


def test_a_model_is_not_made_of_its_name(workspace: Workspace) -> None:
    for words in ({"name": "net"}, {"name": "net", "version": 1}, {"id": "net:1"}):
        with pytest.raises(UsageError, match="not made of a name") as problem:
            Model(workspace, **words)
        assert "Model.get(workspace, name" in problem.value.hint


def test_one_packed_file_is_a_table_by_its_name(workspace: Workspace, tmp_path: Path) -> None:
    """It was read as if it were not packed: whether it is says its name, which a dataset of one file lacks."""
    file = tmp_path / "rows.csv.gz"
    file.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    here = Dataset.Tabular.from_delimited_files(file, include_path=True)
    kept = here.register(workspace, "rows")
    store = Datastore.register(workspace, "store", "folder", tmp_path)
    elsewhere = Dataset.Tabular.from_delimited_files(store.path("rows.csv.gz"), include_path=True)
    for one in (here, kept, elsewhere.register(workspace, "stored")):
        assert one.to_records() == ({"Path": "rows.csv.gz", "a": 1, "b": 2},)
    (tmp_path / "junk.parquet").write_text("junk")
    with pytest.raises(UsageError, match=r"junk\.parquet is no parquet file"):
        Dataset.Tabular.from_parquet_files(tmp_path / "junk.parquet").to_records()
    asked: Any = lambda row: row["a"] > 1  # noqa: E731 - as other packages take it
    with pytest.raises(UsageError, match="a condition is a text"):
        here.filter(asked)


def test_a_file_of_a_run_lands_here_under_its_own_name(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with workspace.start_logging("sdk") as hand:
        Path("seen.txt").write_text("seen")
        hand.upload_file("outputs/seen.txt", "seen.txt")
    os.remove("seen.txt")
    run = workspace.get_run(hand.id)
    run.wait_for_completion()
    assert run.download_file("outputs/seen.txt").read_text() == "seen"
    assert Path("seen.txt").exists()
    assert run.get_all_logs()[0] == Path(run.id, "stream.log")
