"""What the dashboard remembers between two visits: colours, columns. Losing it harms nothing."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

from workbench.home import Home

log = logging.getLogger(__name__)
LARGEST = 1 << 20


class Memory:
    """A small JSON file of the home, by workspace."""

    def __init__(self, home: Home, workspace: str) -> None:
        self._file: Path = home.root / "dashboard.json"
        self._workspace = workspace
        self._mine: dict[str, Any] = self._read().get(workspace, {})

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            with open(self._file, encoding="utf-8") as handle:
                found = json.loads(handle.read(LARGEST))
        except (OSError, ValueError):
            return {}  # the first visit, or a file nobody can read any more: both begin anew
        if not isinstance(found, dict):
            return {}
        return {name: part for name, part in found.items() if isinstance(part, dict)}

    def get(self, key: str, default: Any = None) -> Any:
        """What was remembered under key."""
        return self._mine.get(key, default)

    def keep(self, key: str, value: Any) -> None:
        """Remember a JSON value; written at once, whole or not at all, beside what others remembered."""
        if self._mine.get(key) == value:
            return
        self._mine[key] = value
        everything = self._read()
        everything.setdefault(self._workspace, {})[key] = value
        part = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        try:
            part.write_text(json.dumps(everything, separators=(",", ":")), "utf-8")
            os.replace(part, self._file)
        except OSError as problem:
            log.warning("the dashboard's memory cannot be written: %s", problem.strerror)
