"""What the fixed world knows of single runs: their figures, curves, files, code and logs."""

from __future__ import annotations

import itertools
import math
from collections.abc import AsyncGenerator
from typing import Any

from tests.faces.fixed_runs import NOW, ago
from tests.faces.tui.memory_log import MemoryLog
from workbench.errors import NotFound

STEPS = 1000
FILES = [
    {"path": "outputs/model.pt", "size": 48_300_000, "modified": ago(minutes=38), "collected": False},
    {"path": "outputs/report.json", "size": 1840, "modified": ago(minutes=37), "collected": True},
    {"path": "logs/rank-0.txt", "size": 920_000, "modified": ago(minutes=37), "collected": True},
]
ENTRIES = [
    {"path": "train.py", "kind": "file", "mode": 0o644, "size": 3120, "sha256": "6b" * 32},
    {"path": "data/loader.py", "kind": "file", "mode": 0o644, "size": 1999, "sha256": "1f" * 32},
    {"path": "run.sh", "kind": "file", "mode": 0o755, "size": 80, "sha256": "c0" * 32},
]
DIFF = """\
--- a/train.py
+++ b/train.py
@@ -10,4 +10,4 @@
 for step in range(1000):
-    lr = 1e-3
+    lr = 3e-4
     loss = train(step, lr)
"""


def log_text(lines: int = 120) -> bytes:
    """A log as training writes it: colours, a progress bar, an error and a traceback at its end."""
    epochs = [
        f"\x1b[2mepoch {number:3}\x1b[0m  loss {2.3 * math.exp(-number / 30):.4f}\n"
        for number in range(lines)
    ]
    bar = "".join(f"\rdownloading [{'#' * step:10}] {step * 10:3}%" for step in range(11)) + "\n"
    end = 'Traceback (most recent call last):\n  File "train.py", line 12, in <module>\nRuntimeError: CUDA out of memory\n'
    return (bar + "".join(epochs) + end).encode()


def rank_text(log: str, lines: int = 90) -> bytes:
    """A rank's log; of several names those logs merged, each line behind whose it is."""
    names = log.split("\n")
    told = []
    for step in range(lines):
        for number, name in enumerate(names):
            who = f"\x1b[{(36, 33, 35, 32)[number % 4]}mr{name[-5]}\x1b[0m " if len(names) > 1 else ""
            told.append(f"{who}step {step:4}  grad_norm {1 + math.sin(step + number):.3f}\n")
    return "".join(told).encode()


def figures(name: str, last: float) -> dict[str, Any]:
    """A metric as a run has it."""
    return {
        "last": last,
        "min": last * 0.98,
        "max": 2.3,
        "count": STEPS,
        "last_step": STEPS - 1,
        "first_step": 0,
    }


def compared(name: str, values: list[float | None]) -> dict[str, Any]:
    """A metric of several runs; what is better is guessed of one."""
    known, goal = (
        [value for value in values if value is not None],
        "maximize" if "acc" in name else "minimize",
    )
    if not known or name == "train/grad_norm":
        return {"values": values, "deltas": [value and value - (values[0] or 0) for value in values]}
    best = values.index(min(known) if goal == "minimize" else max(known))
    deltas = [None if value is None or values[0] is None else value - values[0] for value in values]
    return {"values": values, "deltas": deltas, "best": best, "goal": goal, "guessed": goal == "maximize"}


class RunServices:
    """`runs.*` of one run or a few. Needs `run(reference)` of the world."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: dict[str, MemoryLog] = {}
        self.comparisons: dict[str, dict[str, Any]] = {}

    def log(self, run: str, log: str = "") -> MemoryLog:
        """A run's log; one that is going on has no end yet."""
        found = self.run(run)  # type: ignore[attr-defined]
        over = found["status"] in ("Completed", "Failed", "Canceled")
        text = rank_text(log) if log else log_text()
        known = self.logs.setdefault(found["id"] + log, MemoryLog(text, ended=over))
        known.marks = [(at, NOW.timestamp() - 300 + at / 40) for at in range(0, len(text), 40)]
        return known

    async def runs_log_list(self, run: str) -> Any:
        ranks = [
            {"log": f"logs/rank-{n}.txt", "label": f"r{n}", "rank": n, "size": 920_000} for n in range(4)
        ]
        tries = [
            {
                "log": "output",
                "label": f"attempt {n}",
                "attempt": n,
                "start": start,
                "stop": start + 900,
                "size": 900,
            }
            for n, start in ((1, 0), (2, 900))
        ]
        return [{"log": "output", "label": "output", "size": len(self.log(run).data)}, *tries, *ranks]

    async def runs_log_times(self, run: str, offset: int, stop: int, log: str = "") -> Any:
        return await self.log(run, log).times(offset, stop)

    async def runs_log_at(self, run: str, time: float, log: str = "") -> Any:
        return {"offset": await self.log(run, log).at(time)}

    def runs_get(self, run: str, experiment: str | None = None) -> Any:
        found = self.run(run)  # type: ignore[attr-defined]
        last = found.get("last")
        metrics = (
            {}
            if last is None
            else {
                found["metric"]: figures("", last),
                "val/acc": figures("", 0.981),
                "train/grad_norm": figures("", 0.7),
            }
        )
        return {
            "properties": {},
            "command": "python train.py --lr 3e-4",
            "submitted_by": "ann@laptop",
            "git": {"commit": "0123456789abcdef", "branch": "main", "dirty": True},
            "snapshot": "5e" * 32,
            **found,
            "metrics": metrics,
        }

    def runs_tag(self, run: str, set: dict[str, Any], remove: list[str]) -> Any:
        found = self.run(run)  # type: ignore[attr-defined]
        found["tags"] = {
            name: value for name, value in {**found["tags"], **set}.items() if name not in remove
        }
        return found

    def runs_warnings(self, run: str) -> Any:
        return []

    def runs_metrics(self, run: str) -> Any:
        return [
            {"name": name, "rank": 0, "attempt": 1, **item}
            for name, item in self.runs_get(run)["metrics"].items()
        ]

    def runs_envelope(
        self,
        run: str,
        name: str,
        buckets: int,
        x: str = "step",
        low: float = 0,
        high: float = STEPS,
        **_: Any,
    ) -> Any:
        rate = 3.0 + int(self.run(run)["id"][-2:]) % 5  # type: ignore[attr-defined]
        first, last = max(0, int(low)), min(STEPS - 1, int(high))
        edges = [first + (last - first + 1) * part // buckets for part in range(buckets + 1)]
        found = []
        for start, stop in itertools.pairwise(edges):
            if stop > start:
                values = [
                    0.04 + 2.2 * math.exp(-rate * step / STEPS) * (1 + 0.06 * math.sin(step * 2.3))
                    for step in (start, stop - 1)
                ]
                found.append(
                    {
                        "first_step": start,
                        "last_step": stop - 1,
                        "min": min(values),
                        "max": max(values),
                        "last": values[-1],
                        "count": stop - start,
                    }
                )
        return found

    def runs_files(self, run: str, ask: bool = True) -> Any:
        return FILES

    def runs_snapshot(self, run: str) -> Any:
        return ENTRIES

    def runs_diff(self, a: str, b: str, path: str | None = None) -> Any:
        return {"text": DIFF}

    def runs_changed_files(self, a: str, b: str) -> Any:
        return [
            {"path": "train.py", "change": "modified", "added": 1, "removed": 1},
            {"path": "weights.bin", "change": "added"},
        ]

    def runs_git_diff(self, run: str) -> Any:
        return {"text": f"diff --git a/train.py b/train.py\n{DIFF}"} if int(run[-2:]) % 2 == 0 else {}

    def comparisons_list(self) -> Any:
        return list(self.comparisons.values())

    def comparisons_get(self, name: str) -> Any:
        if name not in self.comparisons:
            raise NotFound(f"no comparison {name!r} is saved")
        return self.comparisons[name]

    def comparisons_save(self, name: str, runs: list[str], note: str | None = None) -> Any:
        before = self.comparisons.get(name, {})
        self.comparisons[name] = {
            "name": name,
            "runs": runs,
            "gone": [],
            "note": note or before.get("note", ""),
        }
        return self.comparisons[name]

    def comparisons_describe(self, name: str, note: str) -> Any:
        self.comparisons[name] = {**self.comparisons[name], "note": note}
        return self.comparisons[name]

    def comparisons_remove(self, name: str) -> Any:
        del self.comparisons[name]
        return {}

    def runs_compare(self, runs: list[str], all: bool = False) -> Any:
        found = [self.runs_get(run) for run in runs]
        names = dict.fromkeys(name for run in found for name in run["metrics"])
        return {
            "runs": found,
            "params": {
                "lr": [run["params"].get("lr") for run in found],
                **({"seed": ["1"] * len(found)} if all else {}),
            },
            "metrics": {
                name: compared(name, [run["metrics"].get(name, {}).get("last") for run in found])
                for name in names
            },
            "facts": {"target": [run["target"] for run in found]},
            "packages": {"torch": ["2.4.0", "2.5.1", *["2.5.1"] * (len(found) - 2)]},
            "code": [{"path": "train.py", "changes": [None, "modified", *["modified"] * (len(found) - 2)]}],
        }

    # Logs

    async def runs_log_extent(self, run: str, log: str = "") -> Any:
        found = await self.log(run, log).extent()
        return {"size": found.size, "gaps": found.gaps, "ended": found.ended, "as_of": found.as_of}

    async def runs_log_watch(self, run: str, log: str = "") -> AsyncGenerator[Any, None]:
        yield await self.runs_log_extent(run, log)
        async for _ in self.log(run, log).changes():
            yield await self.runs_log_extent(run, log)

    async def runs_log_bytes(
        self, run: str, offset: int, length: int, log: str = ""
    ) -> AsyncGenerator[bytes, None]:
        yield await self.log(run, log).read(offset, length)

    async def runs_log_lines(self, run: str, offset: int, log: str = "") -> Any:
        return (await self.log(run, log).lines(offset))._asdict()

    async def runs_log_line_start(self, run: str, line: int, log: str = "") -> Any:
        held = self.log(run, log)
        return {"offset": await held.line_start(line), "lines": 0, "counted": len(held.data)}

    async def runs_log_search(
        self, run: str, pattern: str, offset: int = 0, log: str = "", **asked: Any
    ) -> AsyncGenerator[Any, None]:
        async for found in self.log(run, log).search(pattern, offset, **asked):
            yield {"hits": found.hits, "at": found.at, "count": found.total}

    async def runs_log_errors(
        self, run: str, offset: int = 0, log: str = "", backwards: bool = False, most: int = 1
    ) -> AsyncGenerator[Any, None]:
        async for found in self.log(run, log).errors(offset, backwards=backwards, most=most):
            yield {"hits": found.hits, "at": found.at, "count": found.total}
