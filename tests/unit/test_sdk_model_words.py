"""Models from a script, in the words that scripts for the cloud have, in one process and without a machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench import Dataset, Model, Workspace
from workbench.errors import NotFound, UsageError
from workbench.home import find_home
from workbench.store.registry import manifests


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    home = find_home({"WORKBENCH_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)})
    with Workspace.open("default", embedded=True, home=home) as opened:
        yield opened


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "weights.txt"
    file.write_text("1 2 3")
    return file


def test_versions_are_found_by_tags_as_pairs_and_as_keys(workspace: Workspace, weights: Path) -> None:
    """AZ-167: ['key', ['key', 'value']] is what the cloud's SDK takes."""
    Model.register(workspace, weights, "net", tags={"stage": "gold", "seen": None}, properties={"by": "ann"})
    Model.register(workspace, weights, "net", tags={"stage": "raw"})
    for tags, found in (
        ({"stage": "gold"}, [1]),
        ({"stage": None}, [2, 1]),
        (["stage"], [2, 1]),
        (["seen", ["stage", "gold"]], [1]),
        ([("stage", "raw")], [2]),
        ("seen", [1]),
    ):
        assert [model.version for model in Model.list(workspace, "net", tags=tags)] == found, tags
    assert [model.version for model in Model.list(workspace, properties=[["by", "ann"]])] == [1]
    with pytest.raises(UsageError):
        Model.list(workspace, tags=[["a", "b", "c"]])


def test_no_run_made_what_was_registered_from_files(workspace: Workspace, weights: Path) -> None:
    """The run of a model is a run, so that a typed script may ask it for its metrics."""
    model = Model.register(workspace, weights, "net")
    assert model.run_id is None
    with pytest.raises(NotFound, match="net:1"):
        _ = model.run


def test_a_file_that_is_no_bundle_is_refused(workspace: Workspace, weights: Path) -> None:
    with pytest.raises(UsageError, match="is no bundle"):
        workspace.bring_bundle(weights)


def test_a_model_names_its_data_by_the_dataset_itself(workspace: Workspace, weights: Path) -> None:
    """AZ-171; what names no version is refused, and not left out."""
    data = Dataset.File.from_files(str(weights))
    with pytest.raises(UsageError):
        Model.register(workspace, weights, "net", datasets=[("training data", data)])
    rows = data.register(workspace, "rows")
    model = Model.register(workspace, weights, "net", datasets=[("training data", rows), ("test", "others")])
    assert model.details["datasets"] == [
        {"relation": "test", "name": "others"},
        {"relation": "training data", "name": "rows", "version": 1},
    ]
    assert [one.id for one in Model.list(workspace, dataset_id=rows.id)] == ["net:1"]
    for wrong in ("rows:latest", "rows@latest", "rows:0", "a b"):
        with pytest.raises(UsageError):
            Model.register(workspace, weights, "net", datasets=[("training data", wrong)])


def test_one_rule_and_one_alias_stand_for_themselves(workspace: Workspace, weights: Path) -> None:
    model = Model.register(workspace, weights, "net")
    said = Model.configure(workspace, "net", gate="safe", protect="champion")
    assert (said["gate"], said["protected"]) == (["safe"], ["champion"])
    said = Model.configure(workspace, "net", gate=[], unprotect="champion")
    assert not said.get("gate")
    assert not said.get("protected")
    model.set_alias("champion")
    with pytest.raises(UsageError):
        Model.get(workspace, "net", version=1, alias="champion")


def test_the_clouds_constructor_is_answered_with_what_to_write_instead(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="not made of a name"):
        Model(workspace, "net")  # type: ignore[arg-type]


def test_many_files_are_saved_by_one_look_at_what_they_are(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two thousand files took as many readings of a list of two thousand."""
    (tmp_path / "net").mkdir()
    for number in range(20):
        (tmp_path / "net" / f"part-{number}").write_text(str(number))
    made = Model.register(workspace, tmp_path / "net", "net")
    looked: list[str] = []

    def get(connection: Any, manifest: str) -> Any:
        looked.append(manifest)
        return ask(connection, manifest)

    ask = manifests.get
    monkeypatch.setattr(manifests, "get", get)
    assert len(made.download(tmp_path / "saved")) == 20
    assert len(looked) <= 1


def test_names_that_differ_by_capital_letters_are_both_told(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    for name in ("Part", "part"):
        (tmp_path / "net" / name).write_text(name)
    if len(list((tmp_path / "net").iterdir())) < 2:
        pytest.skip("capital letters do not count here")
    with pytest.raises(UsageError, match="Part and part are one file") as problem:
        Model.register(workspace, tmp_path / "net", "net")
    assert "rename one" in problem.value.hint
