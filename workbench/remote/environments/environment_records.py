"""Recording, beside a run and never in its way, which interpreters it uses and what is installed in them."""

import binascii
import json
import os
import time
from typing import Any, Dict, Mapping, Optional

from workbench.remote.environments.interpreters import Installed, Note, installed, read_notes, remembered
from workbench.remote.environments.shims import NOTES
from workbench.remote.forms import record_form
from workbench.remote.forms.record_text import quote
from workbench.remote.machine import Machine
from workbench.remote.processes.aside import Aside
from workbench.remote.processes.pace import next_look
from workbench.remote.processes.watch import Watch
from workbench.remote.runs import environ
from workbench.remote.runs.records import RecordFile
from workbench.remote.runs.runfolder import RunFolder

# A new interpreter is looked for every so many seconds while the run is younger than the second number.
LOOKS = ((0.04, 1.0), (0.25, 10.0), (2.0, float("inf")))
AGAIN = (10.0, 60.0, 600.0)  # seconds after which to look whether something was installed meanwhile


class EnvironmentRecorder(object):
    """One attempt's recorder: `tick` it while the command runs, `finish` it when all is over."""

    def __init__(self, machine, folder, spec, watch):
        # type: (Machine, RunFolder, Dict[str, Any], Watch) -> None
        self._machine = machine
        self._folder = folder
        self._spec = spec
        self._watch = watch
        self._aside = None  # type: Optional[Aside]
        self._known = {}  # type: Dict[str, int]
        self._seen = 0
        self._began = time.monotonic()
        self._again = list(AGAIN)
        self.next = 0.0

    def tick(self):
        # type: () -> None
        """Look when it is time; `next` says when that is, by time.monotonic."""
        now = time.monotonic()
        if now < self.next:
            return
        self.next = next_look(now, next(pause for pause, age in LOOKS if now - self._began < age))
        if self._aside is not None:
            return
        changed = self._changed()
        if self._again and now - self._began > self._again[0]:
            self._again.pop(0)
            changed = True
        if changed:
            known = dict(self._known)
            self._aside = Aside(lambda: self._record(known))
            self._watch.own_helper(self._aside.pid)
            self._watch.on(self._aside.fd, self._on_answer)

    def _record(self, known):
        # type: (Dict[str, int]) -> Dict[str, Any]
        os.nice(19)  # in a child of its own: the command comes first
        return record(self._machine, self._folder, self._spec, known)

    def finish(self):
        # type: () -> None
        """Tell of the interpreters that a short run left no time to ask: what is remembered of them."""
        file = record_file(self._folder, self._spec)
        environment = probe_environment(self._folder, self._spec)
        for place, note in enumerate(read_notes(self._folder.path)):
            if note.path not in self._known:
                found = remembered(self._machine, note.path, environment)
                write_record(file, place, note, None if found is None else distributions_text(found))

    def _changed(self):
        # type: () -> bool
        """Whether a note was added since the last look."""
        notes = self._folder.inside(NOTES)
        try:
            now = os.stat(notes).st_mtime_ns
            if now == self._seen:
                return False
            self._seen = now
            return bool(os.listdir(notes))
        except OSError:
            return False

    def _on_answer(self):
        # type: () -> None
        assert self._aside is not None
        descriptor = self._aside.fd
        if self._aside.read():
            self._watch.off(descriptor)
            known = self._aside.answer.get("known")
            if isinstance(known, dict):
                self._known = known
            self._aside = None


def record(machine, folder, spec, known):
    # type: (Machine, RunFolder, Dict[str, Any], Mapping[str, int]) -> Dict[str, Any]
    """Write what is not known yet; returns {"known": path -> a digest of what it has}. It may take long."""
    environment = probe_environment(folder, spec)
    told = dict(known)
    file = record_file(folder, spec)
    for place, note in enumerate(read_notes(folder.path)):
        found = installed(machine, note.path, environment)
        text = None if found is None else distributions_text(found)
        digest = binascii.crc32((text or "").encode("ascii"))
        if told.get(note.path) != digest:
            write_record(file, place, note, text)
            told[note.path] = digest
    return {"known": told}


def probe_environment(folder, spec):
    # type: (RunFolder, Dict[str, Any]) -> Dict[str, str]
    """The environment of the run's command, without its secrets."""
    places = (folder.path, folder.inside("bin"), folder.inside("site"))
    return environ.run_environment(os.environ, spec, *places, secrets={})


def distributions_text(found):
    # type: (Installed) -> str
    """The part of a record that holds what is installed."""
    return '"distributions":%s,"more":%d' % (
        json.dumps(found.distributions, separators=(",", ":")), found.more,
    )  # fmt: skip


def record_file(folder, spec):
    # type: (RunFolder, Dict[str, Any]) -> RecordFile
    """A record file of this process' own; it appears with the first record."""
    return RecordFile(folder.path, folder.run_id, int(spec.get("attempt") or 1))


def write_record(file, place, note, text):
    # type: (RecordFile, int, Note, Optional[str]) -> bool
    """Write an environment record; text: what is installed, None when that is not known."""
    head = '{"k":"%s","s":%d,"python":%s,"version":%s,"platform":%s' % (
        record_form.RECORD_ENVIRONMENT, place, quote(note.path), quote(note.version), quote(note.platform),
    )  # fmt: skip
    line = head if text is None else head + "," + text
    if len(line) > record_form.MAX_RECORD - 64:
        line = head
    return file.write(line)
