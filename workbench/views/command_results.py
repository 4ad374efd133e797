"""How a command went on several machines. Pure: results as `workspace.many_commands` gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.text.sanitize import clean_name

Result = Mapping[str, Any]
FAILED, UNREACHABLE = 1, 4
MOST, ALL, LEAST = 16 << 20, 256 << 20, 1 << 20
"""Bytes that are kept of one machine's output, of all machines' together, and of one among very many."""
NAMED = 8
"""Machines of a kind that a summary names; of more the others are counted."""


def room(among: int) -> int:
    """Bytes that are kept of a machine's output while a command runs on so many."""
    return max(LEAST, min(MOST, ALL // max(1, among)))


def succeeded(result: Result) -> bool:
    """Whether the command ran there and ended with 0."""
    return result.get("exit_code") == 0


def exit_code(results: Sequence[Result]) -> int:
    """What a command over several machines ends with: 1 when it failed on any, 4 when some were missed."""
    wrong = [result for result in results if not succeeded(result)]
    if any(not result.get("unreachable") for result in wrong):
        return FAILED
    return UNREACHABLE if wrong else 0


def summary(results: Sequence[Result]) -> str:
    """One line: how many are well, which failed and how, which were not reached."""
    well = sum(succeeded(result) for result in results)
    failed = [
        f"{clean_name(result['name'])} ({how(result)})"
        for result in results
        if not succeeded(result) and not result.get("unreachable")
    ]
    missed = [clean_name(result["name"]) for result in results if result.get("unreachable")]
    parts = [f"{well} ok"]
    parts += [f"{len(failed)} failed: {_listed(failed)}"] if failed else []
    parts += [f"{len(missed)} unreachable: {_listed(missed)}"] if missed else []
    return "; ".join(parts)


def how(result: Result) -> str:
    """How it ended on one machine, in a word or a sentence."""
    if "problem" in result:
        return clean_name(str(result["problem"]), 300)
    return "ok" if succeeded(result) else f"exit {result.get('exit_code', '-')}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
