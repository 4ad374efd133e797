"""What MLflow's real client finds, the same at its own server and at our endpoint.

The client is in the environment that WORKBENCH_TEST_MLFLOW names, apart from ours: runs whose interpreter has it
get an endpoint. The server is where WORKBENCH_BENCH_MLFLOW says.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.bench.report import mlflow
from tests.mlflow.servers import ours, theirs

CALLS = Path(__file__).parent / "client_calls.py"
EXPECTED: dict[str, dict[str, Any]] = {
    "experiment": {
        "same": True,
        "unknown": None,
        "missing": "RESOURCE_DOES_NOT_EXIST",
        "listed": True,
        "again": "RESOURCE_ALREADY_EXISTS",
        "made": "made here",
    },
    "metrics": {
        "history": [
            [0, 1700000000000, 1.0],
            [1, 1700000000001, 0.5],
            [2, 1700000000002, "nan"],
            [3, 1700000000003, 1e-300],
            [4, 1700000000004, -7.0],
        ],
        "late": 2.0,
        "unicode": 3.0,
        "m39": 999.0,
        "m39 values": 25,
        "none": [],
        "over a batch": "done",
        "bad name": "INVALID_PARAMETER_VALUE",
        "unknown run": "RESOURCE_DOES_NOT_EXIST",
    },
    "params_and_tags": {
        "lr": "0.001",
        "changed": "INVALID_PARAMETER_VALUE",
        "note": "two",
        "gone": False,
        "missing": "RESOURCE_DOES_NOT_EXIST",
        "long": 8000,
    },
    "fluent": {
        "resumed": True,
        "params": 250,
        "status": "FINISHED",
        "ended": True,
        "quiet": 1.0,
        "children": [["fails", "FAILED"], *([f"fold {n}", "FINISHED"] for n in range(3))],
        "deep": ["deep 0"],
        "parent": True,
    },
    "search": {
        "metrics.acc > 0.2": ["fold 1", "fold 2"],
        "metrics.acc >= 0.25 and params.kind = 'a'": ["fold 2"],
        "params.kind != 'a'": ["fold 1"],
        "params.kind ILIKE 'A'": ["fold 0", "fold 2"],
        "tags.mlflow.runName LIKE 'fold%'": ["fold 0", "fold 1", "fold 2"],
        "tags.`mlflow.runName` ILIKE 'FOLD _'": ["fold 0", "fold 1", "fold 2"],
        "attributes.status = 'FAILED'": ["fails"],
        "run_name = 'fold 1'": ["fold 1"],
        'metrics."acc" <= 0': ["fold 0"],
        "attributes.run_name LIKE '%d%' and params.kind = 'b'": ["fold 1"],
        "by acc": ["fold 2", "fold 1", "fold 0"],
        "by name": ["fold 0", "fold 1", "fold 2"],
        "pages": [["fold 0", "fold 1"], ["fold 2"], None],
        **{
            f"wrong {text}": "INVALID_PARAMETER_VALUE"
            for text in (
                "metrics.acc ~ 3", "bogus.x = 1", "metrics.acc >", "metrics.acc = 'x'", "params.kind = 'a' or 1",
            )
        },
    },
    "lifecycle": {
        "hidden": [],
        "deleted": [["renamed", "deleted"]],
        "after": ["renamed", "KILLED", 1700000000000, 1700000005000],
        "tags": "v",
        "unknown": "RESOURCE_DOES_NOT_EXIST",
    },
    "files": {
        "root": [["all", True, 0], ["d.json", False, 12], ["t", True, 0], ["x.txt", False, 5]],
        "all": [
            ["all/big", False, 5120000], ["all/empty", False, 0], ["all/in", True, 0], ["all/x.txt", False, 5],
        ],
        "file": 0,
        "nothing": 0,
        "sizes": {"x.txt": 5, "empty": 0, "big": 5120000, "in/y ü.bin": 11},
        "text": "two",
        "dict": {"k": 1},
        "missing": True,
    },
    "inputs": {"datasets": [["iris", "abc123", "local"]], "by name": 1},
    "models": {
        "pending": "PENDING",
        "status": "READY",
        "name": "net",
        "type": "tree",
        "params": 230,
        "tags": {"u": "2"},
        "metrics": [["quality", 0.9]],
        "searched": ["net"],
        "none": 0,
        "outputs": 1,
        "deleted": "RESOURCE_DOES_NOT_EXIST",
        "unknown": "RESOURCE_DOES_NOT_EXIST",
    },
    "crowd": {"steps": True},
    "sklearn": {
        "metrics": [
            f"training_{name}"
            for name in ("accuracy_score", "f1_score", "log_loss", "precision_score", "recall_score", "roc_auc", "score")
        ],
        "param": "200",
        "models": ["kept", "model"],
        "outputs": 2,
        "datasets": 1,
        "same": True,
    },
}  # fmt: skip


def _theirs(side: str) -> str:
    """The interpreter that has MLflow's client, and its server too where that is asked for."""
    whole, client = mlflow(), os.environ.get("WORKBENCH_TEST_MLFLOW")
    if side == "ours" and client:
        return client
    if whole is not None:
        return whole[0]
    if side == "ours" and "CI" in os.environ:
        pytest.fail("WORKBENCH_TEST_MLFLOW names no interpreter with MLflow's client: .ci/run makes one")
    pytest.skip("MLflow is not installed; WORKBENCH_BENCH_MLFLOW may name an interpreter that has it")


@pytest.fixture(scope="module", params=["theirs", "ours"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client found: group -> what."""
    python = _theirs(request.param)
    folder = tmp_path_factory.mktemp("mlflow")
    beside = ours(folder) if request.param == "ours" else theirs(folder, python)
    with beside as variables:
        kept = {name: text for name, text in os.environ.items() if not name.startswith("MLFLOW_")}
        environment = {**kept, **variables, "HOME": str(folder)}
        done = subprocess.run(
            [python, str(CALLS)], env=environment, cwd=folder, capture_output=True, text=True, timeout=240
        )
    assert done.returncode == 0, done.stderr[-3000:]
    answers: dict[str, Any] = json.loads(done.stdout[done.stdout.index('{"experiment"') :])
    return answers


@pytest.mark.parametrize("group", list(EXPECTED))
def test_the_client_finds_the_same_at_both(found: dict[str, Any], group: str) -> None:
    if group == "sklearn" and group not in found:
        pytest.skip("scikit-learn is not installed there")
    assert found[group] == EXPECTED[group]
