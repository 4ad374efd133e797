"""Whatever a request says, it is answered or refused in MLflow's words, and is never a mistake of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.remote.mlflow_api.journal import Journal
from workbench.remote.mlflow_api.routes import API, Routes
from workbench.remote.mlflow_api.runs import Runs
from workbench.remote.mlflow_api.wire import Refused

RUN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
ROUTES = [
    ("GET", "experiments/get-by-name"), ("GET", "experiments/get"), ("POST", "experiments/create"),
    ("POST", "experiments/search"), ("POST", "experiments/set-experiment-tag"), ("GET", "runs/get"),
    ("POST", "runs/create"), ("POST", "runs/update"), ("POST", "runs/delete"), ("POST", "runs/restore"),
    ("POST", "runs/search"), ("POST", "runs/log-metric"), ("POST", "runs/log-parameter"), ("POST", "runs/log-batch"),
    ("POST", "runs/set-tag"), ("POST", "runs/delete-tag"), ("POST", "runs/log-inputs"), ("POST", "runs/outputs"),
    ("POST", "runs/log-model"), ("GET", "metrics/get-history"), ("POST", "logged-models"),
    ("POST", "logged-models/search"), ("GET", "logged-models/m-1"), ("PATCH", "logged-models/MODEL"),
    ("PATCH", "logged-models/MODEL/tags"), ("POST", "logged-models/MODEL/params"), ("DELETE", "logged-models/MODEL/tags/t"),
    ("GET", "artifacts/list"), ("POST", "registered-models/create"), ("GET", "anything"),
]  # fmt: skip
KEYS = (
    "run_id", "run_uuid", "experiment_id", "experiment_ids", "experiment_name", "name", "key", "value", "timestamp",
    "step", "metrics", "params", "tags", "datasets", "dataset", "models", "model_id", "filter", "order_by", "max_results",
    "page_token", "status", "end_time", "start_time", "run_name", "user_id", "path", "metric_key", "digest", "source",
    "field_name", "ascending", "run_view_type", "model_type", "source_run_id",
)  # fmt: skip
FILTERS = ("metrics.a > 1", "params.b = 'x'", "tags.`c d` LIKE '%x'", "name IN ('a')", "start_time IS NULL")
COMPLETE = {
    "run_id": RUN, "key": "a", "value": "1", "name": "net", "metric_key": "a", "experiment_id": "0",
    "experiment_name": "cifar", "timestamp": 1, "step": "2", "metrics": [{"key": "a", "value": 1}],
    "datasets": [{"dataset": {"name": "d", "digest": "1"}}],
}  # fmt: skip
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from([RUN, "0", "MODEL", "FINISHED", "NaN", "metrics.a DESC", "a", *FILTERS]),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
bodies = st.dictionaries(st.sampled_from(KEYS), values, max_size=6)


@pytest.fixture
def routes(tmp_path: Path) -> Iterator[Routes]:
    """The routes of a run with a model."""
    journal = Journal(str(tmp_path), 1)
    runs = Runs(str(tmp_path), RUN, 1, "calm-otter-1", "ann", {}, journal)
    yield Routes(runs, str(tmp_path), "cifar", journal)
    runs.close()


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(route=st.sampled_from(ROUTES), body=bodies, complete=st.booleans())
def test_any_body_is_answered_or_refused(
    routes: Routes, route: tuple[str, str], body: dict[str, Any], complete: bool
) -> None:
    model = routes.answer("POST", API + "logged-models", "", b"{}")["model"]["info"]["model_id"]
    text = json.dumps({**COMPLETE, **body} if complete else body).replace("MODEL", model)
    try:
        answer = routes.answer(route[0], API + route[1].replace("MODEL", model), "", text.encode())
    except Refused as refused:
        json.loads(refused.body())
    else:
        json.loads(json.dumps(answer, allow_nan=False))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "PATCH"]), path=st.text(max_size=60), query=st.text(max_size=60)
)
def test_any_address_is_answered_or_refused(routes: Routes, method: str, path: str, query: str) -> None:
    for begin in (API, API + "logged-models/", "/api/2.0/mlflow-artifacts/artifacts", ""):
        try:
            routes.answer(method, begin + path, query, b"")
        except Refused as refused:
            json.loads(refused.body())
