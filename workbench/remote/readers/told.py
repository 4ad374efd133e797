"""What the logs of a run say of it as a whole."""

from typing import Any, Dict

from workbench.remote.forms import record_form
from workbench.remote.readers.entries import Entry

NAMES = ("wandb.name", "mlflow.runName")
"""Tags that say how a run is called."""


class Told(object):
    """Takes entries; `facts` has what is known: status, name, first and last (seconds since 1970)."""

    def __init__(self) -> None:
        self.facts: Dict[str, Any] = {}

    def note(self, entry: Entry) -> None:
        """Take one entry into account."""
        if entry.kind == record_form.RECORD_STATUS:
            self.facts["status"] = entry.value
        if entry.kind == record_form.RECORD_TAG and entry.name in NAMES and entry.value:
            self.facts["name"] = entry.value
        if entry.time is not None:
            self.facts["first"] = min(entry.time, self.facts.get("first", entry.time))
            self.facts["last"] = max(entry.time, self.facts.get("last", entry.time))
