"""MLflow's calls about the models that a run logs."""

from typing import Any, Callable, Dict, List, Tuple

from workbench.remote.mlflow_api import wire
from workbench.remote.mlflow_api.models import STATUSES, LoggedModel, Models, values_of
from workbench.remote.mlflow_api.runs import EXPERIMENT, Runs
from workbench.remote.mlflow_api.search import fits, order_of, ordered, parse
from workbench.remote.mlflow_api.wire import BAD, NO_ENDPOINT, Refused

MOST_FOUND = 1000
Body = Dict[str, Any]


class ModelCalls(object):
    """Answers logged-models/..."""

    def __init__(self, runs, models):
        # type: (Runs, Models) -> None
        self._runs = runs
        self._models = models

    def table(self):
        # type: () -> Dict[Tuple[str, str], Callable[[Body], Body]]
        """(HTTP method, path below /api/2.0/mlflow/) -> what answers it."""
        return {("POST", "logged-models"): self.create, ("POST", "logged-models/search"): self.search}

    def of_one(self, method, parts, body):
        # type: (str, List[str], Body) -> Body
        """The calls whose address names a model: parts is what follows logged-models/."""
        deleted = str(body.get("allow_deleted", "")).lower() == "true"
        model = self._models.get(parts[0], deleted)
        what = (method, parts[1] if len(parts) > 1 else "")
        if what == ("GET", ""):
            return {"model": model.out()}
        if what == ("PATCH", ""):
            self._finish(model, body)
        elif what == ("DELETE", ""):
            model.deleted = True
            self._models.keep(model)
            return {}
        elif what == ("POST", "params"):
            self._models.add_params(model, dict(wire.tags_of(wire.items_of(body, "params"), "param")))
        elif what == ("PATCH", "tags"):
            model.tags.update(wire.tags_of(wire.items_of(body, "tags")))
        elif what == ("DELETE", "tags") and len(parts) == 3:
            model.tags.pop(parts[2], None)
        else:
            raise Refused(NO_ENDPOINT, "no such call of a logged model")
        model.updated = self._runs.now()
        self._models.keep(model)
        return {"model": model.out()}

    def create(self, body):
        # type: (Body) -> Body
        """A new model, of a run or of none."""
        run_id = wire.text_of(body, "source_run_id", "")
        if run_id:
            self._runs.get(run_id)
        name, kind = wire.text_of(body, "name", "", 250), wire.text_of(body, "model_type", "", 500)
        model = self._models.create(name, kind, run_id, self._runs.now())
        self._models.add_params(model, dict(wire.tags_of(wire.items_of(body, "params"), "param")))
        model.tags.update(wire.tags_of(wire.items_of(body, "tags")))
        self._models.keep(model)
        return {"model": model.out()}

    def search(self, body):
        # type: (Body) -> Body
        """Those that a filter fits."""
        wanted = parse(wire.text_of(body, "filter", "", 1 << 20))
        experiments = wire.texts_of(body, "experiment_ids")
        found = [
            model
            for model in (self._models.all() if not experiments or EXPERIMENT in experiments else [])
            if fits(wanted, model.values)
        ]
        orders = []
        for one in wire.items_of(body, "order_by"):
            field = wire.text_of(one, "field_name")
            orders.append((order_of(field)[0], one.get("ascending") is not False))
        some, token = wire.page(ordered(found, orders, values_of), body, 100, MOST_FOUND)
        answer = {"models": [model.out() for model in some]}  # type: Body
        return dict(answer, next_page_token=token) if token else answer

    def _finish(self, model, body):
        # type: (LoggedModel, Body) -> None
        status = body.get("status")
        status = STATUSES.get(status, "") if isinstance(status, int) else status
        if status not in STATUSES.values():
            raise Refused(BAD, "Invalid status of a logged model: %s" % str(status)[:100])
        model.status = str(status)
        run = self._runs.get(model.run_id) if model.run_id else self._runs.own
        self._runs.artifact(run, model.name, "outputs/models/%s" % model.id)
