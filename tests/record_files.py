"""Reading record files back, strictly: for tests of what writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_file(path: Path) -> list[dict[str, Any]]:
    """All records of one file, its header first; every line must be whole, ASCII and JSON."""
    data = path.read_bytes()
    assert data.endswith(b"\n"), f"torn: {data[-80:]!r}"
    records = [json.loads(line.decode("ascii"), parse_constant=_refuse) for line in data.splitlines()]
    assert records[0]["k"] == "header"
    assert all(record["k"] != "header" for record in records[1:])
    return records


def read_run(directory: Path) -> list[dict[str, Any]]:
    """The records, without headers, of all files of a run's folder."""
    return [record for path in sorted((directory / "records").iterdir()) for record in read_file(path)[1:]]


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
