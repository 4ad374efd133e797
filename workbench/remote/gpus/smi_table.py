"""The GPUs of a machine as lines of a long-lived nvidia-smi tell of them, one after the other. Pure."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

from workbench.remote.gpus import smi_text
from workbench.remote.gpus.smi_text import App, Column, Fields

MOST = 256  # GPUs
MOST_APPS = 4096
STALE = 1.0  # seconds beyond two intervals after which figures have an age


class SmiTable(object):
    """What was told last. interval: seconds between two tellings."""

    def __init__(self, interval):
        # type: (float) -> None
        self.interval = interval
        self.error = None  # type: Optional[str]
        self._gpus = {}  # type: Dict[int, Tuple[float, Fields]]
        self._version = None  # type: Optional[str]
        self._apps = []  # type: List[App]
        self._apps_at = 0.0

    def gpu(self, line, columns, now):
        # type: (str, Sequence[Column], float) -> bool
        """Take a GPU's line; False for one that is none."""
        found = smi_text.parse_gpu(line, columns)
        if found is None or found["index"] >= MOST:
            return False
        self._version = found.pop("version", self._version)
        self._gpus[found["index"]] = (now, found)
        self.error = None
        return True

    def app(self, line, now):
        # type: (str, float) -> bool
        """Take a process's line; those of one telling come at once. False for one that is none."""
        found = smi_text.parse_app(line)
        if found is None:
            return False
        if now - self._apps_at > self.interval / 2.0:
            self._apps = []
        if len(self._apps) < MOST_APPS:
            self._apps.append(found)
        self._apps_at = now
        return True

    def driver(self):
        # type: () -> Fields
        """Fields of entities' Driver."""
        found = {"source": "nvidia-smi"}  # type: Fields
        if self._version is not None:
            found["version"] = self._version
        if self.error is not None and not self._gpus:
            found["error"] = self.error
        return found

    def rows(self, now, every):
        # type: (float, float) -> List[Fields]
        """Fields of entities' GpuSample, in bus order; old ones with their age and, where known, why."""
        found = []
        for _, (at, fields) in sorted(self._gpus.items()):
            row = dict(fields)
            age = now - at
            if self.error is not None:
                row.setdefault("error", self.error)
            if "error" in row or age > max(every, 2 * self.interval) + STALE:
                row["age"] = age
            found.append(row)
        return found

    def uses(self, now):
        # type: (float) -> Dict[int, List[Dict[str, Any]]]
        """pid -> what it has of which GPU; who is told of no more has nothing."""
        found = {}  # type: Dict[int, List[Dict[str, Any]]]
        if now - self._apps_at > 2 * self.interval + STALE:
            return found
        for app in self._apps:
            use = {"gpu": app.gpu}  # type: Dict[str, Any]
            if app.memory is not None:
                use["memory"] = app.memory
            found.setdefault(app.pid, []).append(use)
        return found
