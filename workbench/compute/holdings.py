"""Reading what a machine says it keeps. Pure: what does not fit is left out."""

from __future__ import annotations

from typing import Any

from workbench.entities.holdings import Counted, Held, HeldRun, Holdings
from workbench.remote.forms import protocol
from workbench.text.sanitize import clean_name


def read_holdings(value: Any) -> Holdings:
    """The answer to `holdings`."""
    row = value if isinstance(value, dict) else {}
    return Holdings(
        root=str(row.get("root") or ""),
        total=_number(row.get("total")) or 0,
        free=_number(row.get("free")),
        runs=[run for item in _rows(row.get("runs")) if (run := _run(item)) is not None],
        trees=_held(row.get("trees"), "snapshot"),
        environments=_held(row.get("environments"), "key"),
        data=_held(row.get("data"), "key"),
        copies=_held(row.get("copies"), "payload"),
        blobs=_counted(row.get("blobs")),
        payloads=_counted(row.get("payloads")),
        other=_counted(row.get("other")),
    )


def _run(row: dict[str, Any]) -> HeldRun | None:
    if not protocol.valid_run_id(row.get("run")):
        return None
    snapshot = row.get("snapshot")
    return HeldRun(
        id=row["run"],
        bytes=_number(row.get("bytes")) or 0,
        age=_age(row.get("age")),
        over=row.get("over") is True,
        ours=row.get("ours") is not False,
        workspace=_name(row.get("workspace")),
        name=_name(row.get("name")),
        experiment=_name(row.get("experiment")),
        snapshot=snapshot if isinstance(snapshot, str) and protocol.SHA256.match(snapshot) else None,
        environment=_name(row.get("environment")),
    )


def _held(value: Any, key: str) -> list[Held]:
    return [
        Held(
            id=row[key],
            bytes=_number(row.get("bytes")) or 0,
            age=_age(row.get("age")),
            name=_name(row.get("name")),
        )
        for row in _rows(value)
        if isinstance(row.get(key), str) and 0 < len(row[key]) < 256 and "/" not in row[key]
    ]


def _counted(value: Any) -> Counted:
    row = value if isinstance(value, dict) else {}
    return Counted(count=_number(row.get("count")) or 0, bytes=_number(row.get("bytes")) or 0)


def _rows(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63 else None


def _age(value: Any) -> float:
    given = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return float(value) if given else 0.0


def _name(value: Any) -> str | None:
    return clean_name(value, 200) if isinstance(value, str) else None
