"""The endpoint under the oldest Python that a machine may have, from the payload as it lies there."""

from __future__ import annotations

import http.client
import json
import subprocess
from pathlib import Path

import pytest

from tests.machines.inside import interpreters
from tests.mlflow.servers import OURS
from tests.mlflow.wire import API, ARTIFACTS, RUN
from workbench.compute.payload import build_payload

PYTHONS = [python for python in interpreters() if "/3.6." in python] or interpreters()[:1]


@pytest.mark.parametrize("python", PYTHONS)
def test_it_answers_under_this_python(tmp_path: Path, python: str) -> None:
    payload = tmp_path / "payload.pyz"
    payload.write_bytes(build_payload().data)
    (tmp_path / "outputs").mkdir()
    argv = [python, "-c", OURS, str(tmp_path), json.dumps({"run": RUN})]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        argv, env={"PYTHONPATH": str(payload)}, cwd=tmp_path, stdin=pipe, stdout=pipe, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    connection = http.client.HTTPConnection(told["MLFLOW_TRACKING_URI"][len("http://") :], timeout=30)

    def ask(method: str, path: str, body: object) -> tuple[int, bytes]:
        connection.request(method, path, body, {"Authorization": "Bearer " + told["MLFLOW_TRACKING_TOKEN"]})
        answer = connection.getresponse()
        return answer.status, answer.read()

    metric = {"run_id": RUN, "key": "loss", "value": "NaN", "timestamp": 5, "step": 1}
    child = {"run_name": "fold", "tags": [{"key": "mlflow.parentRunId", "value": RUN}]}
    assert ask("POST", API + "runs/log-metric", json.dumps(metric)) == (200, b"{}")
    assert ask("POST", API + "runs/log-batch", b"{")[0] == 400
    assert ask("POST", API + "runs/create", json.dumps(child))[0] == 200
    assert ask("PUT", f"{ARTIFACTS}/0/{RUN}/artifacts/a/b", iter([b"x" * 100, b"y"])) == (200, b"{}")
    assert ask("GET", f"{ARTIFACTS}/0/{RUN}/artifacts/a/b", None) == (200, b"x" * 100 + b"y")
    status, history = ask("GET", API + f"metrics/get-history?run_id={RUN}&metric_key=loss", None)
    assert (status, json.loads(history)["metrics"][0]["value"]) == (200, "NaN")
    status, found = ask("POST", API + "runs/search", json.dumps({"filter": "run_name = 'fold'"}))
    assert (status, len(json.loads(found)["runs"])) == (200, 1)
    connection.close()
    process.stdin.close()
    assert process.wait(30) == 0
    process.stdout.close()
