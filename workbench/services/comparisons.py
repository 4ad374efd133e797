"""Saved comparisons as a service: runs one wants to see side by side again, and a note about them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from workbench.entities.saved_comparison import SavedComparison
from workbench.errors import UsageError
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.services.run_compare import MAX_COMPARED
from workbench.store.workspace import comparisons
from workbench.text.saved_names import RULE, valid_saved_name

Runs = list[str]

LONGEST_NOTE = 1 << 20
"""Characters."""


class ComparisonService:
    """What can be done with comparisons that are kept."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def list(self, text: str | None = None) -> list[SavedComparison]:
        """All by name; with text those that have its words in their name, note or runs' names."""
        return await self._store.read(comparisons.every, text)

    @call
    async def get(self, name: str) -> SavedComparison:
        """One comparison; raises NotFound."""
        return await self._store.read(comparisons.get, name)

    @call
    async def save(self, name: str, runs: Runs, note: str | None = None) -> SavedComparison:
        """Keep 2 to 20 runs as a comparison, in place of one of that name, whose note stays without another.

        Raises UsageError, NotFound.
        """
        if not valid_saved_name(name):
            raise UsageError(f"{name!r} is no name for a comparison", RULE)
        if not 2 <= len(runs) <= MAX_COMPARED:
            raise UsageError(f"a comparison has 2 to {MAX_COMPARED} runs, not {len(runs)}")
        _check(note)
        found = [(await self._context.resolve(run)).id for run in runs]
        item = SavedComparison(name=name, runs=found, note=note or None, created=datetime.now(UTC))
        return await self._store.write(comparisons.put, item)

    @call
    async def describe(self, name: str, note: str) -> SavedComparison:
        """Write the note (Markdown) of a comparison, "" for none; raises NotFound."""
        _check(note)
        return await self._store.write(comparisons.write_note, name, note)

    @call
    async def remove(self, name: str) -> dict[str, Any]:
        """Forget a comparison; its runs stay as they are. Raises NotFound."""
        await self._store.write(comparisons.remove, name)
        return {}


def _check(note: str | None) -> None:
    if len(note or "") > LONGEST_NOTE:
        raise UsageError(f"a note has at most {LONGEST_NOTE} characters")
