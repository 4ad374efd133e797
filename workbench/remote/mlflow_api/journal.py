"""What an endpoint knows and no record says, on disk: so that another can take a crashed one's place.

Lines of JSON, each [kind, id, what is known]; the last of a kind and id counts. Metrics, params and tags are
read from the record files that the endpoint wrote.
"""

import json
import os
from typing import Any, Dict, Iterator, Tuple

NAME = "mlflow.jsonl"  # in the run's folder
BEGIN, RUN, MODEL, EXPERIMENT_NAME = "begin", "run", "model", "experiment"


class Journal(object):
    """The journal of one attempt; that of an earlier attempt is begun anew. directory: the run's folder."""

    def __init__(self, directory, attempt):
        # type: (str, int) -> None
        self._path = os.path.join(directory, NAME)
        self._records = os.path.join(directory, "records")
        self._attempt = attempt
        self.found = {}  # type: Dict[str, Dict[str, Any]]
        """What an earlier endpoint of this attempt left: kind -> id -> what is known."""
        for kind, identity, known in self._lines():
            self.found.setdefault(kind, {})[identity] = known
        pids = self.found.get(BEGIN, {})
        if any(known != attempt for known in pids.values()):
            self.found = {}
            try:
                os.unlink(self._path)
            except OSError:
                self.found = {}  # it cannot be begun anew: nothing is taken from it
        self._pids = set(self.found.get(BEGIN, {}))
        self._begun = False

    def keep(self, kind, identity, known):
        # type: (str, str, Any) -> None
        """Append what is known now. What the disk does not take is lost to a successor only."""
        lines = [[kind, identity, known]]
        if not self._begun:
            lines.insert(0, [BEGIN, str(os.getpid()), self._attempt])
            self._begun = True
        data = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        try:
            with open(self._path, "ab", 0) as opened:
                opened.write(data.encode("ascii"))
        except OSError:
            self._begun = False

    def files(self):
        # type: () -> Iterator[Tuple[str, str, float, Iterator[Dict[str, Any]]]]
        """Earlier record files, oldest first: (id of the child or "", path, wall, records)."""
        try:
            names = [name for name in os.listdir(self._records) if name.split("-")[0] in self._pids]
        except OSError:
            names = []
        paths = [os.path.join(self._records, name) for name in names]
        for path in sorted(paths, key=os.path.getmtime):
            with open(path, "rb") as opened:
                records = _objects(opened)
                header = next(records, {})
                if header.get("attempt") == self._attempt:
                    child = header.get("child") or {}
                    yield str(child.get("id") or ""), path, float(header.get("wall") or 0.0), records

    def _lines(self):
        # type: () -> Iterator[Tuple[str, str, Any]]
        try:
            with open(self._path, "rb") as opened:
                for line in opened:
                    try:
                        kind, identity, known = json.loads(line.decode("ascii"))
                    except ValueError:
                        continue  # the last one was cut off by the crash
                    yield kind, identity, known
        except OSError:
            return  # there was no endpoint before


def _objects(lines):
    # type: (Any) -> Iterator[Dict[str, Any]]
    for line in lines:
        try:
            found = json.loads(line.decode("utf-8"))
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found
