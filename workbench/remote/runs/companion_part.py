"""What the companion of a run carries: the form of a part, and what each is given of the run."""

from typing import Any, Dict

from workbench.remote.forms.record_text import quote
from workbench.remote.machine import Machine
from workbench.remote.runs.records import RecordFile
from workbench.remote.runs.runfolder import RunFolder

MOST_WARNINGS = 50


class Part(object):
    """Something the companion carries. What it raises is told as a warning of the run, and it is left out."""

    def environment(self) -> Dict[str, str]:
        """Variables for the run's command, asked once, before `start` and before the command runs."""
        return {}

    def start(self) -> None:
        """Begin; it may not wait, so what goes on has a thread of its own."""

    def finish(self, seconds: float) -> None:
        """The command and all it started are gone: take what they left and stop, within so many seconds."""


class Beside(object):
    """What a part is given: the run it works for, and where it says what went wrong."""

    def __init__(self, machine: Machine, folder: RunFolder, spec: Dict[str, Any], known: Dict[str, str]):
        self.machine = machine
        self.folder = folder
        self.spec = spec
        self.attempt = int(spec.get("attempt") or 1)
        self.known = known
        """The environment that a companion of this attempt told before it crashed; empty for the first."""
        self.ended_well = False
        """At `finish`: the command ended well, and nothing that it started had to be ended."""
        self._warnings = RecordFile(folder.path, folder.run_id, self.attempt)
        self._told: Dict[str, None] = {}

    def warn(self, text: str) -> None:
        """A warning of the run; the same one only once. Safe from any thread."""
        if text not in self._told and len(self._told) < MOST_WARNINGS:
            self._told[text] = None
            self._warnings.write('{"k":"warning","v":%s' % quote(text[:2000]))
