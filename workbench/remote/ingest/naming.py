"""What the metrics of one log are called where a run writes several. Pure.

A log directory is what its tool calls a run, so two of them may each have a `loss`. The first keeps the
plain name. What says which part of a training it is (`validation/`), and what lies below another log, has its
folder before the name from the start; any other gets that only for names that are taken. Tables are known by
their files as well: `train.csv` and `val.csv` of one folder are two logs. Loggers of two forms whose points
are the same where they meet log one training, and are told once.
"""

import os
from typing import Any, Dict, FrozenSet, Iterable, Iterator, List, NamedTuple, Optional, Set, Tuple

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

Point = Tuple[int, float]
"""Step and value."""


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
        self._begins: Dict[str, Point] = {}
        self._met: Set[FrozenSet[Log]] = set()
        self._same: Set[FrozenSet[Log]] = set()

    def state(self) -> Dict[str, Any]:
        """What another goes on from; JSON can carry it."""
        return {"owners": {name: list(log) for name, log in self._owners.items()}, "prefixes": self._prefixes}

    def renamed(self, log: Log, entries: Iterable[Entry]) -> List[Entry]:
        """The entries of a log, metrics under the names they get, without those that are told elsewhere."""
        entries = list(entries)
        points = [entry for entry in entries if entry.kind == record_form.RECORD_METRIC]
        begins: Dict[str, Point] = {}
        for point in points:
            if isinstance(point.value, (int, float)) and point.step is not None:
                begins.setdefault(point.name, (point.step, float(point.value)))
        called = self.named(log, (point.name for point in points), begins)
        found = []
        for entry in entries:
            name = called.get(entry.name) if entry.kind == record_form.RECORD_METRIC else entry.name
            if name is not None:
                found.append(entry if name == entry.name else entry._replace(name=name))
        return found

    def named(
        self, log: Log, names: Iterable[str], begins: Optional[Dict[str, Point]] = None
    ) -> Dict[str, Optional[str]]:
        """What to call each name of a log; None for what another logger of the same training tells already.

        begins: the first point of each.
        """
        wanted = list(dict.fromkeys(names))
        prefix = self._prefixes.get(log.folder)
        if prefix is None and wanted:
            prefix = self._prefixes[log.folder] = self._first_prefix(log.folder)
        before = (prefix or "") + (log.file + "/" if log.file.lower() in PARTS else "")
        self._meet(log, before, begins or {})
        called = {name: self._one(log, name, before) for name in wanted}
        for name, begin in (begins or {}).items():
            full = called.get(name)
            if full is not None and self._owners.get(full) == log:
                self._begins.setdefault(full, begin)
        return called

    def same(self, log: Log) -> List[List[str]]:
        """The logs that log the same training; JSON can carry it."""
        return [list(other) for pair in self._same if log in pair for other in pair - {log}]

    def prefix(self, folder: str) -> Optional[str]:
        """What stands before the names of a folder's logs; None while they have brought none."""
        return self._prefixes.get(folder)

    def know(self, log: Log, prefix: str, called: Iterable[str], same: Iterable[List[str]] = ()) -> None:
        """Go on from what a log's names were before: its folder's prefix, what they were called, `same`."""
        self._prefixes[log.folder] = prefix
        self._same.update(frozenset((log, Log(*other))) for other in same)
        for full in called:
            if len(self._owners) < MOST:
                self._owners.setdefault(full, log)

    def _meet(self, log: Log, before: str, begins: Dict[str, Point]) -> None:
        """Decide, when two loggers of two forms first have names in common, whether they log the same.

        They do where all these begin with the same point, and not only with whole numbers, such as epochs.
        """
        pairs: Dict[Log, List[Tuple[Point, Optional[Point]]]] = {}
        for name, begin in begins.items():
            owner = self._owners.get(before + name)
            if owner is not None and owner.form != log.form and frozenset((log, owner)) not in self._met:
                pairs.setdefault(owner, []).append((begin, self._begins.get(before + name)))
        for owner, met in pairs.items():
            self._met.add(frozenset((log, owner)))
            if all(_alike(*pair) for pair in met) and any(not begin[1].is_integer() for begin, _ in met):
                self._same.add(frozenset((log, owner)))

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
            if frozenset((log, owner)) in self._same:
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


def _alike(one: Point, other: Optional[Point]) -> bool:
    """Whether two points are the same; one of them may have been rounded to 32 bits."""
    if other is None or one[0] != other[0]:
        return False
    return one[1] == other[1] or abs(one[1] - other[1]) <= 1e-6 * abs(one[1])


def _apart(parts: List[str], others: List[str]) -> str:
    """The innermost of a folder's parts that another folder has not at the same place from the end."""
    for mine, other in zip(reversed(parts), reversed(others)):
        if mine != other:
            return mine
    return parts[-len(others) - 1] if len(parts) > len(others) else ""
