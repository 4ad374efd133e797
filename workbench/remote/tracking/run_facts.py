"""What a run knows of itself without asking anybody: its environment variables and its spec.json."""

import os

from workbench.remote.forms.record_form import ENV_INPUT, ENV_OUTPUT, ENV_WORKSPACE
from workbench.remote.runs.records import rank_of
from workbench.remote.tracking.complaints import guarded, nothing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple

    from workbench.remote.tabular.inputs import InputTable

INPUT_PREFIXES = ("AZUREML_DATAREFERENCE_", ENV_INPUT)
OUTPUT_PREFIXES = ("AZURE_ML_OUTPUT_", ENV_OUTPUT)


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
        """The path of each named input on this machine (AZ-57, AZ-58).

        That of a tabular dataset is a table as well: .to_pandas_dataframe(), .rows(), .take(10) ...; see
        `open_table`.
        """
        found = _told(INPUT_PREFIXES)
        if not found or not _has_tables(self._spec()):
            return found  # most scripts only want paths: nothing is imported for those
        from workbench.remote.tabular.inputs import tables_of

        return tables_of(found, self._spec())

    def open_table(self, name: str, **definition: "Any") -> "InputTable":
        """A named input as a table; nothing is read before its rows are asked for.

        With the standard library .rows() and .records() one at a time, .columns and .types;
        to_pandas_dataframe, to_polars, to_arrow where their packages are. definition: how it is read, for an
        input that is no tabular dataset and whose suffix does not tell it: format="delimited", separator=";".
        Raises ValueError.
        """
        from workbench.remote.tabular.inputs import opened

        return opened(self.input_datasets, name, definition)

    @property
    def output_datasets(self) -> "Dict[str, str]":
        """Where each named output is to be written on this machine."""
        return _told(OUTPUT_PREFIXES)

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
            "outputDatasets": self.output_datasets,
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


def _has_tables(spec: "Dict[str, Any]") -> bool:
    data = spec.get("data")
    inputs = data.get("inputs") if isinstance(data, dict) else None
    items = inputs.values() if isinstance(inputs, dict) else ()
    return any(isinstance(item, dict) and "table" in item for item in items)


def _told(prefixes: "Tuple[str, ...]") -> "Dict[str, str]":
    """What environment variables with a prefix say, by the rest of their names."""
    found: "Dict[str, str]" = {}
    for variable, path in os.environ.items():
        for prefix in prefixes:
            if variable.startswith(prefix) and len(variable) > len(prefix):
                found[variable[len(prefix) :]] = path
    return found
