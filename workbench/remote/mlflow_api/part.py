"""The MLflow endpoint as the companion carries it."""

from typing import Dict
from urllib.parse import urlsplit

from workbench.remote.mlflow_api.endpoint import TOKEN, URI, MlflowEndpoint
from workbench.remote.runs.companion_part import Beside, Part


class MlflowPart(Part):
    """Answers while the command runs. One that takes a crashed one's place is found at the same address."""

    def __init__(self, beside: Beside) -> None:
        port = urlsplit(beside.known.get(URI, "")).port or 0
        self._endpoint = MlflowEndpoint(beside.folder.path, beside.spec, beside.known.get(TOKEN, ""), port)

    def environment(self) -> Dict[str, str]:
        """Where it is, and the run's token."""
        return self._endpoint.environment()

    def start(self) -> None:
        """Answer calls."""
        self._endpoint.start()

    def finish(self, seconds: float) -> None:
        """The command is over: whoever asked has gone."""
        self._endpoint.finish(min(seconds, 1.0))
