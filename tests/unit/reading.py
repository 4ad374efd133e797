"""Files of other trackers, read once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.remote.readers.detect import detect
from workbench.remote.readers.entries import Reading
from workbench.remote.readers.forms import READERS

DATA = Path(__file__).parent.parent / "data" / "readers"


def read(path: Path, state: dict[str, Any] | None = None) -> Reading:
    """One reading of what path is."""
    form = detect(str(path))
    assert form is not None
    return READERS[form](str(path), state or {})


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
