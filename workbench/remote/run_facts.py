"""What a run knows of itself without asking anybody: its environment variables and its spec.json."""

import os

from workbench.remote.complaints import guarded, nothing
from workbench.remote.record_form import ENV_INPUT, ENV_WORKSPACE
from workbench.remote.records import rank_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

INPUT_PREFIXES = ("AZUREML_DATAREFERENCE_", ENV_INPUT)


class Named(str):
    """A name that also has `.name`, and an experiment's `.workspace`, for scripts that ask for them."""

    workspace: "Optional[Named]" = None

    @property
    def name(self) -> str:
        """The text itself."""
        return str.__str__(self)


class RunFacts(object):
    """The readable side of a run: id, attempt, experiment, name, rank, inputs, tags, properties, secrets."""

    parent: "Optional[Any]" = None
    """The run that made this one; None for one that was submitted (AZ-84)."""

    def __init__(self, run_id: str, directory: str, attempt: int, experiment: str) -> None:
        self.id = run_id
        self.directory = directory
        self.attempt = attempt
        self.experiment = Named(experiment)
        self.experiment.workspace = Named(os.environ.get(ENV_WORKSPACE, ""))
        self._asked: "Optional[Dict[str, Any]]" = None
        self._tags: "Dict[str, Optional[str]]" = {}
        self._properties: "Dict[str, str]" = {}

    def complain(self, text: str, about: str, name: str = "") -> None:
        """Say once, about this kind of mistake and name, what was wrong with a call."""
        raise NotImplementedError

    @property
    def rank(self) -> int:
        """This process' rank among the run's processes, 0 for the first or only one."""
        return rank_of(os.environ)

    @property
    def name(self) -> str:
        """The run's display name; its id where that is not known."""
        found = self._spec().get("name")
        return found if isinstance(found, str) and found else self.id

    @property
    def display_name(self) -> str:
        """The same as name."""
        return self.name

    @property
    def input_datasets(self) -> "Dict[str, str]":
        """The path of each named input on this machine (AZ-57, AZ-58)."""
        found: "Dict[str, str]" = {}
        for variable, path in os.environ.items():
            for prefix in INPUT_PREFIXES:
                if variable.startswith(prefix) and len(variable) > len(prefix):
                    found[variable[len(prefix) :]] = path
        return found

    @guarded(dict)
    def get_tags(self) -> "Dict[str, Optional[str]]":
        """The tags given at submit and those set by this process."""
        tags = self._asked_for("tags")
        tags.update(self._tags)
        return tags

    @guarded(dict)
    def get_properties(self) -> "Dict[str, str]":
        """The properties given at submit and those added by this process."""
        properties = dict(self._properties)
        properties.update(self._asked_for("properties"))
        return properties

    @guarded(nothing)
    def get_secret(self, name: str) -> "Optional[str]":
        """The value of a secret named at submit; None, with a warning, where this run was given none."""
        for variable in (name, name.upper().replace("-", "_")):
            if variable in os.environ:
                return os.environ[variable]
        self.complain("get_secret: this run was given no secret named %s" % name, "secret", name)
        return None

    def get_status(self) -> str:
        """Its state as its own script can know it: it runs."""
        return "Running"

    @guarded(dict)
    def get_details(self) -> "Dict[str, Any]":
        """What a script can know of its run (AZ-74): runId, status, experiment, properties, tags, inputs."""
        return {
            "runId": self.id,
            "status": self.get_status(),
            "experiment": str(self.experiment),
            "properties": self.get_properties(),
            "tags": self.get_tags(),
            "inputDatasets": self.input_datasets,
        }

    def get_environment(self) -> "Dict[str, str]":
        """The interpreter this process runs on: python (its version), executable, platform."""
        import sys

        version = "%d.%d.%d" % sys.version_info[:3]
        return {"python": version, "executable": sys.executable or "", "platform": sys.platform}

    def _asked_for(self, key: str) -> "Dict[str, Any]":
        found = self._spec().get(key)
        return dict(found) if isinstance(found, dict) else {}

    def _spec(self) -> "Dict[str, Any]":
        """What was asked for at submit; empty where the folder has no readable spec.json."""
        if self._asked is None:
            import json

            self._asked = {}
            try:
                with open(os.path.join(self.directory, "spec.json"), encoding="utf-8") as opened:
                    found = json.load(opened)
                if isinstance(found, dict):
                    self._asked = found
            except (OSError, ValueError):
                pass  # an interactive run has none; the caller has a fallback for each fact
        return self._asked
