"""One log of a run, followed into record files of its own: `ingest-LOG-GENERATION-ATTEMPT-name.jsonl`.

A generation is one content of the log: what is written anew, or replaced, begins another, whose points count
in place of the earlier ones (`store/metrics/plain_view.py`).
"""

import json
import os
import re
import time
from typing import Any, Callable, Dict, List, Optional

from workbench.remote.forms import record_form as form
from workbench.remote.forms.record_text import quote
from workbench.remote.ingest.appending import NotWritten, append
from workbench.remote.ingest.baseline import mark_of
from workbench.remote.ingest.families import Families
from workbench.remote.ingest.naming import Names, log_of
from workbench.remote.readers.detect import DVCLIVE, MLFLOW, MLFLOW_DATABASE, TRAINER
from workbench.remote.readers.entries import Entry, record_lines
from workbench.remote.readers.forms import READERS, ended, remark

SOON, QUIET = 0.5, 2.0  # seconds between two looks at a log: one that grows, and one that has not for a while
RARELY = 2.0  # the same for what many files have to be opened for, or a lock be taken
SHARE = 30.0  # at the soonest after so many times what the last look took
HEAD = 4 << 20  # bytes of a record file that tell which names are in it
REWRITTEN = 60.0  # at most, for one that is written anew again and again
FULL = 5.0  # seconds after which a full disk is tried again
FOLDERS = (MLFLOW, DVCLIVE, TRAINER, MLFLOW_DATABASE)
_UNFIT = re.compile(r"[^A-Za-z0-9_]+")


class Followed(object):
    """How far one log was read, and where to. kept: what `state` gave, of an earlier attempt too."""

    def __init__(self, kept: Dict[str, Any], records: str, run: str, attempt: int) -> None:
        self.kept = kept
        self.next = 0.0
        self.skipped = 0
        self.trouble = ""
        self.changed = False
        self._records = records
        self._run = run
        self._attempt = attempt
        self._seen: Optional[List[int]] = None
        self._pause = SOON
        if kept.get("attempt") != attempt:
            kept.update(attempt=attempt, record="", size=0)
        elif kept.get("record") and self._size() != kept.get("size"):
            kept.update(state=None, record="", anew=True)  # one of ours died before it noted how far it was

    @property
    def key(self) -> str:
        """Which log of the run it is."""
        return str(self.kept["key"])

    @property
    def path(self) -> str:
        """Where the log is."""
        return str(self.kept["path"])

    def _size(self) -> int:
        try:
            return os.stat(os.path.join(self._records, str(self.kept["record"]))).st_size
        except OSError:
            return 0

    def step(self, names: Names, families: Families, clock: Callable[[], float] = time.monotonic) -> bool:
        """Take what is new, at most one look's worth; whether there is more at once. Raises NotWritten.

        What a reader raises is raised, too.
        """
        began, before = clock(), self.kept.get("generation", 0)
        many = self.kept["form"] in FOLDERS
        seen = None if many else mark_of(self.path)
        if seen is not None and seen == self._seen:
            self._pause = min(self._pause * 1.2, QUIET)
            self.next = began + self._pause
            return False
        self._pause = SOON
        try:
            more = self._take(names, families)
        except NotWritten:
            self.next = began + FULL
            raise
        now = clock()
        self._seen = None if more else seen
        pause = max(RARELY if many else SOON, SHARE * (now - began))
        if self.kept.get("generation", 0) > before:  # each tells all of it again
            pause = max(pause, min(REWRITTEN, SOON * 2.0 ** self.kept["generation"]))
        self.next = now if more else now + pause
        return more

    def end(self, names: Names, families: Families, well: bool) -> None:
        """Take what is to be had of an end without a newline, as nothing more comes. Raises as `step` does.

        well: whoever wrote it ended well, so nothing of it can be missing.
        """
        form_of, kept = str(self.kept["form"]), self.kept
        last = ended(form_of, dict(kept.get("state") or {}), still=0.0, well=well)
        if last is not None:
            kept["state"] = last
            self._take(names, families)
        given = bool(kept.get("record") or kept.get("generation"))
        self.trouble = self.trouble or remark(form_of, kept.get("state") or {}, given, self.skipped)

    def _take(self, names: Names, families: Families) -> bool:
        kept = self.kept
        log = log_of(str(kept["form"]), self.key)
        try:
            reading = READERS[kept["form"]](self.path, dict(kept.get("state") or kept.get("first") or {}))
        except (OSError, ValueError) as error:
            self.trouble = str(getattr(error, "strerror", None) or error)
            return False
        again = reading.again or bool(kept.get("anew"))
        generation = int(kept.get("generation", 0)) + (1 if again else 0)
        child = families.decide(kept, reading.entries) if reading.entries else kept.get("child")
        entries = reading.entries if child else _without_ends(names.renamed(log, reading.entries))
        self.trouble = reading.trouble
        self.skipped += reading.skipped
        if entries:
            self._write(entries, generation, new=again)
        kept.update(state=reading.state, generation=max(generation, kept.get("generation", 0)), anew=False)
        kept.update(prefix=names.prefix(log.folder), same=names.same(log))
        if again and not entries:
            kept.update(record="")
        self.changed = True
        return reading.more

    def _write(self, entries: List[Entry], generation: int, new: bool) -> None:
        kept, now = self.kept, time.time()
        head = b""
        record, wall, size = kept.get("record"), kept.get("wall"), kept.get("size")
        if new or not record:
            where = _UNFIT.sub("-", os.path.basename(self.path))[:60]
            record = self._free("ingest-%d-%%d-%d-%s.jsonl" % (kept["log"], self._attempt, where), generation)
            wall = next((entry.time for entry in entries if entry.time is not None), now)
            head = self._header(wall)
        lines = "".join(record_lines(entries, wall or 0.0, now)).encode("ascii")
        size = append(os.path.join(self._records, record), head + lines)
        kept.update(record=record, wall=wall, size=size)

    def _free(self, pattern: str, generation: int) -> str:
        """A record file's name that is not taken, by one of ours that died before it noted that."""
        while os.path.lexists(os.path.join(self._records, pattern % generation)):
            generation += 1
        self.kept["generation"] = generation
        return pattern % generation

    def _header(self, wall: float) -> bytes:
        begin = '{"k":%s,"v":%d,"run":%s,"attempt":%d' % (
            quote(form.RECORD_HEADER), form.VERSION, quote(self._run), self._attempt,
        )  # fmt: skip
        if self.kept.get("child"):
            begin += ',"child":' + json.dumps(self.kept["child"])
        source = quote(str(self.kept["key"])[-500:])
        return ('%s,"rank":0,"wall":%.6f,"mono":0.0,"source":%s}\n' % (begin, wall, source)).encode("ascii")


def _without_ends(entries: List[Entry]) -> List[Entry]:
    """Entries of the run itself: how that ended its supervisor knows."""
    return [entry for entry in entries if entry.kind != form.RECORD_STATUS]


def names_in(path: str) -> List[str]:
    """The metrics that a record file tells of, as far as HEAD reaches."""
    try:
        with open(path, "rb") as file:
            lines = file.read(HEAD).split(b"\n")[:-1]
    except OSError:
        return []
    found: Dict[str, None] = {}
    for line in lines:
        try:
            record = json.loads(line.decode("utf-8"))
        except ValueError:
            continue  # cut off by a full disk
        if record.get("k") == form.RECORD_METRIC:
            found[str(record.get("n"))] = None
    return list(found)
