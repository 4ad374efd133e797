"""Which log of a tracker is the run itself, and which are runs that were made inside it. Pure.

MLflow and W&B have runs of their own. The first that a run logs to is the run; any further one is a child.
"""

import hashlib
import os
from typing import Any, Dict, List, Optional

from workbench.remote.forms import record_form as form
from workbench.remote.forms.run_ids import make_run_id
from workbench.remote.readers.detect import MLFLOW, MLFLOW_DATABASE, WANDB
from workbench.remote.readers.entries import Entry
from workbench.remote.readers.told import NAMES

TRACKERS = {MLFLOW: "mlflow", MLFLOW_DATABASE: "mlflow", WANDB: "wandb"}
PARENT = "mlflow.parentRunId"
ENTROPY = 10


class Families(object):
    """Decides for one run. milliseconds: when it was created, since 1970, for the ids of its children."""

    def __init__(self, run: str, milliseconds: int) -> None:
        self._run = run
        self._milliseconds = milliseconds
        self._own: Dict[str, str] = {}

    def know(self, kept: Dict[str, Any]) -> None:
        """Go on from what was decided for a log before."""
        if kept.get("own"):
            self._own[TRACKERS.get(kept["form"], "")] = self._name(kept)

    def decide(self, kept: Dict[str, Any], entries: List[Entry]) -> Optional[Dict[str, str]]:
        """The child that a log is, as a header of its records says it; None for the run itself.

        kept: a log's facts, of which `own` and `child` are set the first time. entries: its first ones.
        """
        tracker = TRACKERS.get(kept["form"])
        if tracker is None:
            return None
        if "child" not in kept:
            name = self._name(kept)
            kept["own"] = self._own.setdefault(tracker, name) == name
            kept["child"] = None if kept["own"] else self._child(tracker, name, entries)
        child: Optional[Dict[str, str]] = kept["child"]
        return child

    def _child(self, tracker: str, name: str, entries: List[Entry]) -> Dict[str, str]:
        tags = {entry.name: str(entry.value) for entry in entries if entry.kind == form.RECORD_TAG}
        called = next((tags[known] for known in NAMES if tags.get(known)), name)
        child = {"id": self._id(tracker, name), "name": called}
        above = tags.get(PARENT)
        if above and above != self._own[tracker]:
            child["parent"] = self._id(tracker, above)
        return child

    def _id(self, tracker: str, name: str) -> str:
        said = "\0".join((self._run, tracker, name)).encode("utf-8", "surrogateescape")
        return make_run_id(self._milliseconds, hashlib.sha256(said).digest()[:ENTROPY])

    def _name(self, kept: Dict[str, Any]) -> str:
        """What its tracker calls the run, the same wherever its files are."""
        return str((kept.get("first") or {}).get("run") or os.path.basename(str(kept["path"])))
