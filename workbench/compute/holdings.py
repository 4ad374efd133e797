"""Reading what a machine says it keeps. Pure: what does not fit is left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from workbench.entities.holdings import Counted, Held, HeldRun, Holdings
from workbench.remote.forms import protocol
from workbench.text.numbers import amount, whole_amount
from workbench.text.sanitize import clean, clean_name


def read_holdings(value: Any) -> Holdings:
    """The answer to `holdings`."""
    row = value if isinstance(value, dict) else {}
    return Holdings(
        root=clean_name(str(row.get("root") or ""), 4096),
        total=whole_amount(row.get("total")) or 0,
        free=whole_amount(row.get("free")),
        runs=[run for item in _rows(row.get("runs")) if (run := _run(item)) is not None],
        trees=_held(row.get("trees"), "snapshot"),
        environments=_held(row.get("environments"), "key"),
        data=_held(row.get("data"), "key"),
        copies=_held(row.get("copies"), "payload"),
        blobs=_counted(row.get("blobs")),
        payloads=_counted(row.get("payloads")),
        other=_counted(row.get("other")),
    )


def read_named(one: Mapping[str, Any], kinds: Collection[str]) -> dict[str, Any]:
    """One thing that was removed, or stays: its id by its kind, its bytes, why it stays; as far as told."""
    found: dict[str, Any] = {kind: clean_name(str(one[kind]), 200) for kind in kinds if kind in one}
    size = whole_amount(one.get("bytes"))
    if size is not None:
        found["bytes"] = size
    if one.get("why"):
        found["why"] = clean(str(one["why"]), 500)
    return found


def read_figures(answer: Any, names: Iterable[str]) -> dict[str, int | None]:
    """What a machine counted, by name; absent what it does not tell."""
    row = answer if isinstance(answer, dict) else {}
    return {name: whole_amount(row.get(name)) for name in names}


def _run(row: dict[str, Any]) -> HeldRun | None:
    if not protocol.valid_run_id(row.get("run")):
        return None
    snapshot = row.get("snapshot")
    return HeldRun(
        id=row["run"],
        bytes=whole_amount(row.get("bytes")) or 0,
        age=amount(row.get("age")) or 0.0,
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
            bytes=whole_amount(row.get("bytes")) or 0,
            age=amount(row.get("age")) or 0.0,
            name=_name(row.get("name")),
        )
        for row in _rows(value)
        if isinstance(row.get(key), str) and 0 < len(row[key]) < 256 and "/" not in row[key]
    ]


def _counted(value: Any) -> Counted:
    row = value if isinstance(value, dict) else {}
    return Counted(count=whole_amount(row.get("count")) or 0, bytes=whole_amount(row.get("bytes")) or 0)


def _rows(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _name(value: Any) -> str | None:
    return clean_name(value, 200) if isinstance(value, str) else None
