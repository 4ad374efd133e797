"""Run by an interpreter that has MLflow, with a tracking address and a run in its environment.

Calls MLflow as scripts do and prints, as one JSON object, what each group of calls found.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import sys
import tempfile
import threading
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, LoggedModelOutput, Metric
from mlflow.exceptions import MlflowException, RestException

OWN = os.environ["MLFLOW_RUN_ID"]


def code(action: Any, *args: Any, **named: Any) -> str:
    try:
        action(*args, **named)
    except (MlflowException, RestException) as error:
        return str(error.error_code)
    return "done"


def names(runs: Any) -> list[str]:
    return [run.info.run_name for run in runs]


def plain(value: float) -> Any:
    return value if math.isfinite(value) else str(value)


def experiment() -> dict[str, Any]:
    here = mlflow.get_experiment(os.environ["MLFLOW_EXPERIMENT_ID"])
    by_name = mlflow.get_experiment_by_name(here.name)
    found = {
        "same": by_name.experiment_id == here.experiment_id,
        "unknown": mlflow.get_experiment_by_name("nobody made this"),
        "missing": code(mlflow.get_experiment, "987654"),
        "listed": here.experiment_id in [one.experiment_id for one in mlflow.search_experiments()],
    }
    mlflow.create_experiment("made here")
    found["again"] = code(mlflow.create_experiment, "made here")
    found["made"] = mlflow.get_experiment_by_name("made here").name
    return found


def metrics() -> dict[str, Any]:
    client = MlflowClient()
    for step, value in enumerate([1.0, 0.5, math.nan, 1e-300, -7]):
        client.log_metric(OWN, "loss", value, timestamp=1700000000000 + step, step=step)
    client.log_metric(OWN, "late", 2.0, timestamp=1700000000900, step=9)
    client.log_metric(OWN, "late", 1.0, timestamp=1700000000901, step=3)
    client.log_metric(OWN, "train/loss é", 3, timestamp=5)
    many = [Metric(f"m{n % 40}", float(n), 1700000000000 + n, n) for n in range(1000)]
    client.log_batch(OWN, metrics=many)
    history = [[p.step, p.timestamp, plain(p.value)] for p in client.get_metric_history(OWN, "loss")]
    data = client.get_run(OWN).data.metrics
    too_many = [Metric("x", 1.0, 1, n) for n in range(1001)]
    return {
        "history": history,
        "late": data["late"],
        "unicode": data["train/loss é"],
        "m39": data["m39"],
        "m39 values": len(client.get_metric_history(OWN, "m39")),
        "none": client.get_metric_history(OWN, "never logged"),
        "over a batch": code(client.log_batch, OWN, metrics=too_many),
        "bad name": code(client.log_metric, OWN, "a\nb", 1.0),
        "unknown run": code(client.log_metric, "nobody", "a", 1.0),
    }


def params_and_tags() -> dict[str, Any]:
    client = MlflowClient()
    client.log_param(OWN, "lr", 1e-3)
    client.log_param(OWN, "lr", 1e-3)
    changed = code(client.log_param, OWN, "lr", 2)
    client.set_tag(OWN, "note", "one")
    client.set_tag(OWN, "note", "two")
    client.set_tag(OWN, "gone", "x")
    client.delete_tag(OWN, "gone")
    missing = code(client.delete_tag, OWN, "gone")
    client.set_tag(OWN, "long", "x" * 9000)
    run = client.get_run(OWN)
    return {
        "lr": run.data.params["lr"],
        "changed": changed,
        "note": run.data.tags["note"],
        "gone": "gone" in run.data.tags,
        "missing": missing,
        "long": len(run.data.tags["long"]),
    }


def fluent() -> dict[str, Any]:
    with mlflow.start_run() as run:
        resumed = run.info.run_id == OWN
        mlflow.log_params({f"p{n}": n for n in range(250)})
        mlflow.log_metrics({"a": 1.0, "b": 2.0}, step=4)
        mlflow.log_metric("quiet", 1.0, synchronous=False)
        mlflow.flush_async_logging()
        for fold in range(3):
            with mlflow.start_run(nested=True, run_name=f"fold {fold}"):
                mlflow.log_metric("acc", fold / 4)
                mlflow.log_param("kind", "ab"[fold % 2])
                with mlflow.start_run(nested=True, run_name=f"deep {fold}"):
                    mlflow.set_tag("depth", 2)
        try:
            with mlflow.start_run(nested=True, run_name="fails"):
                raise RuntimeError("on purpose")
        except RuntimeError:
            pass
    run = mlflow.get_run(OWN)
    children = mlflow.search_runs(filter_string=f"tags.mlflow.parentRunId = '{OWN}'", output_format="list")
    first = next(one for one in children if one.info.run_name == "fold 0")
    deep = mlflow.search_runs(
        filter_string=f"tags.mlflow.parentRunId = '{first.info.run_id}'", output_format="list"
    )
    return {
        "resumed": resumed,
        "params": len([name for name in run.data.params if name.startswith("p")]),
        "status": run.info.status,
        "ended": run.info.end_time is not None,
        "quiet": run.data.metrics["quiet"],
        "children": sorted((one.info.run_name, one.info.status) for one in children),
        "deep": names(deep),
        "parent": mlflow.get_parent_run(first.info.run_id).info.run_id == OWN,
    }


FILTERS = [
    "metrics.acc > 0.2",
    "metrics.acc >= 0.25 and params.kind = 'a'",
    "params.kind != 'a'",
    "params.kind ILIKE 'A'",
    "tags.mlflow.runName LIKE 'fold%'",
    "tags.`mlflow.runName` ILIKE 'FOLD _'",
    "attributes.status = 'FAILED'",
    "run_name = 'fold 1'",
    'metrics."acc" <= 0',
    "attributes.run_name LIKE '%d%' and params.kind = 'b'",
]


def search() -> dict[str, Any]:
    client = MlflowClient()
    here = [os.environ["MLFLOW_EXPERIMENT_ID"]]
    found: dict[str, Any] = {}
    for text in FILTERS:
        found[text] = sorted(names(client.search_runs(here, text)))
    found["by acc"] = names(
        client.search_runs(here, "tags.mlflow.runName LIKE 'fold%'", order_by=["metrics.acc DESC"])
    )
    found["by name"] = names(
        client.search_runs(here, "metrics.acc >= 0", order_by=["tags.`mlflow.runName` ASC"])
    )
    page = client.search_runs(here, "metrics.acc >= 0", max_results=2, order_by=["metrics.acc ASC"])
    rest = client.search_runs(
        here, "metrics.acc >= 0", max_results=2, order_by=["metrics.acc ASC"], page_token=page.token
    )
    found["pages"] = [names(page), names(rest), rest.token]
    for text in (
        "metrics.acc ~ 3",
        "bogus.x = 1",
        "metrics.acc >",
        "metrics.acc = 'x'",
        "params.kind = 'a' or 1",
    ):
        found[f"wrong {text}"] = code(client.search_runs, here, text)
    return found


def lifecycle() -> dict[str, Any]:
    client = MlflowClient()
    here = os.environ["MLFLOW_EXPERIMENT_ID"]
    run = client.create_run(here, run_name="to go", tags={"k": "v"}, start_time=1700000000000)
    one = run.info.run_id
    client.update_run(one, name="renamed")
    client.delete_run(one)
    hidden = client.search_runs([here], "tags.k = 'v'")
    deleted = client.search_runs([here], "tags.k = 'v'", run_view_type=2)
    client.restore_run(one)
    client.set_terminated(one, "KILLED", end_time=1700000005000)
    after = client.get_run(one)
    return {
        "hidden": names(hidden),
        "deleted": [(n.info.run_name, n.info.lifecycle_stage) for n in deleted],
        "after": [after.info.run_name, after.info.status, after.info.start_time, after.info.end_time],
        "tags": after.data.tags["k"],
        "unknown": code(client.get_run, "nobody"),
    }


def files() -> dict[str, Any]:
    client = MlflowClient()
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "in"))
        for name in ("x.txt", "in/y ü.bin"):
            with open(os.path.join(folder, name), "wb") as opened:
                opened.write(name.encode())
        open(os.path.join(folder, "empty"), "w").close()
        with open(os.path.join(folder, "big"), "wb") as opened:
            opened.write(bytes(range(256)) * 20000)
        client.log_artifacts(OWN, folder, "all")
        client.log_artifact(OWN, os.path.join(folder, "x.txt"))
        client.log_text(OWN, "one", "t/a.txt")
        client.log_text(OWN, "two", "t/a.txt")
        client.log_dict(OWN, {"k": 1}, "d.json")
        got = mlflow.artifacts.download_artifacts(
            run_id=OWN, artifact_path="all", dst_path=os.path.join(folder, "got")
        )
        sizes = {}
        for place, _, found in os.walk(got):
            for name in found:
                path = os.path.join(place, name)
                sizes[os.path.relpath(path, got)] = os.path.getsize(path)
        text = mlflow.artifacts.load_text(f"runs:/{OWN}/t/a.txt")
        data = mlflow.artifacts.load_dict(f"runs:/{OWN}/d.json")
    return {
        "root": [
            [f.path, f.is_dir, f.file_size or 0]
            for f in client.list_artifacts(OWN)
            if f.path in ("all", "d.json", "t", "x.txt")
        ],
        "all": [[f.path, f.is_dir, f.file_size or 0] for f in client.list_artifacts(OWN, "all")],
        "file": len(client.list_artifacts(OWN, "x.txt")),
        "nothing": len(client.list_artifacts(OWN, "nothing")),
        "sizes": sizes,
        "text": text,
        "dict": data,
        "missing": missing(client),
    }


def missing(client: MlflowClient) -> bool:
    try:
        client.download_artifacts(OWN, "nothing.txt")
    except Exception:
        return True
    return False


def inputs() -> dict[str, Any]:
    client = MlflowClient()
    data = Dataset("iris", "abc123", "local", json.dumps({"uri": "/data/iris"}), schema="{}", profile="{}")
    for _ in range(2):
        client.log_inputs(OWN, [DatasetInput(data, [])])
    found = [
        [one.dataset.name, one.dataset.digest, one.dataset.source_type]
        for one in client.get_run(OWN).inputs.dataset_inputs
    ]
    by = names(client.search_runs([os.environ["MLFLOW_EXPERIMENT_ID"]], "dataset.name = 'iris'"))
    return {"datasets": found, "by name": len(by)}


def models() -> dict[str, Any]:
    client = MlflowClient()
    here = os.environ["MLFLOW_EXPERIMENT_ID"]
    many = {f"p{n}": str(n) for n in range(230)}
    model = client.create_logged_model(
        here, name="net", source_run_id=OWN, tags={"t": "1"}, params=many, model_type="tree"
    )
    pending = str(model.status)
    client.log_outputs(OWN, [LoggedModelOutput(model.model_id, 0)])
    client.finalize_logged_model(model.model_id, "READY")
    client.set_logged_model_tags(model.model_id, {"u": "2"})
    client.delete_logged_model_tag(model.model_id, "t")
    mlflow.log_metric("quality", 0.9, model_id=model.model_id, run_id=OWN)
    found = client.get_logged_model(model.model_id)
    searched = client.search_logged_models([here], filter_string="name = 'net' and params.p3 = '3'")
    none = client.search_logged_models([here], filter_string="name = 'no such'")
    other = client.create_logged_model(here, name="bad", source_run_id=OWN)
    client.delete_logged_model(other.model_id)
    return {
        "pending": pending,
        "status": str(found.status),
        "name": found.name,
        "type": found.model_type,
        "params": len(found.params),
        "tags": found.tags,
        "metrics": [[m.key, m.value] for m in found.metrics],
        "searched": [one.name for one in searched],
        "none": len(none),
        "outputs": len(client.get_run(OWN).outputs.model_outputs),
        "deleted": code(client.get_logged_model, other.model_id),
        "unknown": code(client.get_logged_model, "m-" + "0" * 32),
    }


def crowd() -> dict[str, Any]:
    """Eight threads that log the same name."""
    client = MlflowClient()
    run = client.create_run(os.environ["MLFLOW_EXPERIMENT_ID"], run_name="crowd").info.run_id

    def log(first: int) -> None:
        for step in range(25):
            client.log_metric(run, "same", float(first), step=first * 25 + step)

    threads = [threading.Thread(target=log, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"steps": sorted(p.step for p in client.get_metric_history(run, "same")) == list(range(200))}


def sklearn() -> dict[str, Any]:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    data, target = load_iris(return_X_y=True)
    mlflow.autolog(silent=True)
    with mlflow.start_run(run_name="iris") as run:
        model = LogisticRegression(max_iter=200).fit(data, target)
        info = mlflow.sklearn.log_model(model, name="kept")
    mlflow.autolog(disable=True, silent=True)
    kept = mlflow.get_run(run.info.run_id)
    again = mlflow.sklearn.load_model(info.model_uri)
    old_form = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/kept")
    return {
        "metrics": sorted(kept.data.metrics),
        "param": kept.data.params["max_iter"],
        "models": sorted(
            one.name
            for one in mlflow.search_logged_models(
                filter_string=f"source_run_id='{run.info.run_id}'", output_format="list"
            )
        ),
        "outputs": len(kept.outputs.model_outputs),
        "datasets": len(kept.inputs.dataset_inputs),
        "same": bool(
            (again.predict(data) == model.predict(data)).all()
            and (old_form.predict(data) == model.predict(data)).all()
        ),
    }


GROUPS = [experiment, metrics, params_and_tags, fluent, search, lifecycle, files, inputs, models, crowd]

if __name__ == "__main__":
    if importlib.util.find_spec("sklearn"):
        GROUPS.append(sklearn)
    answers = {}
    for group in GROUPS:
        try:
            answers[group.__name__] = group()
        except Exception as error:
            answers[group.__name__] = {"raised": f"{type(error).__name__}: {error}"}
    json.dump(answers, sys.stdout)
