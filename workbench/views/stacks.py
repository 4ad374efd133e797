"""What a run's processes are doing, as lines for both faces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workbench.text import durations
from workbench.text.numbers import counted
from workbench.text.sanitize import clean, clean_name
from workbench.text.tables import Cell

STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "stuck in the kernel",
    "T": "stopped",
    "t": "stopped by a debugger",
    "I": "idle",
    "Z": "ended",
}
MOST_THREADS = 16
"""Threads of a process that is no Python, each a line."""
MOST_KERNEL = 12
_OWN_CODE = re.compile(r'(File ")[^"]*/runs/[0-9A-Z]{26}/(?=code/)')
"""A file of the run, by where its folder is: long, and the same in every line."""


def lines(answer: Mapping[str, Any]) -> list[Cell]:
    """Each process under a head: where the threads of a Python are, or what those of another wait for."""
    found: list[Cell] = []
    for process in answer.get("processes") or []:
        if found:
            found.append(Cell(""))
        found += _process(process)
    if answer.get("more"):
        found.append(Cell(f"and {int(answer['more'])} more", "quiet"))
    return found


def _process(process: Mapping[str, Any]) -> list[Cell]:
    facts = [
        f"pid {process['pid']}",
        *([f"rank {process['rank']}"] if process.get("rank") is not None else []),
        STATES.get(str(process.get("state")), clean_name(str(process.get("state", "")), 10)),
        *([f"{durations.short(process['cpu'])} of CPU"] if process.get("cpu") is not None else []),
        clean_name(str(process.get("command", "")), 300),
    ]
    found = [Cell("  ".join(fact for fact in facts if fact), "title")]
    if process.get("python"):
        said = _OWN_CODE.sub(r"\1", clean(str(process["python"]), 1 << 16))
        found += [Cell("  " + line, _role(line)) for line in said.splitlines()]
    else:
        found += _threads(process)
    if process.get("problem"):
        found.append(Cell("  " + clean_name(str(process["problem"]), 400), "warn"))
    return found


def _role(line: str) -> str:
    """Frames stand out from the heads of threads."""
    return "quiet" if "thread" in line.lower() and not line.startswith("  ") else ""


def _threads(process: Mapping[str, Any]) -> list[Cell]:
    found = []
    threads = process.get("waits") or []
    for thread in threads[:MOST_THREADS]:
        state = STATES.get(str(thread.get("state")), "")
        place = f"in {clean_name(str(thread['wchan']), 80)}" if thread.get("wchan") else ""
        facts = (f"thread {thread.get('id')}", clean_name(str(thread.get("name", "")), 40), state, place)
        found.append(Cell("  " + "  ".join(fact for fact in facts if fact)))
        kernel = thread.get("kernel") or []
        found += [Cell("    " + clean_name(str(frame), 120), "quiet") for frame in kernel[:MOST_KERNEL]]
    left = int(process.get("threads") or 0) - len(threads[:MOST_THREADS])
    if left > 0:
        found.append(Cell(f"  and {counted(left, 'thread')} more", "quiet"))
    return found
