"""What the metrics of one log are called where a run writes several. Pure.

A log directory is what its tool calls a run, so two of them may each have a `loss`. The first keeps the
plain name. What says which part of a training it is (`validation/`), and what lies below another log, has its
folder before the name from the start; any other gets that only for names that are taken.
"""

import os
from typing import Dict, Iterable, List, Optional, Tuple

PARTS = frozenset((
    "train", "training", "val", "valid", "validation", "eval", "evaluation", "dev", "test", "testing",
))  # fmt: skip
MOST = 50000
"""Names that are told apart."""


class Names(object):
    """Who brought which name first. A log is its folder, and the form of the file in it."""

    def __init__(self) -> None:
        self._owners: Dict[str, Tuple[str, str]] = {}
        self._prefixes: Dict[str, str] = {}

    def named(self, folder: str, form: str, names: Iterable[str]) -> Dict[str, Optional[str]]:
        """What to call each name of a log; None for what another form in the same folder tells already.

        folder: relative to where the run works.
        """
        wanted = list(dict.fromkeys(names))
        prefix = self._prefixes.get(folder)
        if prefix is None and wanted:
            prefix = self._prefixes[folder] = self._first_prefix(folder)
        return {name: self._one(folder, form, name, prefix or "") for name in wanted}

    def prefix(self, folder: str) -> Optional[str]:
        """What stands before the names of a log; None while it has brought none."""
        return self._prefixes.get(folder)

    def know(self, folder: str, form: str, prefix: str, called: Iterable[str]) -> None:
        """Go on from what a log's names were before: their prefix, and what they were called."""
        self._prefixes[folder] = prefix
        for full in called:
            if len(self._owners) < MOST:
                self._owners.setdefault(full, (folder, form))

    def _first_prefix(self, folder: str) -> str:
        above = folder
        while above:
            above = os.path.dirname(above)
            if above in self._prefixes:
                return folder[len(above) :].strip("/") + "/" if above else ""
        last = os.path.basename(folder)
        return last + "/" if last.lower() in PARTS else ""

    def _one(self, folder: str, form: str, name: str, prefix: str) -> Optional[str]:
        for full in self._ways(folder, name, prefix):
            owner = self._owners.get(full)
            if owner is None:
                if len(self._owners) < MOST:
                    self._owners[full] = (folder, form)
                return full
            if owner[0] == folder:
                return full if owner[1] == form else None
        return "%s/%s" % (folder, name)

    def _ways(self, folder: str, name: str, prefix: str) -> List[str]:
        """The names to try: as short as may be first."""
        ways = [prefix + name]
        parts = folder.split("/")
        for count in range(1, len(parts) + 1):
            ways.append("/".join(parts[-count:] + [name]))
        return ways
