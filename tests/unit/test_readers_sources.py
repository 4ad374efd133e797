"""Finding the runs below a folder of other trackers' files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from workbench.remote.readers.sources import Found, find

DATA = Path(__file__).parent.parent / "data" / "readers"


def shape(found: list[Found], root: Path) -> dict[str, list[tuple[str, str]]]:
    """Name of each run -> form and place of its sources."""
    return {one.name: [(s.form, str(Path(s.path).relative_to(root))) for s in one.sources] for one in found}


def test_one_log_directory_is_one_run() -> None:
    found = list(find(str(DATA)))
    runs = shape(found, DATA)
    database = [one.run for one in found if one.run]
    assert len(database) == 1
    assert runs == {
        "first": [("mlflow-database", "mlflow.db")],
        "dvclive": [("dvclive", "dvclive")],
        "lightning_logs/version_0": [("table", "lightning_logs/version_0/metrics.csv")],
        "mlruns/1/first": [("mlflow", "mlruns/1/first")],
        "offline-run-20260101_000000-abc12345": [
            ("wandb", "offline-run-20260101_000000-abc12345/run-abc12345.wandb")
        ],
        "trainer": [("trainer-state", "trainer")],
        "v2": [("tensorboard", "v2/events.out.tfevents.1700000000.machine")],
        "x": [("tensorboard", "x/events.out.tfevents.1700000000.machine")],
    }


def test_a_trainers_folder_is_one_run_with_its_event_files(tmp_path: Path) -> None:
    for step in (10, 20):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text('{"log_history": []}')
    shutil.copy(next((DATA / "x").iterdir()), tmp_path)
    (one,) = find(str(tmp_path))
    assert [source.form for source in one.sources] == ["trainer-state", "tensorboard"]


def test_a_single_file_is_one_run() -> None:
    (one,) = find(str(next((DATA / "x").iterdir())))
    assert (one.name, one.folder, len(one.sources)) == ("x", str(DATA / "x"), 1)


def test_links_hidden_folders_and_environments_are_passed_over(tmp_path: Path) -> None:
    for name in (".hidden", "venv", "node_modules"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").write_text("step,loss\n1,2\n")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "b.csv").symlink_to(tmp_path / "venv" / "a.csv")
    assert list(find(str(tmp_path))) == []


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        list(find(str(tmp_path / "missing")))
