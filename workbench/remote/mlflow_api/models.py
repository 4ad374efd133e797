"""The models that are logged inside a run: MLflow's LoggedModel, whose files lie in outputs/models/."""

import os
from typing import Any, Dict, List

from workbench.remote.mlflow_api.journal import MODEL, Journal
from workbench.remote.mlflow_api.runs import EXPERIMENT, Metric, Point
from workbench.remote.mlflow_api.search import ATTRIBUTE, METRIC, PARAM, TAG, Values
from workbench.remote.mlflow_api.wire import BAD, NOT_FOUND, Refused, entries_out, number_out

MOST_MODELS = 5000
MOST_PARAMS = 10000  # of one model
PENDING, READY, UPLOAD_FAILED = "LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"
KEPT = ("name", "kind", "run_id", "created", "updated", "status", "deleted", "params", "tags", "metrics")
STATUSES = {
    0: "LOGGED_MODEL_STATUS_UNSPECIFIED", 1: PENDING, 2: READY, 3: UPLOAD_FAILED,
}  # fmt: skip


class LoggedModel(object):
    """One logged model."""

    def __init__(self, model_id, name, kind, run_id, now):
        # type: (str, str, str, str, int) -> None
        self.id = model_id
        self.name = name
        self.kind = kind
        self.run_id = run_id
        self.created = now
        self.updated = now
        self.status = PENDING
        self.deleted = False
        self.params = {}  # type: Dict[str, str]
        self.tags = {}  # type: Dict[str, str]
        self.metrics = {}  # type: Dict[str, Point]

    def out(self):
        # type: () -> Dict[str, Any]
        """MLflow's LoggedModel."""
        info = {
            "model_id": self.id,
            "experiment_id": EXPERIMENT,
            "name": self.name,
            "creation_timestamp_ms": self.created,
            "last_updated_timestamp_ms": self.updated,
            "artifact_uri": "mlflow-artifacts:/%s/models/%s/artifacts" % (EXPERIMENT, self.id),
            "status": self.status,
            "model_type": self.kind,
            "source_run_id": self.run_id,
            "tags": entries_out(self.tags),
        }
        metrics = []
        for name, (value, moment, step) in self.metrics.items():
            point = {"key": name, "value": number_out(value), "timestamp": moment, "step": step}
            metrics.append(dict(point, model_id=self.id, run_id=self.run_id))
        return {"info": info, "data": {"params": entries_out(self.params), "metrics": metrics}}

    def values(self, entity, name):
        # type: (str, str) -> List[Any]
        """What a filter asks of a model."""
        if entity == METRIC:
            return [self.metrics[name][0]] if name in self.metrics else []
        if entity in (PARAM, TAG):
            held = self.params if entity == PARAM else self.tags
            return [held[name]] if name in held else []
        if entity != ATTRIBUTE:
            return []
        info = self.out()["info"]
        key = {"creation_timestamp": "creation_timestamp_ms", "creation_time": "creation_timestamp_ms",
               "last_updated_timestamp": "last_updated_timestamp_ms"}.get(name, name)  # fmt: skip
        found = info.get(key)
        return [] if found is None or isinstance(found, list) else [found]


class Models(object):
    """All models of the run and its children. Its caller sees to one call at a time."""

    def __init__(self, journal):
        # type: (Journal) -> None
        self._journal = journal
        self._models = {}  # type: Dict[str, LoggedModel]
        for model_id, known in journal.found.get(MODEL, {}).items():
            self._models[model_id] = model = LoggedModel(model_id, "", "", "", 0)
            for name in KEPT:
                setattr(model, name, known[name])

    def keep(self, model):
        # type: (LoggedModel) -> None
        """Journal how a model is now."""
        self._journal.keep(MODEL, model.id, {name: getattr(model, name) for name in KEPT})

    def create(self, name, kind, run_id, now):
        # type: (str, str, str, int) -> LoggedModel
        """A new one, whose files are on their way."""
        if len(self._models) >= MOST_MODELS:
            raise Refused(BAD, "a run logs at most %d models" % MOST_MODELS)
        model_id = "m-" + os.urandom(16).hex()
        model = self._models[model_id] = LoggedModel(model_id, name or model_id, kind, run_id, now)
        return model

    def get(self, model_id, deleted=False):
        # type: (str, bool) -> LoggedModel
        """A model by its id. Raises Refused."""
        found = self._models.get(model_id)
        if found is None or (found.deleted and not deleted):
            raise Refused(NOT_FOUND, "Logged model with ID '%s' not found." % model_id[:100])
        return found

    def has(self, model_id):
        # type: (str) -> bool
        """Whether there is such a model."""
        return model_id in self._models

    def all(self):
        # type: () -> List[LoggedModel]
        """Those that are not deleted, newest first."""
        return [model for model in reversed(list(self._models.values())) if not model.deleted]

    def add_params(self, model, params):
        # type: (LoggedModel, Dict[str, str]) -> None
        """Raises Refused when there would be too many."""
        if len(model.params) + len(params) > MOST_PARAMS:
            raise Refused(BAD, "a logged model has at most %d params" % MOST_PARAMS)
        model.params.update(params)

    def metric(self, model_id, metric):
        # type: (str, Metric) -> None
        """The newest value of a metric that was logged of a model; one that is not known is passed over."""
        model = self._models.get(model_id)
        if model is not None and (metric.name in model.metrics or len(model.metrics) < MOST_PARAMS):
            model.metrics[metric.name] = (metric.value, metric.time, metric.step)


def values_of(model):
    # type: (LoggedModel) -> Values
    """For `search`."""
    return model.values
