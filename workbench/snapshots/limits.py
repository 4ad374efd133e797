"""How much one snapshot may hold, and what to say when it is more (AZ-112 to AZ-114). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from workbench.errors import SnapshotTooLarge
from workbench.settings import SnapshotSettings
from workbench.snapshots.ignore import ignore_line

NO_FILE_LIMIT = "AML_SNAPSHOT_NO_FILE_LIMIT"
_LISTED = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """None is no limit."""

    max_bytes: int | None = 300 * 1024 * 1024
    """Bytes of all files after exclusion."""
    max_files: int | None = 2000
    """Files that are not as the previous snapshot of the same directory had them."""


DEFAULT_LIMITS = Limits()


class Weight(NamedTuple):
    """A file that is to be kept: its path, its bytes, and whether it counts as changed."""

    path: bytes
    size: int
    changed: bool


def limits_from(settings: SnapshotSettings, environ: Mapping[str, str]) -> Limits:
    """The limits of the settings; AML_SNAPSHOT_NO_FILE_LIMIT lifts the one on files (AZ-113)."""
    lifted = environ.get(NO_FILE_LIMIT, "").strip().lower() not in ("", "0", "false", "no")
    return Limits(settings.max_bytes, None if lifted else settings.max_files)


def check_size(weights: Iterable[Weight], limits: Limits, root: str, ignore_file: str) -> None:
    """Raises SnapshotTooLarge when all files together are larger than the limit."""
    weights = list(weights)
    size = sum(weight.size for weight in weights)
    if limits.max_bytes is not None and size > limits.max_bytes:
        raise SnapshotTooLarge(
            f"{root} holds {_mega(size)}, and a snapshot may hold {_mega(limits.max_bytes)}",
            f"add lines for what need not travel to {ignore_file}, or raise snapshots.max_bytes",
            limit=limits.max_bytes,
            size=size,
            count=len(weights),
            ignore_file=ignore_file,
            largest=largest(weights, by_files=False),
        )


def check_count(weights: Iterable[Weight], limits: Limits, root: str, ignore_file: str) -> None:
    """Raises SnapshotTooLarge when more files changed than the limit."""
    weights = [weight for weight in weights if weight.changed]
    if limits.max_files is not None and len(weights) > limits.max_files:
        raise SnapshotTooLarge(
            f"{len(weights)} files of {root} changed, and one snapshot may take {limits.max_files}",
            f"add lines for what need not travel to {ignore_file}, raise snapshots.max_files,"
            f" or set {NO_FILE_LIMIT}=1",
            limit=limits.max_files,
            size=sum(weight.size for weight in weights),
            count=len(weights),
            ignore_file=ignore_file,
            largest=largest(weights, by_files=True),
        )


def largest(weights: Iterable[Weight], *, by_files: bool) -> list[dict[str, Any]]:
    """The ten heaviest files and directories: `{path, size, files, line}`, line the one that drops it.

    by_files orders by number of files instead of bytes. A directory whose weight is that of one thing in
    it is passed over for that thing.
    """
    sizes: dict[bytes, list[int]] = {}
    files: dict[bytes, list[int]] = {}
    for path, size, _ in weights:
        files[path] = [size, 1]
        parent = path.rpartition(b"/")[0]
        while parent:
            total = sizes.setdefault(parent, [0, 0])
            total[0] += size
            total[1] += 1
            parent = parent.rpartition(b"/")[0]
    key = 1 if by_files else 0
    echoed = {
        parent
        for found in (sizes, files)
        for path, total in found.items()
        if (parent := path.rpartition(b"/")[0]) and sizes[parent][key] == total[key]
    }
    ranked = [(path, total, True) for path, total in sizes.items() if path not in echoed]
    # One of many files says nothing where they are counted; its directory does.
    ranked += [(path, total, False) for path, total in files.items() if not (by_files and b"/" in path)]
    ranked.sort(key=lambda item: (-item[1][key], -item[1][0], item[0]))
    return [
        {
            "path": path.decode("utf-8", "replace") + "/" * is_dir,
            "size": total[0],
            "files": total[1],
            "line": ignore_line(path, is_dir).encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        }
        for path, total, is_dir in ranked[:_LISTED]
    ]


def _mega(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MiB"
