"""A run with an MLflow endpoint beside it, and calls to it as MLflow's client spells them."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.remote.mlflow_api.endpoint import MlflowEndpoint

RUN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
API = "/api/2.0/mlflow/"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


class Beside:
    """One connection to an endpoint."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "outputs").mkdir()
        self.spec = {
            "run": RUN,
            "experiment": "cifar",
            "name": "calm-otter-1",
            "attempt": 2,
            "tags": {"a": None},
        }
        self.endpoint = MlflowEndpoint(str(folder), self.spec)
        self.endpoint.start()
        self.variables = self.endpoint.environment()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.endpoint.port, timeout=30)
        self.headers = {"Authorization": "Bearer " + self.variables["MLFLOW_TRACKING_TOKEN"]}

    def crash(self, attempt: int = 2) -> None:
        """Another endpoint takes the place of this one, which says nothing to it."""
        self.connection.close()
        self.endpoint.finish(0.5)
        spec = {**self.spec, "attempt": attempt}
        token, port = self.variables["MLFLOW_TRACKING_TOKEN"], self.endpoint.port
        self.endpoint = MlflowEndpoint(str(self.folder), spec, token, port)
        self.endpoint.start()

    def raw(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """A status and a body."""
        self.connection.request(method, path, body, {**self.headers, **headers})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """A status and a JSON object; path is below the API."""
        data = None if body is None else json.dumps(body).encode()
        status, text = self.raw(method, API + path, data)
        return status, json.loads(text)

    def done(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of a call that succeeds."""
        status, answer = self.ask(method, path, body)
        assert status == 200, answer
        return answer

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """How a call is refused."""
        status, answer = self.ask(method, path, body)
        return status, answer["error_code"]

    def run(self, run_id: str = RUN) -> Any:
        """What is known of a run."""
        return self.done("GET", "runs/get?run_id=" + run_id)["run"]


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Beside]:
    """A run with an endpoint."""
    found = Beside(tmp_path)
    yield found
    found.connection.close()
    found.endpoint.finish(0.5)
