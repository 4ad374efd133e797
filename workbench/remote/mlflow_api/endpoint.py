"""MLflow's tracking interface beside a run: its unmodified script logs there, and records come of it.

It belongs to one run, listens on this machine only, and knows callers by a token that is in that run's
environment and nowhere else. What it is told is on disk before it answers, so nothing is lost with it.
"""

import os
import threading
from typing import Any, Dict, Optional

from workbench.remote.mlflow_api.http import Server
from workbench.remote.mlflow_api.journal import Journal
from workbench.remote.mlflow_api.routes import Routes
from workbench.remote.mlflow_api.runs import Runs

URI = "MLFLOW_TRACKING_URI"
TOKEN = "MLFLOW_TRACKING_TOKEN"
HOST = "127.0.0.1"


class MlflowEndpoint(object):
    """The endpoint of one attempt of a run: `environment` says where it will be.

    directory: the run's folder. spec: what was asked for. token, port: as an earlier process of the same
    attempt had them, to take its place; absent: new ones.
    """

    def __init__(self, directory, spec, token="", port=0):
        # type: (str, Dict[str, Any], str, int) -> None
        run_id = str(spec["run"])
        self._experiment = str(spec.get("experiment") or "default")
        self._token = token or os.urandom(24).hex()
        tags = spec.get("tags") if isinstance(spec.get("tags"), dict) else {}
        texts = {str(name): "" if value is None else str(value) for name, value in (tags or {}).items()}
        name = str(spec.get("name") or run_id)
        user = str(spec.get("submitted_by") or os.environ.get("USER") or "user")
        attempt = int(spec.get("attempt") or 1)
        journal = Journal(directory, attempt)
        self._runs = Runs(directory, run_id, attempt, name, user, texts, journal)
        routes = Routes(self._runs, directory, self._experiment, journal)
        self._server = Server(routes, self._token, port)
        self._thread = None  # type: Optional[threading.Thread]

    @property
    def port(self):
        # type: () -> int
        """Where it listens."""
        return self._server.port

    def environment(self):
        # type: () -> Dict[str, str]
        """What the run's command finds in its environment.

        No run or experiment is named there: a script that turns to a server of its own would ask that one
        for them and fail. The first run that a script begins here is the run itself.
        """
        return {
            URI: "http://%s:%d" % (HOST, self.port),
            TOKEN: self._token,
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # there are no pages behind its addresses
        }

    def start(self):
        # type: () -> None
        """Answer calls, in threads."""
        self._thread = threading.Thread(target=self._server.serve, name="mlflow-accept")
        self._thread.daemon = True
        self._thread.start()

    def finish(self, seconds=2.0):
        # type: (float) -> None
        """Answer what is being asked, within so many seconds, and no more."""
        self._server.finish(seconds)
        if self._thread is not None:
            self._thread.join(1.0)
        self._runs.close()
