"""What runs keep on the fixed world's machines, and removing it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from workbench.errors import Unreachable, UsageError

DAY = 86400.0
RUNS = [
    ("calm-otter-42", 12 << 30, 0.1, "not over", None),
    ("vivid-lark-40", 31 << 30, 40, None, "2 files (3.00 GiB) not fetched: wb run download vivid-lark-40"),
    ("dull-ibis-39", 800 << 20, 41, None, None),
    ("快乐-panda-38", 4 << 30, 44, "best", None),
    ("evil\x1b]0;x\x07\nname", 5 << 20, 90, "not known here", None),
]
"""Name, bytes, days since it was over, why it stays, what is lost with it."""


class RoomServices:
    """`compute.room` and `compute.prune`."""

    def __init__(self) -> None:
        super().__init__()
        self.orphans = 7
        """Contents on this side that belong to no run."""
        self.pruned: set[str] = set()
        """Ids of runs that were removed."""

    def workspace_usage(self) -> dict[str, Any]:
        return {
            "folder": "/home/ann/.workbench/default",
            "free": 81 << 30,
            "total": 5 << 30,
            "database": 1 << 30,
            "spool": 2 << 30,
            "files": 1 << 30,
            "blobs": 1 << 30,
        }

    def workspace_prune(self, dry_run: bool) -> dict[str, Any]:
        found = {"bytes": self.orphans << 20, "blobs": self.orphans, "snapshots": 0, "runs": 0}
        if not dry_run:
            self.orphans = 0
        return found

    async def compute_room(
        self, name: str, older: float, keep: list[str]
    ) -> AsyncGenerator[dict[str, Any], None]:
        if name == "dgx-02":
            raise Unreachable("dgx-02 does not answer")
        if "everything" in keep:
            raise UsageError(
                "'everything' is nothing that can be kept", "one of best, tagged, registered, archived"
            )
        yield {"done": 2, "of": 5, "bytes": 13 << 30}
        runs, going, stays = [], [], {}
        for number, (run, size, days, why, warning) in enumerate(RUNS):
            key = f"01JE{number:022d}"
            if key in self.pruned:
                continue
            item = {"id": key, "bytes": size, "age": days * DAY, "name": run, "experiment": "mnist"}
            runs.append({**item, "over": why != "not over", "ours": True})
            reason = why if why != "best" or "best" in keep else None
            reason = reason or ("younger" if days * DAY < older else None)
            if reason:
                stays[key] = reason
            else:
                going.append({**item, "kind": "run", "warning": warning})
        kept = {why: list(stays.values()).count(why) for why in stays.values()}
        few = {"count": 40, "bytes": 300 << 20}
        total = sum(run["bytes"] for run in runs) + few["bytes"] * 2
        held = {
            "root": "/home/ann/.workbench", "total": total, "free": 81 << 30, "runs": runs, "environments": [],
            "trees": [], "blobs": few, "payloads": few, "other": {"count": 0, "bytes": 0},
        }  # fmt: skip
        size = sum(item["bytes"] for item in going)
        plan = {
            "target": name,
            "remove": going,
            "kept": kept,
            "stays": stays,
            "bytes": size,
            "blobs": 3,
            "free": 81 << 30,
        }
        yield {"holdings": held, "plan": plan}

    async def compute_prune(
        self,
        name: str,
        runs: list[str],
        trees: list[str],
        environments: list[str],
        payloads: list[str],
        data: list[str],
    ) -> AsyncGenerator[dict[str, Any], None]:
        sizes = {f"01JE{number:022d}": row[1] for number, row in enumerate(RUNS)}
        for run in runs:
            self.pruned.add(run)
            yield {"removed": {"run": run, "bytes": sizes[run]}}
        yield {
            "bytes": sum(sizes[run] for run in runs),
            "runs": len(runs),
            "trees": 0,
            "blobs": 0,
            "environments": 0,
        }
