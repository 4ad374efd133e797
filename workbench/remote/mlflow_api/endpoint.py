"""MLflow's tracking interface beside a run: its unmodified script logs there, and records come of it.

It belongs to one run, listens on this machine only, and knows callers by a token that is in that run's
environment and nowhere else. What it is told is on disk before it answers, so nothing is lost with it.
"""

import glob
import os
import sys
import threading
from typing import Any, Dict, Mapping, Optional

from workbench.remote.mlflow_api.http import Server
from workbench.remote.mlflow_api.routes import Routes
from workbench.remote.mlflow_api.runs import EXPERIMENT, Runs

URI = "MLFLOW_TRACKING_URI"
TOKEN = "MLFLOW_TRACKING_TOKEN"
HOST = "127.0.0.1"
_FOLDERS = ("lib/python3*/site-packages", "lib64/python3*/site-packages", "lib/python3/dist-packages",
            "local/lib/python3*/dist-packages")  # fmt: skip


class MlflowEndpoint(object):
    """The endpoint of one attempt of a run: `environment` says where it will be.

    directory: the run's folder. spec: what was asked for. token, port: as an earlier process of the same
    attempt had them, to take its place; absent: new ones.
    """

    def __init__(self, directory, spec, token="", port=0):
        # type: (str, Dict[str, Any], str, int) -> None
        run_id = str(spec["run"])
        self._run_id = run_id
        self._experiment = str(spec.get("experiment") or "default")
        self._token = token or os.urandom(24).hex()
        tags = spec.get("tags") if isinstance(spec.get("tags"), dict) else {}
        texts = {str(name): "" if value is None else str(value) for name, value in (tags or {}).items()}
        name = str(spec.get("name") or run_id)
        user = str(spec.get("user") or os.environ.get("USER") or "user")
        self._runs = Runs(directory, run_id, int(spec.get("attempt") or 1), name, user, texts)
        routes = Routes(self._runs, directory, self._experiment)
        self._server = Server(routes, self._token, port)
        self._thread = None  # type: Optional[threading.Thread]

    @property
    def port(self):
        # type: () -> int
        """Where it listens."""
        return self._server.port

    def environment(self):
        # type: () -> Dict[str, str]
        """What the run's command finds in its environment."""
        return {
            URI: "http://%s:%d" % (HOST, self.port),
            TOKEN: self._token,
            "MLFLOW_RUN_ID": self._run_id,
            "MLFLOW_EXPERIMENT_ID": EXPERIMENT,
            "MLFLOW_EXPERIMENT_NAME": self._experiment,
        }

    def start(self):
        # type: () -> None
        """Answer calls, in threads."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="mlflow-accept")
        self._thread.daemon = True
        self._thread.start()

    def finish(self, seconds=2.0):
        # type: (float) -> None
        """Answer what is being asked, within so many seconds, and no more."""
        if self._thread is None:
            self._server.server_close()
        else:
            self._server.finish(seconds)
            self._thread.join(1.0)
        self._runs.close()


def wanted(spec, environment):
    # type: (Dict[str, Any], Mapping[str, str]) -> bool
    """Whether a run gets an endpoint. environment: of its command.

    Not where its configuration says `mlflow: off` or the user has a tracking server, nor where its
    interpreter has no MLflow, unless the configuration says `mlflow: on`: a setup line may bring it.
    """
    asked = spec.get("mlflow")
    if asked is False or environment.get(URI):
        return False
    return asked is True or has_mlflow(str(spec.get("python") or sys.executable), environment)


def has_mlflow(python, environment):
    # type: (str, Mapping[str, str]) -> bool
    """Whether an interpreter can import mlflow, told by its folders alone: starting it costs too much."""
    folders = [folder for folder in environment.get("PYTHONPATH", "").split(os.pathsep) if folder]
    prefixes = [os.path.dirname(os.path.dirname(os.path.abspath(python)))]
    if not os.path.exists(os.path.join(prefixes[0], "pyvenv.cfg")) or _shared(prefixes[0]):
        prefixes.append(os.path.dirname(os.path.dirname(os.path.realpath(python))))
        prefixes.append(os.path.join(environment.get("HOME", "/nonexistent"), ".local"))
        prefixes += ["/usr/local", "/usr"] if prefixes[1] in ("/usr", "/usr/local") else []
    for prefix in prefixes:
        for pattern in _FOLDERS:
            folders += glob.glob(os.path.join(glob.escape(prefix), pattern))
    return any(os.path.isfile(os.path.join(folder, "mlflow", "__init__.py")) for folder in folders)


def _shared(prefix):
    # type: (str) -> bool
    """Whether a virtual environment also sees what is installed outside of it."""
    try:
        with open(os.path.join(prefix, "pyvenv.cfg"), encoding="utf-8", errors="replace") as opened:
            return "include-system-site-packages = true" in opened.read(8192).lower()
    except OSError:
        return True
