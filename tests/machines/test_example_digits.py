"""The digits example on every Python: it learns, logs, keeps its outputs and repeats itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.machines.inside import InsideRun, interpreters

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "digits"


def train(root: Path, python: str, *options: str) -> tuple[str, InsideRun]:
    root.mkdir()
    run = InsideRun(root)
    process = run.start([python, str(EXAMPLE / "train.py"), *options], run.environment(python))
    try:
        out, err = process.communicate(timeout=280)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, err
    return out, run


@pytest.mark.parametrize("python", interpreters(), ids=lambda path: Path(path).parts[-3])
def test_it_learns_logs_and_repeats(tmp_path: Path, python: str) -> None:
    options = ("--epochs", "1", "--hidden", "8", "--lr", "0.2", "--seed", "7")
    out, run = train(tmp_path / "a", python, *options)
    again, other = train(tmp_path / "b", python, *options)
    assert "epoch  1/1" in out
    assert out.splitlines()[-1] == again.splitlines()[-1]
    model = next(run.folder.rglob("model.json"))
    assert model.read_bytes() == next(other.folder.rglob("model.json")).read_bytes()
    assert json.loads(model.read_text())["options"]["lr"] == 0.2
    accuracy = float(next(run.folder.rglob("report.txt")).read_text().split()[-1])
    assert accuracy > 0.5, "chance is 0.1"
    records = "".join(path.read_text() for path in (run.folder / "records").iterdir())
    for name in ("loss", "val_accuracy", "hidden"):
        assert f'"{name}"' in records
