"""Which address of MLflow's REST interface is answered by what, and in which words the others are refused."""

import threading
from typing import Any, Dict, Iterable, List, Set
from urllib.parse import parse_qs, unquote

from workbench.remote.mlflow_api import wire
from workbench.remote.mlflow_api.files import Files, Place, place_of
from workbench.remote.mlflow_api.journal import Journal
from workbench.remote.mlflow_api.model_calls import ModelCalls
from workbench.remote.mlflow_api.models import Models
from workbench.remote.mlflow_api.run_calls import RunCalls
from workbench.remote.mlflow_api.runs import Runs
from workbench.remote.mlflow_api.wire import DENIED, NO_ENDPOINT, UNSUPPORTED, Refused

API = "/api/2.0/mlflow/"
UI = "/ajax-api/2.0/mlflow/"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
MULTIPART = ("/api/2.0/mlflow-artifacts/mpu/", "/api/2.0/mlflow-artifacts/presigned/")
SERVER_INFO = "/api/3.0/mlflow/server-info"
REGISTRY = ("registered-models/", "model-versions/")
NO_REGISTRY = (
    "there is no model registry inside a run: the models it logs are kept with it, in outputs/models, from "
    "where `wb run download` fetches them"
)
NO_MULTIPART = "Multipart upload is not supported for the current artifact repository"

Body = Dict[str, Any]


class Routes(object):
    """All calls that are answered with JSON, one at a time; and the places of artifacts, which are not.

    directory: the run's folder. Safe from any thread.
    """

    def __init__(self, runs, directory, experiment, journal):
        # type: (Runs, str, str, Journal) -> None
        self._runs = runs
        self._models = Models(journal)
        self.files = Files(directory)
        self._model_calls = ModelCalls(runs, self._models)
        self._table = RunCalls(runs, self._models, experiment, journal).table()
        self._table.update(self._model_calls.table())
        self._lock = threading.Lock()
        self._refusals = set()  # type: Set[str]

    def answer(self, method, path, query, body):
        # type: (str, str, str, bytes) -> Body
        """The answer to a call. Raises Refused."""
        with self._lock:
            asked = wire.decoded(body)
            asked.update(_query(query))
            return self._answer(method, path, asked)

    def is_artifact(self, path):
        # type: (str) -> bool
        """Whether an address is that of a file, whose body is streamed."""
        return path.startswith(ARTIFACTS + "/")

    def place(self, path):
        # type: (str) -> Place
        """Where an artifact's address leads. Raises Refused."""
        return self._place(unquote(path[len(ARTIFACTS) :], errors="surrogateescape"))

    def keep(self, path, pieces):
        # type: (str, Iterable[bytes]) -> None
        """Take an uploaded file in. Raises Refused, OSError."""
        place = self.place(path)
        kept = self.files.put(place, pieces)
        with self._lock:
            parts = place.root.split("/")
            if len(parts) < 3:
                self._runs.artifact(self._runs.own, place.below, kept)
            elif parts[1] == "children":
                self._runs.artifact(self._runs.get(parts[2]), place.below, kept)

    def _answer(self, method, path, asked):
        # type: (str, str, Body) -> Body
        if path == SERVER_INFO:
            off = ("workspaces", "trace_archival", "multipart_uploads", "multipart_downloads")
            return dict({"%s_enabled" % what: False for what in off}, store_type="SqlStore")
        if path.rstrip("/") == ARTIFACTS and method == "GET":
            place = self._place(wire.text_of(asked, "path", ""))
            return {"files": self.files.listed(place)}
        if path.startswith(MULTIPART):
            raise Refused(UNSUPPORTED, NO_MULTIPART)
        for begin in (API, UI):
            if path.startswith(begin):
                return self._call(method, path[len(begin) :].rstrip("/"), asked)
        raise Refused(NO_ENDPOINT, "%s: this is not answered inside a run" % path[:200])

    def _call(self, method, name, asked):
        # type: (str, str, Body) -> Body
        found = self._table.get((method, name))
        if found is not None:
            return found(asked)
        if name.startswith(REGISTRY):
            self._tell_once("a call of MLflow's model registry was refused: " + NO_REGISTRY)
            raise Refused(DENIED, NO_REGISTRY)
        parts = [unquote(part) for part in name.split("/")]
        if parts[0] == "logged-models" and len(parts) > 1:
            return self._model_calls.of_one(method, parts[1:], asked)
        if name == "artifacts/list":
            run = self._runs.get(wire.text_of(asked, "run_id"))
            below = wire.text_of(asked, "path", "").strip("/")
            place = self._place("0/%s/artifacts/%s" % (run.id, below))
            files = self.files.listed(place)
            for one in files if below else []:
                one["path"] = "%s/%s" % (below, one["path"])
            return {"root_uri": run.artifacts, "files": files}
        raise Refused(NO_ENDPOINT, "%s: this is not answered inside a run" % name[:200])

    def _place(self, path):
        # type: (str) -> Place
        return place_of(path, self._runs.own.id, self._runs.has, self._models.has)

    def _tell_once(self, text):
        # type: (str) -> None
        if text not in self._refusals:
            self._refusals.add(text)
            self._runs.warn(text)


def _query(query):
    # type: (str) -> Body
    """What stands after the question mark; several values of a name are a list."""
    found = {}  # type: Body
    for name, values in parse_qs(query, keep_blank_values=True).items():
        some = values[:1000]  # type: List[str]
        found[name] = some[0] if len(some) == 1 else some
    return found
