"""Reading what a machine says of its files. Pure: what does not fit is left out and hides nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from workbench.entities.machine_file import DiskUse, MachineFile, Room
from workbench.text.numbers import whole_amount
from workbench.text.sanitize import clean_name

KINDS = frozenset({"file", "dir", "link", "pipe", "socket", "device"})
MOST_NAME = 4095


def read_entries(value: Any) -> list[MachineFile]:
    """A page of a listing."""
    rows = value if isinstance(value, list) else []
    return [entry for row in rows if (entry := read_entry(row)) is not None]


def read_entry(row: Any) -> MachineFile | None:
    """One entry of a listing, or the answer to `stat`."""
    if not isinstance(row, dict) or not _good_name(row.get("name")):
        return None
    return _file(row["name"], row.get("kind"), row.get("size"), row)


def read_walk(value: Any) -> list[MachineFile]:
    """Rows of `walk`, whose names are paths below what was walked."""
    found = []
    for row in value if isinstance(value, list) else []:
        if isinstance(row, list) and len(row) == 6 and isinstance(row[0], str) and len(row[0]) <= MOST_NAME:
            path, kind, size, mode, modified, target = row
            entry = _file(path, kind, size, {"mode": mode, "modified": modified, "target": target})
            found += [entry] if entry is not None else []
    return found


def read_names(value: Any) -> list[str]:
    """The names of a folder in order."""
    return [name for name in value if _good_name(name)] if isinstance(value, list) else []


def read_use(value: Any) -> DiskUse:
    """How a folder's room is used, also while it is still counted."""
    row = value if isinstance(value, dict) else {}
    return DiskUse(
        path=_text(row.get("path")) or "",
        total=whole_amount(row.get("total")) or 0,
        files=whole_amount(row.get("files")) or 0,
        entries=list(_rooms(row.get("entries"))),
        elsewhere=whole_amount(row.get("elsewhere")),
        unread=whole_amount(row.get("unread")),
        unreadable=_texts(row.get("unreadable"))[:20],
    )


def _rooms(rows: Any) -> Iterable[Room]:
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, list) and len(row) == 3 and _good_name(row[0]):
            size = whole_amount(row[2])
            if size is not None:
                yield Room(name=row[0], kind=_kind(row[1]) or "device", bytes=size)


def _file(name: str, kind: Any, size: Any, more: dict[str, Any]) -> MachineFile | None:
    known, length = _kind(kind), whole_amount(size)
    if known is None or length is None:
        return None
    user = more.get("user")
    return MachineFile(
        name=name,
        kind=known,
        size=length,
        mode=whole_amount(more.get("mode")),
        modified=_moment(more.get("modified")),
        user=clean_name(user, 64) if isinstance(user, str) else None,
        target=_text(more.get("target")),
        leads=_kind(more.get("leads")),
    )


def _good_name(name: Any) -> bool:
    """Whether it may be the name of something in a folder, and lead to nothing else."""
    return isinstance(name, str) and 0 < len(name) <= 255 and "/" not in name and name not in (".", "..")


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _kind(value: Any) -> str | None:
    return value if isinstance(value, str) and value in KINDS else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= MOST_NAME else None


def _moment(value: Any) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None
