"""The workspace's three maps of hosted names, as a service: what job files of the cloud mean here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from workbench.entities.environment import HostedName
from workbench.errors import UsageError
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.services.settling import target_here
from workbench.store.registry import hosted_names
from workbench.text import hosted
from workbench.text.sanitize import clean_name


class HostedNameService:
    """What can be done with the maps: environment, compute, data."""

    def __init__(self, context: Context) -> None:
        self._store = context.store

    @call
    async def hosted_names(self, kind: str | None = None) -> list[HostedName]:
        """All rows, or those of one map."""
        return await self._store.read(hosted_names.every, None if kind is None else _kind(kind))

    @call
    async def map(self, kind: str, hosted: str, ours: str) -> HostedName:
        """Let a hosted name mean one of ours; raises UsageError."""
        for text in (hosted, ours):
            if not text.strip() or not text.isprintable() or len(text) > 2000:
                raise UsageError(f"{clean_name(text, 80)!r} is no name", "one line of text, not empty")
        row = HostedName(
            kind=_kind(kind), hosted=hosted.strip(), ours=ours.strip(), created=datetime.now(UTC)
        )
        return await self._store.write(hosted_names.put, row)

    @call
    async def unmap(self, kind: str, hosted: str) -> dict[str, Any]:
        """Forget what a hosted name means; raises NotFound."""
        await self._store.write(hosted_names.remove, _kind(kind), hosted.strip())
        return {}

    @call
    async def meaning(self, kind: str, hosted: str) -> dict[str, Any]:
        """{"ours"}: what a hosted name means here (of data, with the rest of the address), else {}."""
        found = await self._store.read(meaning_of, _kind(kind), hosted)
        return {} if found is None else {"ours": found}


def meaning_of(connection: Any, kind: str, text: str) -> str | None:
    """What a hosted name means here; None where no map has it."""
    if kind == hosted.DATA:
        rows = hosted_names.every(connection, kind)
        return hosted.place_of(text, {row.hosted: row.ours for row in rows})
    if kind == hosted.COMPUTE:
        return target_here(connection, text)
    found = hosted_names.find(connection, kind, hosted.keys(text))
    return None if found is None else found.ours


def _kind(kind: str) -> str:
    if kind not in hosted.KINDS:
        raise UsageError(f"{clean_name(kind, 40)!r} is no map", f"one of {', '.join(hosted.KINDS)}")
    return kind
