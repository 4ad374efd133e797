"""A run and its environment: built or waited for before all else, held while the run lives, told exactly."""

import os
from typing import IO, Any, Dict, Mapping, Optional

from workbench.remote.environments.environment_records import distributions_text, record_file, write_record
from workbench.remote.environments.interpreters import MOST_DISTRIBUTIONS, Installed, Note
from workbench.remote.environments.places import IMAGE, Place, place_of
from workbench.remote.environments.waiting import Waiting
from workbench.remote.machine import Machine
from workbench.remote.runs.runfolder import RunFolder

LOG = "environment.log"
READ = 1 << 16


def provide(machine, folder, spec, secrets, hold):
    # type: (Machine, RunFolder, Dict[str, Any], Mapping[str, str], Optional[int]) -> None
    """In a child of the supervisor: have the environment ready, and write down what exactly it is.

    hold: of `hold_for`; its lock is shared when this returns. What is built meanwhile is told in
    logs/environment.log of the run. Raises BuildFailed, OSError.
    """
    place = place_of(machine, spec)
    if place is None or hold is None:
        return
    from workbench.remote.processes.background import become_subreaper  # which knows us

    become_subreaper()  # so that a builder which comes to us is not counted as the run's
    tail = LogTail(place, os.path.join(folder.logs, LOG))
    try:
        waiting = Waiting(machine, place, spec["environment_build"], secrets, tail.heard, alone=True)
        ready = waiting.wait(hold)
    finally:
        tail.close()
    write_freeze(folder, spec, place, ready)


def write_freeze(folder, spec, place, ready):
    # type: (RunFolder, Dict[str, Any], Place, Dict[str, Any]) -> None
    """The exact freeze as a record of the run, however short the run will be."""
    python = place.python
    if IMAGE in ready:  # of which the python is inside, if there is one
        python = str(ready[IMAGE].get("interpreter") or "")
        if not python:
            return
    packages = {str(name): str(version) for name, version in dict(ready.get("packages") or {}).items()}
    known = sorted(packages.items())[:MOST_DISTRIBUTIONS]
    found = Installed(dict(known), len(packages) - len(known), [])
    platform = "%s-%s" % (os.uname().sysname.lower(), os.uname().machine)
    note = Note(python, str(ready.get("python") or ""), platform)
    write_record(record_file(folder, spec), 0, note, distributions_text(found))


class LogTail(object):
    """Copies what a build says into a file of the run, as it comes; nothing when nothing is built."""

    def __init__(self, place, path):
        # type: (Place, str) -> None
        self._place = place
        self._path = path
        self._offset = 0
        self._attempt = None  # type: Optional[int]
        self._file = None  # type: Optional[IO[bytes]]

    def heard(self, state):
        # type: (Dict[str, Any]) -> None
        """A look at the state; raises nothing: a log that cannot be copied is still on the machine."""
        if not state.get("attempt") or (self._attempt is None and state.get("ended")):
            return  # of a build before we came
        try:
            if state["attempt"] != self._attempt:
                self._attempt = state["attempt"]
                self._offset = int(state.get("offset") or 0)
            self._copy()
        except (OSError, ValueError):
            return

    def _copy(self):
        # type: () -> None
        with open(self._place.log, "rb") as log:
            log.seek(self._offset)
            while True:
                data = log.read(READ)
                if not data:
                    return
                if self._file is None:
                    os.makedirs(os.path.dirname(self._path), 0o755, exist_ok=True)
                    self._file = open(self._path, "ab", 0)
                self._file.write(data)
                self._offset += len(data)

    def close(self):
        # type: () -> None
        """Take what is left of it."""
        try:
            if self._attempt is not None:
                self._copy()
        except OSError:
            pass
        if self._file is not None:
            self._file.close()
