"""The endpoint's wire, as MLflow's client was recorded to speak it, and the records that come of it."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from tests.mlflow.wire import ARTIFACTS, RUN, Beside, beside
from tests.record_files import read_file
from workbench.remote.mlflow_api.presence import has_mlflow, wanted
from workbench.remote.runs.environ import run_environment, with_told
from workbench.store.records.record_batch import parse_records

__all__ = ["beside"]


def own_records(folder: Path) -> list[dict[str, Any]]:
    """Header and records of the run itself."""
    files = [read_file(path) for path in (folder / "records").iterdir()]
    (found,) = [records for records in files if "child" not in records[0]]
    return found


def child_records(folder: Path, name: str) -> list[dict[str, Any]]:
    """Header and records of the child of that name."""
    files = [read_file(path) for path in (folder / "records").iterdir()]
    (found,) = [records for records in files if records[0].get("child", {}).get("name") == name]
    return found


def test_what_is_logged_becomes_the_runs_records(beside: Beside) -> None:
    beside.done(
        "POST",
        "runs/log-metric",
        {"run_uuid": RUN, "run_id": RUN, "key": "loss", "value": 0.5, "timestamp": 1700000000123, "step": 3},
    )
    values = ["NaN", "Infinity", "-Infinity", 1e308]
    metrics = [
        {"key": "loss", "value": v, "timestamp": str(1700000000124 + n), "step": str(4 + n)}
        for n, v in enumerate(values)
    ]
    beside.done(
        "POST",
        "runs/log-batch",
        {
            "run_id": RUN,
            "metrics": metrics,
            "params": [{"key": "lr", "value": "1e-3"}],
            "tags": [{"key": "t", "value": "é"}],
        },
    )
    header, *records = own_records(beside.folder)
    assert (header["run"], header["attempt"], "child" in header) == (RUN, 2, False)
    found = [(r["v"], r["s"], round(header["wall"] + r["t"], 3)) for r in records if r["k"] == "metric"]
    assert found == [
        (0.5, 3, 1700000000.123),
        ("nan", 4, 1700000000.124),
        ("inf", 5, 1700000000.125),
        ("-inf", 6, 1700000000.126),
        (1e308, 7, 1700000000.127),
    ]
    assert [(r["n"], r["v"]) for r in records if r["k"] == "param"] == [("lr", "1e-3")]
    assert ("t", "é") in [(r["n"], r["v"]) for r in records if r["k"] == "tag"]
    (path,) = (beside.folder / "records").iterdir()
    _, batch, bad = parse_records(path.read_bytes(), None)
    assert bad == 0
    assert [v for v in batch.metrics["loss"].values if not math.isnan(v)] == [0.5, math.inf, -math.inf, 1e308]


def test_it_is_read_back_as_the_client_expects(beside: Beside) -> None:
    for step, value in ((1, 0.5), (9, "NaN"), (2, 0.25)):
        beside.done(
            "POST",
            "runs/log-metric",
            {"run_id": RUN, "key": "loss", "value": value, "timestamp": 1700000000000 + step, "step": step},
        )
    run = beside.run()
    assert run["info"]["run_id"] == run["info"]["run_uuid"] == RUN
    assert run["info"]["artifact_uri"] == f"mlflow-artifacts:/0/{RUN}/artifacts"
    assert run["data"]["metrics"] == [{"key": "loss", "value": "NaN", "timestamp": 1700000000009, "step": 9}]
    assert {"key": "mlflow.runName", "value": "calm-otter-1"} in run["data"]["tags"]
    points = beside.done("GET", f"metrics/get-history?run_id={RUN}&metric_key=loss&max_results=2")
    assert [(p["step"], p["timestamp"], p["value"]) for p in points["metrics"]] == [
        (1, 1700000000001, 0.5),
        (9, 1700000000009, "NaN"),
    ]
    rest = beside.done(
        "GET", f"metrics/get-history?run_id={RUN}&metric_key=loss&page_token={points['next_page_token']}"
    )
    assert ([p["step"] for p in rest["metrics"]], "next_page_token" in rest) == ([2], False)


def test_the_first_run_that_a_script_begins_is_the_run(beside: Beside) -> None:
    """No run is named in its environment: one that turns to a server of its own would look for it there."""
    assert sorted(name for name in beside.variables if "RUN_ID" in name or "EXPERIMENT" in name) == []

    def begin(script: str, **more: Any) -> str:
        tags = [{"key": "mlflow.source.name", "value": script}, {"key": "kind", "value": script}]
        body = {"experiment_id": "0", "user_id": "ann", "tags": tags, **more}
        found: str = beside.done("POST", "runs/create", body)["run"]["info"]["run_id"]
        return found

    assert begin("prepare.py", run_name="prepared") == RUN
    assert beside.run()["info"]["run_name"] == "prepared"
    assert {r["n"]: r["v"] for r in own_records(beside.folder) if r["k"] == "tag"} == {
        "mlflow.runName": "prepared",
        "kind": "prepare.py",
    }
    assert begin("prepare.py") != RUN  # a second one of the same script
    assert begin("train.py") != RUN  # the first one goes on
    beside.done("POST", "runs/update", {"run_id": RUN, "status": "FINISHED"})
    assert begin("prepare.py") != RUN
    beside.crash()
    assert begin("prepare.py") != RUN
    assert begin("train.py") == RUN
    assert beside.run()["info"]["status"] == "RUNNING"


def test_a_script_that_goes_on_with_the_run_by_its_id_begins_children(beside: Beside) -> None:
    beside.done("POST", "runs/update", {"run_id": RUN, "status": "RUNNING"})
    for script in ("train.py", "other.py"):
        tags = [{"key": "mlflow.source.name", "value": script}]
        assert beside.done("POST", "runs/create", {"tags": tags})["run"]["info"]["run_id"] != RUN
        beside.done("POST", "runs/update", {"run_id": RUN, "status": "FINISHED"})


def test_nested_runs_are_children_in_files_of_their_own(beside: Beside) -> None:
    """AZ-81, AZ-83."""
    tags = [{"key": "mlflow.parentRunId", "value": RUN}]
    fold = beside.done(
        "POST",
        "runs/create",
        {"experiment_id": "0", "run_name": "fold 0", "start_time": 1700000000000, "tags": tags},
    )["run"]["info"]["run_id"]
    deep_tags = [{"key": "mlflow.parentRunId", "value": fold}]
    deep = beside.done("POST", "runs/create", {"experiment_id": "0", "run_name": "deep", "tags": deep_tags})[
        "run"
    ]["info"]["run_id"]
    beside.done(
        "POST",
        "runs/log-metric",
        {"run_id": fold, "key": "acc", "value": 1, "timestamp": 1700000001000, "step": 0},
    )
    beside.done("POST", "runs/update", {"run_id": fold, "status": "FAILED", "end_time": 1700000002000})
    header, *records = child_records(beside.folder, "fold 0")
    assert header["child"] == {"id": fold, "name": "fold 0"}
    assert [r["v"] for r in records if r["k"] == "metric"] == [1.0]
    begin, end = [r for r in records if r["k"] == "status"]
    assert (begin["v"], round(header["wall"] + begin["t"], 3)) == ("Running", 1700000000.0)
    assert (end["v"], round(header["wall"] + end["t"], 3)) == ("Failed", 1700000002.0)
    assert child_records(beside.folder, "deep")[0]["child"] == {"id": deep, "name": "deep", "parent": fold}
    beside.done(
        "POST", "runs/update", {"run_id": RUN, "status": "FINISHED"}
    )  # its supervisor says how it ended
    found = beside.done(
        "POST", "runs/search", {"experiment_ids": ["0"], "filter": f"tags.mlflow.parentRunId = '{RUN}'"}
    )
    assert [run["info"]["run_id"] for run in found["runs"]] == [fold]


def test_files_are_streamed_to_the_runs_outputs(beside: Beside) -> None:
    """AZ-88."""
    root = f"{ARTIFACTS}/0/{RUN}/artifacts/"
    assert beside.raw("PUT", root + "a/b%20c.bin", b"x" * 3_000_000)[0] == 200
    assert beside.raw("PUT", root + "empty", iter([]))[0] == 200  # in chunks, as the client sends it
    assert (beside.folder / "outputs/a/b c.bin").stat().st_size == 3_000_000
    assert (beside.folder / "outputs/empty").read_bytes() == b""
    assert beside.raw("GET", root + "a/b%20c.bin") == (200, b"x" * 3_000_000)
    artifacts = [(r["n"], r["path"]) for r in own_records(beside.folder) if r["k"] == "artifact"]
    assert artifacts == [("a/b c.bin", "outputs/a/b c.bin"), ("empty", "outputs/empty")]
    status, text = beside.raw("GET", f"{ARTIFACTS}?path=0%2F{RUN}%2Fartifacts%2Fa")
    assert (status, json.loads(text)) == (
        200,
        {"files": [{"path": "b c.bin", "is_dir": False, "file_size": 3_000_000}]},
    )
    status, text = beside.raw("POST", "/api/2.0/mlflow-artifacts/mpu/create/x", b"{}")
    assert (status, json.loads(text)["message"]) == (
        501,
        "Multipart upload is not supported for the current artifact repository",
    )


def test_logged_models_lie_in_outputs_and_are_artifacts(beside: Beside) -> None:
    made = beside.done("POST", "logged-models", {"experiment_id": "0", "name": "net", "source_run_id": RUN})[
        "model"
    ]
    model = made["info"]["model_id"]
    assert made["info"]["status"] == "LOGGED_MODEL_PENDING"
    assert beside.raw("PUT", f"{ARTIFACTS}/0/models/{model}/artifacts/MLmodel", b"flavors: {}")[0] == 200
    beside.done("PATCH", f"logged-models/{model}", {"status": "LOGGED_MODEL_READY"})
    assert beside.done("GET", f"logged-models/{model}")["model"]["info"]["status"] == "LOGGED_MODEL_READY"
    assert (beside.folder / "outputs/models" / model / "MLmodel").read_bytes() == b"flavors: {}"
    assert ("net", f"outputs/models/{model}") in [
        (r.get("n"), r.get("path")) for r in own_records(beside.folder)
    ]
    assert beside.done("GET", f"artifacts/list?run_id={RUN}")["files"] == []  # not of the run, as at MLflow's


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "registered-models/create"),
        ("GET", "registered-models/get?name=m"),
        ("POST", "model-versions/create"),
        ("GET", "model-versions/search"),
    ],
)
def test_the_registry_is_refused_in_words(beside: Beside, method: str, path: str) -> None:
    status, answer = beside.ask(method, path, {} if method == "POST" else None)
    assert (status, answer["error_code"]) == (403, "PERMISSION_DENIED")
    assert "outputs/models" in answer["message"]
    assert "registry" in next(r["v"] for r in own_records(beside.folder) if r["k"] == "warning")


def test_a_second_experiment_is_one_more_name_of_the_runs_own(beside: Beside) -> None:
    assert beside.refused("GET", "experiments/get-by-name?experiment_name=other") == (
        404,
        "RESOURCE_DOES_NOT_EXIST",
    )
    assert beside.done("POST", "experiments/create", {"name": "other"}) == {"experiment_id": "0"}
    assert (
        beside.done("GET", "experiments/get-by-name?experiment_name=other")["experiment"]["experiment_id"]
        == "0"
    )
    (warning,) = [r["v"] for r in own_records(beside.folder) if r["k"] == "warning"]
    assert "stays in cifar" in warning
    assert beside.refused("POST", "experiments/delete", {"experiment_id": "0"}) == (403, "PERMISSION_DENIED")


def test_one_that_takes_a_crashed_ones_place_is_found_there_and_knows_the_same(beside: Beside) -> None:
    """A run is read back and goes on, whatever became of the process that it had logged to."""
    child = beside.done(
        "POST", "runs/create", {"run_name": "fold", "tags": [{"key": "mlflow.parentRunId", "value": RUN}]}
    )["run"]["info"]["run_id"]
    model = beside.done("POST", "logged-models", {"name": "net", "source_run_id": child})["model"]["info"][
        "model_id"
    ]
    for run, steps in ((RUN, range(3)), (child, range(5))):
        for step in steps:
            beside.done(
                "POST",
                "runs/log-metric",
                {
                    "run_id": run,
                    "key": "loss",
                    "value": step,
                    "timestamp": 1700000000000 + step,
                    "step": step,
                },
            )
    beside.done("POST", "runs/log-parameter", {"run_id": child, "key": "lr", "value": "1"})
    beside.done("POST", "runs/set-tag", {"run_id": RUN, "key": "gone", "value": "1"})
    beside.done("POST", "runs/delete-tag", {"run_id": RUN, "key": "gone"})
    beside.done("POST", "experiments/create", {"name": "other"})
    beside.done("POST", "runs/outputs", {"run_id": child, "models": [{"model_id": model}]})
    before = beside.done("POST", "runs/search", {"experiment_ids": ["0"]})
    beside.crash()
    assert beside.endpoint.environment() == beside.variables
    assert beside.done("POST", "runs/search", {"experiment_ids": ["0"]}) == before
    beside.done(
        "POST",
        "runs/log-metric",
        {"run_id": child, "key": "loss", "value": 9, "timestamp": 1700000000009, "step": 9},
    )
    points = beside.done("GET", f"metrics/get-history?run_id={child}&metric_key=loss")["metrics"]
    assert [point["step"] for point in points] == [0, 1, 2, 3, 4, 9]
    assert (
        beside.done("PATCH", f"logged-models/{model}", {"status": "LOGGED_MODEL_READY"})["model"]["info"][
            "name"
        ]
        == "net"
    )
    assert beside.refused("POST", "experiments/create", {"name": "other"}) == (400, "RESOURCE_ALREADY_EXISTS")


def test_a_later_attempt_begins_anew(beside: Beside) -> None:
    beside.done("POST", "runs/log-parameter", {"run_id": RUN, "key": "lr", "value": "1"})
    beside.crash(attempt=3)
    assert beside.run()["data"]["params"] == []
    beside.done("POST", "runs/log-parameter", {"run_id": RUN, "key": "lr", "value": "2"})


def test_it_is_there_only_for_an_interpreter_with_mlflow(tmp_path: Path) -> None:
    python = tmp_path / "venv/bin/python"
    python.parent.mkdir(parents=True)
    (tmp_path / "venv/pyvenv.cfg").write_text("include-system-site-packages = false\n")
    os.symlink("/usr/bin/env", python)
    spec = {"python": str(python)}
    assert not has_mlflow(str(python), {})
    assert wanted({**spec, "mlflow": True}, {})
    package = tmp_path / "venv/lib/python3.9/site-packages/mlflow"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    assert wanted(spec, {})
    assert not wanted({**spec, "mlflow": False}, {})
    assert not wanted(spec, {"MLFLOW_TRACKING_URI": "http://elsewhere"})


@pytest.mark.parametrize(
    "spec",
    [
        {"command": "VENV/bin/python train.py --data /usr/bin"},
        {"command": "exec '~/venv/bin/torchrun' train.py"},
        {"command": "python train.py", "setup": ["module load x", ". VENV/bin/activate"]},
    ],
)
def test_an_interpreter_that_a_command_or_a_setup_line_names_counts_too(
    tmp_path: Path, spec: dict[str, Any]
) -> None:
    home, venv = {"HOME": str(tmp_path)}, tmp_path / "venv"
    package = venv / "lib/python3.9/site-packages/mlflow"
    for folder in (venv / "bin", package):
        folder.mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("include-system-site-packages = false\n")
    for name in ("python", "torchrun", "activate"):
        (venv / "bin" / name).touch()
    said = json.loads(json.dumps(spec).replace("VENV", str(venv)))
    bare = {"python": str(tmp_path / "other/bin/python")}
    assert not wanted({**bare, **said}, home)
    (package / "__init__.py").touch()
    assert wanted({**bare, **said}, home)
    assert not wanted({**bare, "command": "python train.py"}, home)


def test_what_a_command_is_told_stands_behind_what_its_user_said() -> None:
    told = {
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:5",
        "MLFLOW_TRACKING_TOKEN": "ours",
        "MLFLOW_RUN_ID": RUN,
    }
    assert with_told({"A": "1"}, told) == {"A": "1", **told}
    assert with_told({"MLFLOW_RUN_ID": "mine"}, told)["MLFLOW_RUN_ID"] == "mine"
    theirs = {"MLFLOW_TRACKING_URI": "http://lab", "MLFLOW_TRACKING_USERNAME": "ann"}
    assert with_told(theirs, told) == theirs  # no word of ours goes to another server
    passwords = {"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": "x"}
    assert with_told(passwords, told) == told  # MLflow would send them in the token's place
    proxy = with_told({"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "lab"}, told)
    assert (proxy["NO_PROXY"], proxy["no_proxy"]) == ("lab,127.0.0.1", "lab,127.0.0.1")


def test_a_run_that_submits_another_hands_nothing_of_its_endpoint_on() -> None:
    base = {
        "WORKBENCH_RUN_ID": "another",
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:5",
        "MLFLOW_TRACKING_TOKEN": "x",
    }
    found = run_environment(base, {"run": RUN}, "/run", "/run/bin", "/run/site", {})
    assert not [name for name in found if name.startswith("MLFLOW_")]
    del base["WORKBENCH_RUN_ID"]
    assert (
        run_environment(base, {"run": RUN}, "/run", "/run/bin", "/run/site", {})["MLFLOW_TRACKING_TOKEN"]
        == "x"
    )
