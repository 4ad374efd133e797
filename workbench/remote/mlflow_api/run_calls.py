"""MLflow's calls about experiments, runs, metrics, params and tags."""

from typing import Any, Callable, Dict, List, Tuple

from workbench.remote.mlflow_api import wire
from workbench.remote.mlflow_api.history import history
from workbench.remote.mlflow_api.journal import EXPERIMENT_NAME, Journal
from workbench.remote.mlflow_api.models import Models
from workbench.remote.mlflow_api.runs import EXPERIMENT, Metric, Runs, TrackedRun
from workbench.remote.mlflow_api.search import (
    ATTRIBUTE,
    DATASET,
    METRIC,
    PARAM,
    TAG,
    fits,
    order_of,
    ordered,
    parse,
)
from workbench.remote.mlflow_api.wire import BAD, DENIED, EXISTS, NOT_FOUND, Refused

MOST_FOUND = 50000
HISTORY_PAGE = 25000
MOST_INPUTS = 1000
MOST_NAMED = 1000  # experiments that a script may name
_ALIASES = {
    "created": "start_time", "Created": "start_time", "start time": "start_time", "run name": "run_name",
    "Run name": "run_name", "run id": "run_id", "user": "user_id", "User": "user_id",
}  # fmt: skip

Body = Dict[str, Any]


class RunCalls(object):
    """Answers them. experiment: the name of the run's own, which every id and name of a script's leads to."""

    def __init__(self, runs, models, experiment, journal):
        # type: (Runs, Models, str, Journal) -> None
        self._runs = runs
        self._models = models
        self._journal = journal
        self._names = dict.fromkeys(journal.found.get(EXPERIMENT_NAME, {}), EXPERIMENT)
        self._names.update({"Default": EXPERIMENT, experiment: EXPERIMENT})
        self._experiment = experiment
        self._tags = {}  # type: Dict[str, str]
        self._began = runs.now()

    def table(self):
        # type: () -> Dict[Tuple[str, str], Callable[[Body], Body]]
        """(HTTP method, path below /api/2.0/mlflow/) -> what answers it."""
        return {
            ("GET", "experiments/get-by-name"): self.experiment_by_name,
            ("GET", "experiments/get"): self.experiment,
            ("POST", "experiments/create"): self.create_experiment,
            ("POST", "experiments/search"): self.experiments,
            ("GET", "experiments/search"): self.experiments,
            ("POST", "experiments/set-experiment-tag"): self.tag_experiment,
            ("POST", "experiments/update"): self.experiment_stays,
            ("POST", "experiments/delete"): self.experiment_stays,
            ("POST", "experiments/restore"): self.experiment_stays,
            ("GET", "runs/get"): self.get,
            ("POST", "runs/create"): self.create,
            ("POST", "runs/update"): self.update,
            ("POST", "runs/delete"): lambda body: self.delete(body, True),
            ("POST", "runs/restore"): lambda body: self.delete(body, False),
            ("POST", "runs/search"): self.search,
            ("POST", "runs/log-metric"): self.log_metric,
            ("POST", "runs/log-parameter"): self.log_param,
            ("POST", "runs/log-batch"): self.log_batch,
            ("POST", "runs/set-tag"): self.set_tag,
            ("POST", "runs/delete-tag"): self.delete_tag,
            ("POST", "runs/log-inputs"): self.log_inputs,
            ("POST", "runs/outputs"): self.log_outputs,
            ("POST", "runs/log-model"): self.log_model,
            ("GET", "metrics/get-history"): self.history,
        }

    def experiment_by_name(self, body):
        # type: (Body) -> Body
        """An experiment that the run is in, or that its script made."""
        name = wire.text_of(body, "experiment_name", limit=1000)
        if name not in self._names:
            raise Refused(NOT_FOUND, "Could not find experiment with name '%s'" % name[:200])
        return {"experiment": self._experiment_out(name)}

    def experiment(self, body):
        # type: (Body) -> Body
        """The run's experiment."""
        self._known(wire.text_of(body, "experiment_id"))
        return {"experiment": self._experiment_out(self._experiment)}

    def create_experiment(self, body):
        # type: (Body) -> Body
        """Which experiment a run is in was said when it was submitted: another name is one more for it."""
        name = wire.text_of(body, "name", limit=500)
        if name in self._names:
            raise Refused(EXISTS, "Experiment(name=%s) already exists." % name[:200])
        if len(self._names) >= MOST_NAMED:
            raise Refused(BAD, "a run names at most %d experiments" % MOST_NAMED)
        self._names[name] = EXPERIMENT
        self._journal.keep(EXPERIMENT_NAME, name, EXPERIMENT)
        self._runs.warn(
            "the script asked MLflow for the experiment %s; the run stays in %s" % (name, self._experiment)
        )
        return {"experiment_id": EXPERIMENT}

    def experiments(self, body):
        # type: (Body) -> Body
        """The run's experiment."""
        return {"experiments": [self._experiment_out(self._experiment)]}

    def tag_experiment(self, body):
        # type: (Body) -> Body
        """Kept for the script to read back."""
        self._known(wire.text_of(body, "experiment_id"))
        if len(self._tags) < MOST_NAMED:
            self._tags[wire.name_of(body, "tag")] = wire.text_of(body, "value", "", 20000)
        return {}

    def experiment_stays(self, body):
        # type: (Body) -> Body
        """Always Refused."""
        raise Refused(DENIED, "an experiment is not changed from inside a run: use `wb experiment`")

    def get(self, body):
        # type: (Body) -> Body
        """A run."""
        return {"run": self._run(body).out()}

    def create(self, body):
        # type: (Body) -> Body
        """The run itself for the first that its script begins; a child of it."""
        self._known(wire.text_of(body, "experiment_id", EXPERIMENT))
        tags = dict(wire.tags_of(wire.items_of(body, "tags")))
        user = wire.text_of(body, "user_id", "") or self._runs.own.user
        start = wire.time_of(body, "start_time", self._runs.now())
        run = self._runs.begin(wire.text_of(body, "run_name", "", 1000), user, start, tags)
        return {"run": run.out()}

    def update(self, body):
        # type: (Body) -> Body
        """How a run is, when it ended, and its name."""
        run = self._run(body)
        end = wire.time_of(body, "end_time", 0) or None
        self._runs.named(run)
        status, name = wire.text_of(body, "status", ""), wire.text_of(body, "run_name", "", 1000)
        self._runs.update(run, status, end, name)
        return {"run_info": run.info()}

    def delete(self, body, gone):
        # type: (Body, bool) -> Body
        """Hide a child, or bring it back."""
        self._runs.delete(self._run(body), gone)
        return {}

    def search(self, body):
        # type: (Body) -> Body
        """Of this run and its children, those that a filter fits."""
        wanted = parse(wire.text_of(body, "filter", "", 1 << 20))
        view = wire.text_of(body, "run_view_type", "ACTIVE_ONLY")
        experiments = wire.texts_of(body, "experiment_ids")
        found = []
        for run in self._runs.all() if not experiments or EXPERIMENT in experiments else []:
            if view == "ALL" or run.deleted == (view == "DELETED_ONLY"):
                if fits(wanted, _values_of(run)):
                    found.append(run)
        orders = [order_of(one) for one in wire.texts_of(body, "order_by")]
        found = ordered(found, orders + [("start_time", False)], _values_of)
        some, token = wire.page(found, body, 1000, MOST_FOUND)
        answer = {"runs": [run.out() for run in some]}  # type: Body
        return dict(answer, next_page_token=token) if token else answer

    def log_metric(self, body):
        # type: (Body) -> Body
        """One value."""
        self._log(self._run(body), [body], [], [])
        return {}

    def log_param(self, body):
        # type: (Body) -> Body
        """One param."""
        self._log(self._run(body), [], [body], [])
        return {}

    def set_tag(self, body):
        # type: (Body) -> Body
        """One tag."""
        self._log(self._run(body), [], [], [body])
        return {}

    def delete_tag(self, body):
        # type: (Body) -> Body
        """Take a tag away."""
        self._runs.untag(self._run(body), wire.text_of(body, "key"))
        return {}

    def log_batch(self, body):
        # type: (Body) -> Body
        """Metrics, params and tags; all of them or, when one is wrong, none."""
        metrics, params = wire.items_of(body, "metrics"), wire.items_of(body, "params")
        tags = wire.items_of(body, "tags")
        for what, found, most in (
            ("metrics", metrics, wire.MOST_METRICS),
            ("params", params, wire.MOST_PARAMS),
            ("tags", tags, wire.MOST_TAGS),
            ("entities", metrics + params + tags, wire.MOST_ENTITIES),
        ):
            if len(found) > most:
                text = "A batch logging request can contain at most %d %s. Got %d %s. " % (
                    most, what, len(found), what,
                )  # fmt: skip
                again = "Please split up %s across multiple requests and try again." % what
                raise Refused(BAD, text + again)
        self._log(self._run(body), metrics, params, tags)
        return {}

    def log_inputs(self, body):
        # type: (Body) -> Body
        """Datasets that a run read, as properties too; and models that it used."""
        run = self._run(body)
        for item in wire.items_of(body, "datasets")[:MOST_INPUTS]:
            dataset = item.get("dataset")
            if not isinstance(dataset, dict):
                raise Refused(BAD, "Missing value for required parameter 'dataset'.")
            name = wire.text_of(dataset, "name", limit=500)
            digest = wire.text_of(dataset, "digest", "", 100)
            known = [(one["dataset"].get("name"), one["dataset"].get("digest")) for one in run.inputs]
            if (name, digest) not in known and len(run.inputs) < MOST_INPUTS:
                run.inputs.append(_input(item, dataset, name, digest))
                self._runs.tag(run, [("mlflow.dataset.%s" % name[:200], digest)])
        for item in wire.items_of(body, "models")[:MOST_INPUTS]:
            used = run.model_inputs + [{"model_id": wire.text_of(item, "model_id")}]
            run.model_inputs = used[:MOST_INPUTS]
        self._runs.keep(run)
        return {}

    def log_outputs(self, body):
        # type: (Body) -> Body
        """Models that a run made."""
        run = self._run(body)
        for item in wire.items_of(body, "models")[:MOST_INPUTS]:
            found = {"model_id": wire.text_of(item, "model_id"), "step": wire.whole_of(item, "step")}
            if found not in run.outputs and len(run.outputs) < MOST_INPUTS:
                run.outputs.append(found)
        self._runs.keep(run)
        return {}

    def log_model(self, body):
        # type: (Body) -> Body
        """What older clients say of a model they logged; its files say it all."""
        self._run(body)
        return {}

    def history(self, body):
        # type: (Body) -> Body
        """All values of a metric, a page at a time."""
        run = self._run(body)
        most = min(wire.whole_of(body, "max_results", HISTORY_PAGE) or HISTORY_PAGE, HISTORY_PAGE)
        name = wire.text_of(body, "metric_key", limit=1000)
        found, after = history(run.file.paths, name, wire.offset_of(body), max(1, most))
        answer = {"metrics": found}  # type: Body
        return answer if after is None else dict(answer, next_page_token=str(after))

    def _log(self, run, metrics, params, tags):
        # type: (TrackedRun, List[Body], List[Body], List[Body]) -> None
        now = self._runs.now()
        found = []
        for one in metrics:
            name = wire.name_of(one, "metric")
            value, step = wire.number_of(one.get("value")), wire.whole_of(one, "step")
            found.append(Metric(name, value, wire.time_of(one, "timestamp", now), step))
        self._runs.log(run, found, wire.tags_of(params, "param", wire.MAX_PARAM), wire.tags_of(tags))
        for one, metric in zip(metrics, found):
            if one.get("model_id"):
                self._models.metric(str(one["model_id"]), metric)

    def _run(self, body):
        # type: (Body) -> TrackedRun
        run_id = body.get("run_id") or body.get("run_uuid")
        if not isinstance(run_id, str):
            raise Refused(BAD, "Missing value for required parameter 'run_id'.")
        return self._runs.get(run_id)

    def _known(self, experiment):
        # type: (str) -> None
        if experiment != EXPERIMENT:
            raise Refused(NOT_FOUND, "No Experiment with id=%s exists" % experiment[:100])

    def _experiment_out(self, name):
        # type: (str) -> Body
        return {
            "experiment_id": EXPERIMENT,
            "name": name,
            "artifact_location": "mlflow-artifacts:/" + EXPERIMENT,
            "lifecycle_stage": "active",
            "last_update_time": self._began,
            "creation_time": self._began,
            "tags": wire.entries_out(self._tags),
        }


def _input(item, dataset, name, digest):
    # type: (Body, Body, str, str) -> Body
    """A dataset that was read, as it is given back. Its profile may be megabytes, and is left out."""
    kept = {"name": name, "digest": digest}
    for key in ("source_type", "source", "schema"):
        if dataset.get(key) is not None:
            kept[key] = wire.text_of(dataset, key, "", 65535)
    tags = []
    for one in wire.items_of(item, "tags")[:20]:
        tags.append({"key": str(one.get("key"))[:255], "value": str(one.get("value"))[:500]})
    return {"tags": tags, "dataset": kept}


def _values_of(run):
    # type: (TrackedRun) -> Callable[[str, str], List[Any]]
    """What a filter asks of a run."""

    def values(entity, name):
        # type: (str, str) -> List[Any]
        if entity == METRIC:
            return [run.metrics[name][0]] if name in run.metrics else []
        if entity in (PARAM, TAG):
            held = run.params if entity == PARAM else run.tags
            return [held[name]] if name in held else []
        if entity == DATASET:
            if name == "context":
                return [tag["value"] for one in run.inputs for tag in one["tags"]]
            return [one["dataset"][name] for one in run.inputs if name in one["dataset"]]
        found = run.info().get(_ALIASES.get(name, name)) if entity == ATTRIBUTE else None
        return [] if found is None else [found]

    return values
