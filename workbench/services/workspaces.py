"""Workspaces as a service: what is said of one, which there are, and removing one (AZ-1, AZ-7, AZ-8)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Protocol

from workbench.entities.base import replace
from workbench.entities.workspace import WorkspaceContents, WorkspaceFacts
from workbench.errors import (
    Conflict,
    NotFound,
    RemoteError,
    StoreDamaged,
    Unreachable,
    UsageError,
    WorkbenchError,
)
from workbench.services.context import Context
from workbench.services.operation import call
from workbench.services.workspace_room import folder_size
from workbench.store.workspace import workspace_facts

Tags = dict[str, str | None] | None
Names = list[str] | None
ByMachine = dict[str, list[str]]


class Workspaces(Protocol):
    """Who holds all workspaces of a home."""

    def names(self) -> list[str]:
        """Those there are, by name."""

    def folder(self, name: str) -> Path:
        """Where the store of one is, whether it opens or not."""

    def following(self, name: str) -> int:
        """How many active runs of one are followed."""

    async def remove(self, name: str) -> None:
        """Close one, where it is open, and remove what this side keeps of it."""

    async def context(self, name: str) -> Context:
        """What the services of one share; it is opened. Raises NotFound."""


class WorkspaceService:
    """The noun `workspace`, of the workspace itself."""

    def __init__(self, context: Context, workspaces: Workspaces) -> None:
        self._context = context
        self._store = context.store
        self._all = workspaces

    @call
    async def get(self) -> WorkspaceFacts:
        """What is said about it, and how much belongs to it."""
        return await self._store.read(workspace_facts.get, self._context.name)

    @call
    async def describe(
        self,
        friendly_name: str | None = None,
        description: str | None = None,
        tags: Tags = None,
        untag: Names = None,
    ) -> WorkspaceFacts:
        """Change what is said about it (AZ-7): None leaves a text as it is, "" takes it away."""
        return await self._store.write(
            workspace_facts.describe,
            self._context.name,
            friendly_name,
            description,
            tags or {},
            untag or [],
        )

    @call
    async def list(self) -> list[WorkspaceFacts]:
        """All workspaces of this home, by name; of one that does not open it is said why."""
        return [await self._told(name) for name in self._all.names()]

    async def _told(self, name: str) -> WorkspaceFacts:
        try:
            return await self._facts(name)
        except WorkbenchError as problem:
            return WorkspaceFacts(name=name, problem=problem.message)

    async def _facts(self, name: str) -> WorkspaceFacts:
        context = await self._all.context(name)
        return await context.store.read(workspace_facts.get, name)

    @call
    async def remove(
        self, name: str, dry_run: bool = True, delete_dependent_resources: bool = False
    ) -> WorkspaceContents:
        """Remove another workspace of this home for good; with dry_run only say what would go (AZ-8).

        Runs' folders on machines stay, and `compute.adopt` brings those runs back, unless
        delete_dependent_resources is true; what machines out of reach keep is named. Raises NotFound,
        Conflict while runs are active, UsageError for the workspace that is asked and for the folders on
        machines of one that is damaged.
        """
        if name not in self._all.names():
            raise NotFound(f"there is no workspace {name!r}", "wb workspace ls shows them")
        try:
            contents, there = await self._contents(name)
        except StoreDamaged as problem:
            contents, there = await self._damaged(name, problem), {}
            if delete_dependent_resources:
                raise UsageError(
                    f"which machines have folders of {name} is not known: {problem.message}",
                    "remove it without them; wb compute prune finds what machines keep",
                ) from problem
        if dry_run:
            return contents
        if name == self._context.name:
            raise UsageError("a workspace does not remove itself", "choose another with --workspace")
        if active := contents.active_runs or self._all.following(name):
            raise Conflict(f"{active} runs of {name} are active", "cancel them, or let them end")
        left: dict[str, str] = {}
        if delete_dependent_resources:
            left = await _cleared(await self._all.context(name), there)
        await self._all.remove(name)
        return replace(contents, removed=True, left=left)

    async def _contents(self, name: str) -> tuple[WorkspaceContents, ByMachine]:
        """What goes with a workspace, and its runs by machine."""
        other = await self._all.context(name)
        facts = await self._facts(name)
        there = await other.store.read(workspace_facts.by_machine)
        contents = WorkspaceContents(
            name=name,
            folder=str(other.folder),
            bytes=await folder_size(other.folder),
            runs=facts.runs,
            active_runs=facts.active_runs,
            by_machine={target: len(runs) for target, runs in there.items()},
        )
        return contents, there

    async def _damaged(self, name: str, problem: StoreDamaged) -> WorkspaceContents:
        """What can be said of a workspace whose database cannot be read."""
        folder = self._all.folder(name)
        return WorkspaceContents(
            name=name, folder=str(folder), bytes=await folder_size(folder), problem=problem.message
        )


async def _cleared(context: Context, there: ByMachine) -> dict[str, str]:
    """Remove runs' folders on their machines; those that could not be reached, and why."""
    left: dict[str, str] = {}
    for target, runs in there.items():
        try:
            link = await context.link(target)
            for run in runs:
                with suppress(NotFound):  # the machine has no record of it
                    await link.call("remove", {"run": run})
        except (Unreachable, NotFound, RemoteError) as problem:
            left[target] = problem.message
    return left
