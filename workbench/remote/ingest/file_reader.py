"""The companion's part that follows the logs a run writes, as they appear, into ordinary records."""

import json
import os
import threading
import time
import zlib
from functools import partial
from typing import Any, Callable, Dict, List, Optional, Tuple

from workbench.remote.ingest.appending import NotWritten
from workbench.remote.ingest.baseline import mark_of, read_baseline, roots_of
from workbench.remote.ingest.candidates import chosen
from workbench.remote.ingest.families import Families
from workbench.remote.ingest.folder_watch import FolderWatch
from workbench.remote.ingest.following import Followed, names_in
from workbench.remote.ingest.naming import Names, log_of
from workbench.remote.readers import detect, mlflow_database, trainer_state
from workbench.remote.readers.sources import certain
from workbench.remote.runs.companion_part import Beside, Part
from workbench.remote.runs.runfolder import read_object, write_whole

FILE = "ingest.json"  # how far each log was read, in the run's folder
MOST_KEPT = 64 << 20
LOOK = 1.0  # seconds between two looks for new logs
UNDECIDED = 2.0  # seconds between two looks at what may become one
RARELY = 30.0  # the same for a folder that has been looked at often
SAVE = 5.0  # seconds between two notes of how far it came
MOST_TRIES = 20
"""Times that a file is looked at, each after it was written to, before it counts as no log."""
MOST_FOLLOWED = 1000
TABLE_AT_FIRST = 64 << 20
"""Bytes: a table or JSONL that is larger when it is first seen is data, not a log that has just begun."""
CLOCKS = 5.0  # seconds by which another program's start of a run may lie before ours


class FileReader(Part):
    """Finds and follows the logs; a thread of its own does all of it."""

    def __init__(self, beside: Beside) -> None:
        self._beside = beside
        self._folder = beside.folder
        wanted = beside.spec.get("ingest")
        self._patterns: List[str] = [str(one) for one in wanted] if isinstance(wanted, list) else []
        before = read_baseline(beside.folder)
        self._before = before.logs
        self._began = _time_of(beside.folder.inside("baseline.json"))
        self._watch = FolderWatch(roots_of(beside.folder))
        self._names = Names()
        created = beside.spec.get("created")
        created = created if isinstance(created, (int, float)) else self._began
        self._families = Families(beside.folder.run_id, int(created * 1000))
        self._undecided: Dict[str, Optional[List[int]]] = {}
        self._tries: Dict[str, int] = {}
        self._due: Dict[str, float] = {}
        self._databases: Dict[str, Optional[List[int]]] = {}
        self._followed: Dict[str, Followed] = {}
        self._next_look = self._next_undecided = self._next_save = 0.0
        self._stop = threading.Event()
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def finish(self, seconds: float) -> None:
        """Read all logs to their end."""
        self._stop.set()
        self._thread.join(seconds * 0.8)
        if self._thread.is_alive():
            self._given_up.set()
            self._thread.join(seconds * 0.2)
            self._beside.warn("what this run logged last could not all be read within %d s" % seconds)

    def _work(self) -> None:
        try:
            self._load()
            while not self._stop.is_set():
                self._round(time.monotonic())
                due = [one.next for one in self._followed.values()]
                pause = min(due + [self._next_look]) - time.monotonic()
                self._stop.wait(min(max(pause, 0.02), LOOK))
            self._last_round()
        except Exception as error:
            self._beside.warn("its logs are not read any more: %s" % (error or type(error).__name__))
            raise
        finally:
            self._save()

    def _round(self, now: float) -> bool:
        """One look at everything that is due; whether something is left to be read at once."""
        if now >= self._next_look:
            self._next_look = now + LOOK
            self._find(now)
        more = False
        for key, log in list(self._followed.items()):
            if log.next <= now and not self._given_up.is_set():
                more = self._step(key, log) or more
        if now >= self._next_save:
            self._next_save = now + SAVE
            self._save()
        return more

    def _last_round(self) -> None:
        """Whatever was written by now."""
        self._next_look = self._next_undecided = 0.0
        self._due.clear()
        more = True
        while more and not self._given_up.is_set():
            for log in self._followed.values():
                log.next = 0.0
            more = self._round(time.monotonic())
        for key, log in list(self._followed.items()):
            if not self._given_up.is_set():
                self._step(key, log, partial(log.end, well=self._beside.ended_well))
        for path in self._undecided:
            self._doubt(path)
        for key, log in self._followed.items():
            if log.skipped:
                self._beside.warn("%s: %d damaged pieces were passed over" % (key, log.skipped))
            if log.trouble:
                self._beside.warn("%s: %s" % (key, log.trouble))

    def _step(self, key: str, log: Followed, step: Optional[Callable[..., Any]] = None) -> bool:
        try:
            return bool((step or log.step)(self._names, self._families))
        except NotWritten as error:
            self._beside.warn("records of %s could not be written (%s); it is tried again" % (key, error))
        except Exception as error:  # a mistake of ours, or no memory: the other logs go on
            del self._followed[key]
            self._beside.warn("%s is not read any more: %s" % (key, error or type(error).__name__))
        return False

    def _find(self, now: float) -> None:
        for path in sorted(self._watch.look(everything=self._stop.is_set()), key=_begun):
            if chosen(self._key(path), self._patterns):
                self._undecided[path] = None
        if self._watch.crowded:
            self._beside.warn("it has more folders or logs than are looked at: not all of its logs are read")
        again = now >= self._next_undecided
        if again:
            self._next_undecided = now + UNDECIDED
        for path, seen in list(self._undecided.items()):
            if seen is None or again:
                self._decide(path, seen, now)
        for path, seen in list(self._databases.items()):
            mark = (mark_of(path) or []) + (mark_of(path + "-wal") or [])
            if mark != seen and (seen is None or again) and self._runs_of(path):
                self._databases[path] = mark

    def _decide(self, path: str, seen: Optional[List[int]], now: float) -> None:
        """Follow what a reader knows, keep what may become that, forget what is gone."""
        mark = mark_of(path)
        if mark is None:
            del self._undecided[path]
            return
        folder = os.path.isdir(path)
        if now < self._due.get(path, 0.0) if folder else mark == seen:
            return
        self._undecided[path] = mark
        if mark == self._before.get(path):
            return  # it came with the snapshot, and has not been written to
        form = detect.detect(path)
        if form is not None:
            del self._undecided[path]
            self._take(path, form, mark[1])
            return
        tries = self._tries[path] = self._tries.get(path, 0) + 1
        if folder:  # what it becomes may take long: a large model before a Trainer's state
            self._due[path] = now + min(RARELY, UNDECIDED * tries)
        elif tries >= MOST_TRIES:
            self._doubt(path)
            del self._undecided[path]

    def _doubt(self, path: str) -> None:
        """Say of a file that is no log after all why, where it has to be one."""
        if mark_of(path) == self._before.get(path) or not (self._patterns or certain(os.path.basename(path))):
            return
        try:
            if os.path.isfile(path) and os.stat(path).st_size:
                self._beside.warn("%s is not read: %s" % (self._key(path), detect.wrong(path)))
        except (OSError, ValueError) as error:
            self._beside.warn("%s is not read: %s" % (self._key(path), error))

    def _take(self, path: str, form: str, size: int) -> None:
        """Follow what turned out to be a log."""
        key = self._key(path)
        if form == detect.MLFLOW_DATABASE:
            self._databases[path] = None
        elif form in (detect.TABLE, detect.JSON_LINES) and not self._patterns and size > TABLE_AT_FIRST:
            self._beside.warn("%s is not read: it is large for a log; name it under `ingest`" % key)
        elif form == detect.TRAINER and self._key(_twin(path)) in self._followed:
            return  # a Trainer's last state has what its checkpoints have
        else:
            self._follow(key, path, form, {})

    def _runs_of(self, path: str) -> bool:
        """Follow the runs of an MLflow store that were begun by this run; whether it could be asked."""
        try:
            stored = mlflow_database.runs(path)
        except OSError as error:
            self._beside.warn("%s: %s" % (self._key(path), error))
            return False
        for run in stored:
            key = "%s#%s" % (self._key(path), run.run)
            if key not in self._followed and (run.started or 0.0) >= self._began - CLOCKS:
                self._follow(key, path, detect.MLFLOW_DATABASE, {"run": run.run})
        return True

    def _follow(self, key: str, path: str, form: str, first: Dict[str, Any]) -> None:
        if len(self._followed) >= MOST_FOLLOWED:
            self._beside.warn("it writes more than %d logs: the others are not read" % MOST_FOLLOWED)
            return
        log = zlib.crc32(key.encode("utf-8", "surrogateescape"))
        kept = {"key": key, "path": path, "form": form, "first": first, "log": log}
        self._next_save = 0.0
        self._followed[key] = self._of(kept)

    def _of(self, kept: Dict[str, Any]) -> Followed:
        return Followed(kept, self._folder.records, self._folder.run_id, self._beside.attempt)

    def _key(self, path: str) -> str:
        """A path as the run knows it: below its working directory, or outputs/ and logs/."""
        inside = path.startswith(self._folder.code + os.sep) or path == self._folder.code
        return os.path.relpath(path, self._folder.code if inside else self._folder.path)

    def _load(self) -> None:
        try:
            kept = read_object(self._folder.inside(FILE), MOST_KEPT) or {}
            logs = [one for one in kept["logs"] if one["form"] in detect.FORMS] if kept else []
        except (OSError, ValueError, KeyError, TypeError):
            self._beside.warn("how far its logs were read is lost: they are read from their beginning")
            return
        for one in logs:
            called = names_in(os.path.join(self._folder.records, str(one.get("record") or "-")))
            log = self._followed[str(one["key"])] = self._of(one)
            self._families.know(one)
            if isinstance(one.get("prefix"), str):
                known = log_of(str(one["form"]), log.key)
                self._names.know(known, one["prefix"], called, one.get("same") or ())
            self._watch.know({}, [log.path])

    def _save(self) -> None:
        if not any(log.changed for log in self._followed.values()):
            return
        body = json.dumps({"logs": [log.kept for log in self._followed.values()]}).encode("ascii")
        try:
            write_whole(self._folder.inside(FILE), body, sync=False)
        except OSError:
            return  # a full disk: it is tried again, and else its logs are read anew
        for log in self._followed.values():
            log.changed = False


def _twin(path: str) -> str:
    """Where else a Trainer's log may be told: its state file, or the folder of that."""
    if os.path.basename(path) == trainer_state.FILE:
        return os.path.dirname(path)
    return os.path.join(path, trainer_state.FILE)


def _begun(path: str) -> Tuple[float, str]:
    """About when a log was begun, then its name: the first of a tracker's runs is the run itself."""
    return _time_of(path if os.path.isdir(path) else os.path.dirname(path)), path


def _time_of(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return time.time()
