"""What the metrics of one log are called where a run writes several. Pure.

A log directory is what its tool calls a run, so two of them may each have a `loss`. The first keeps the
plain name. What says which part of a training it is (`validation/`), and what lies below another log, has its
folder before the name from the start; any other gets that only for names that are taken. Tables are known by
their files as well: `train.csv` and `val.csv` of one folder are two logs.
"""

import os
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional

from workbench.remote.forms import record_form
from workbench.remote.readers import detect, trainer_state
from workbench.remote.readers.entries import Entry

PARTS = frozenset((
    "train", "training", "val", "valid", "validation", "eval", "evaluation", "dev", "test", "testing",
))  # fmt: skip
MOST = 50000
"""Names that are told apart."""

Log = NamedTuple(
    "Log",
    [
        ("folder", str),  # relative to where the run works
        ("form", str),  # of the file in it
        ("file", str),  # a table's name without its ending; empty where all files of a folder are one log
    ],
)


def log_of(form: str, key: str) -> Log:
    """The log of a form at a path below where the run works; behind a # which of a database's."""
    folder = "" if key == "." else key
    if "#" in key or form in (detect.MLFLOW, detect.DVCLIVE):
        return Log(folder, form, "")
    bare = os.path.splitext(os.path.basename(key))[0]
    if form == detect.TRAINER:
        state = os.path.basename(key) == trainer_state.FILE
        return Log(os.path.join(os.path.dirname(key), bare) if state else folder, form, "")
    return Log(os.path.dirname(key), form, bare if form in (detect.TABLE, detect.JSON_LINES) else "")


class Names(object):
    """Who brought which name first. state: what `state` gave."""

    def __init__(self, state: Optional[Dict[str, Any]] = None) -> None:
        told = state or {}
        self._owners: Dict[str, Log] = {name: Log(*log) for name, log in told.get("owners", {}).items()}
        self._prefixes: Dict[str, str] = dict(told.get("prefixes", {}))

    def state(self) -> Dict[str, Any]:
        """What another goes on from; JSON can carry it."""
        return {"owners": {name: list(log) for name, log in self._owners.items()}, "prefixes": self._prefixes}

    def renamed(self, log: Log, entries: Iterable[Entry]) -> List[Entry]:
        """The entries of a log, metrics under the names they get, without those that are told elsewhere."""
        entries = list(entries)
        called = self.named(log, (one.name for one in entries if one.kind == record_form.RECORD_METRIC))
        found = []
        for entry in entries:
            name = called.get(entry.name) if entry.kind == record_form.RECORD_METRIC else entry.name
            if name is not None:
                found.append(entry if name == entry.name else entry._replace(name=name))
        return found

    def named(self, log: Log, names: Iterable[str]) -> Dict[str, Optional[str]]:
        """What to call each name of a log; None for what another form in the same folder tells already."""
        wanted = list(dict.fromkeys(names))
        prefix = self._prefixes.get(log.folder)
        if prefix is None and wanted:
            prefix = self._prefixes[log.folder] = self._first_prefix(log.folder)
        before = (prefix or "") + (log.file + "/" if log.file.lower() in PARTS else "")
        return {name: self._one(log, name, before) for name in wanted}

    def prefix(self, folder: str) -> Optional[str]:
        """What stands before the names of a folder's logs; None while they have brought none."""
        return self._prefixes.get(folder)

    def know(self, log: Log, prefix: str, called: Iterable[str]) -> None:
        """Go on from what a log's names were before: its folder's prefix, and what they were called."""
        self._prefixes[log.folder] = prefix
        for full in called:
            if len(self._owners) < MOST:
                self._owners.setdefault(full, log)

    def _first_prefix(self, folder: str) -> str:
        above = folder
        while above:
            above = os.path.dirname(above)
            if above in self._prefixes:
                return folder[len(above) :].strip("/") + "/" if above else ""
        last = os.path.basename(folder)
        return last + "/" if last.lower() in PARTS else ""

    def _one(self, log: Log, name: str, before: str) -> Optional[str]:
        for full in self._ways(log, name, before):
            owner = self._owners.get(full)
            if owner is None:
                if len(self._owners) < MOST:
                    self._owners[full] = log
                return full
            if owner == log:
                return full
            if owner.folder == log.folder and owner.form != log.form:
                return None
        return "/".join(part for part in (log.folder, log.file or log.form, name) if part)

    def _ways(self, log: Log, name: str, before: str) -> Iterator[str]:
        """The names to try: as short as may be first, with what tells the log from the one that has it."""
        yield before + name
        owner = self._owners[before + name]
        if log.file and (owner.folder == log.folder or not log.folder):
            yield "%s%s/%s" % (before, log.file, name)
        parts = log.folder.split("/") if log.folder else []
        apart = _apart(parts, owner.folder.split("/"))
        if apart:
            yield "%s/%s" % (apart, name)
        for count in range(1, len(parts) + 1):
            yield "/".join(parts[-count:] + [name])


def _apart(parts: List[str], others: List[str]) -> str:
    """The innermost of a folder's parts that another folder has not at the same place from the end."""
    for mine, other in zip(reversed(parts), reversed(others)):
        if mine != other:
            return mine
    return parts[-len(others) - 1] if len(parts) > len(others) else ""
