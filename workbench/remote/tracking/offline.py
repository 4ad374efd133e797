"""The calls of a run where there is none: they print what they were given (AZ-102, AZ-103)."""

import os
import sys
from collections import deque
from time import monotonic
from typing import Any, Deque, Dict, List, Optional, Sequence

from workbench.remote.tracking.complaints import Complaints
from workbench.remote.tracking.run import MISSING, Run

MOST_KEPT = 100000
"""Records kept for get_metrics; older ones are forgotten."""


class MemoryRecords(object):
    """Takes records as RecordWriter does and keeps the newest of them in memory."""

    def __init__(self) -> None:
        self._lines: Deque[bytes] = deque(maxlen=MOST_KEPT)
        self._start = monotonic()
        self.pid = os.getpid()

    @property
    def file(self) -> "MemoryRecords":
        """Itself: memory is each process' own."""
        return self

    latest = file

    def write_value(self, head: str, value: float, step: Optional[int]) -> bool:
        """See RecordFile.write_value."""
        return self.write(head + repr(value) + ("" if step is None else ',"s":%d' % step))

    def write(self, line: str) -> bool:
        """See RecordFile.write."""
        self._lines.append(('%s,"t":%.6f}\n' % (line, monotonic() - self._start)).encode("ascii"))
        return True

    def write_many(self, lines: Sequence[str]) -> bool:
        """See RecordFile.write_many."""
        return all([self.write(line) for line in lines])

    def rest(self) -> None:
        """See RecordFile.rest."""

    def lines(self) -> List[bytes]:
        """The records so far."""
        return list(self._lines)


class OfflineRun(Run):
    """Has everything a Run has. The first value of each name is printed, later ones are only kept."""

    def __init__(self) -> None:
        Run.__init__(self, "offline", os.getcwd(), 1, "offline")
        self._records = MemoryRecords()  # type: ignore[assignment]
        self._shown = Complaints(most=10000)
        self._asked = {}

    def log(
        self,
        name: Any = MISSING,
        value: Any = MISSING,
        description: Any = "",
        step: Any = None,
        *extra: Any,
        **unknown: Any,
    ) -> None:
        """Print the value, in the words that scripts' authors know (AZ-102)."""
        if name is not MISSING and value is not MISSING:
            self._show("scalar metric", name, value)
        Run.log(self, name, value, description, step, *extra, **unknown)

    def _child_records(self, told: Dict[str, str]) -> Any:
        return MemoryRecords()

    def _show(self, kind: str, name: Any, value: Any) -> None:
        try:
            if self._shown.first(kind, str(name)):
                sys.stdout.write("Attempted to log %s %s:\n%s\n" % (kind, name, value))
        except Exception:  # stdout is closed, or the value cannot be printed: no reason to stop a script
            return

    def _keep(self, name: str, source: Any) -> str:
        from workbench.remote.tracking.artifacts import place_in_outputs

        return place_in_outputs(name)


_offline: Optional[OfflineRun] = None


def offline_run() -> OfflineRun:
    """This process' one OfflineRun; the first call says on stderr that there is no run."""
    global _offline
    if _offline is None:
        _offline = OfflineRun()
        try:
            sys.stderr.write("This is no run: values are not recorded, the first of each name is printed.\n")
        except Exception:  # stderr is closed
            return _offline
    return _offline
