"""The hub: opens workspaces on demand, owns their parts, closes them in order."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.compute.lasting import breaks
from workbench.compute.payload import build_payload
from workbench.errors import WorkbenchError
from workbench.home import Home
from workbench.services.context import Context
from workbench.services.open_workspace import OpenWorkspace
from workbench.services.owning import own
from workbench.services.secrets import open_secrets
from workbench.services.server import ServerService
from workbench.services.workspace_room import remove_tree
from workbench.settings import Settings
from workbench.store.sqlite.location import directory_for
from workbench.store.sqlite.ownership import Ownership
from workbench.version import __version__

log = logging.getLogger(__name__)

CODE = Path(__file__).parent.parent
"""The package that this process runs."""


class Hub:
    """All workspaces of one home, which it owns while it is started.

    stop: what ends the process that holds the hub. socket: where that process answers, None when it does not.
    """

    def __init__(
        self, home: Home, settings: Settings, stop: Callable[[], None], socket: Path | None = None
    ) -> None:
        self._home = home
        self._socket = socket
        self._ownership: Ownership | None = None
        self._settings = settings
        self._workspaces: dict[str, OpenWorkspace] = {}
        self._opening = asyncio.Lock()
        self._started = datetime.now(UTC)
        self.stop = stop
        self.notice = ""
        """What is to be told of the process that holds this, beside its workspaces."""

    @property
    def busy(self) -> bool:
        """Whether runs are followed, somebody is being told or let through: no time to end by itself."""
        return any(
            workspace.conductor.active or workspace.deliveries.busy or workspace.forwards.active
            for workspace in self._workspaces.values()
        )

    @property
    def owns(self) -> bool:
        """Whether the home is still this hub's; not when its folder was removed underneath."""
        return self._ownership is not None and self._ownership.holds()

    def facts(self) -> dict[str, Any]:
        """What `wb server status` shows."""
        return {
            "version": __version__,
            "pid": os.getpid(),
            "started": self._started,
            "home": str(self._home.root),
            "code": str(CODE),
            "socket": None if self._socket is None else str(self._socket),
            "workspaces": sorted(self._workspaces),
            "notices": [
                notice
                for notice in (
                    self.notice,
                    *(workspace.notice for workspace in self._workspaces.values()),
                    *(found.text for found in breaks()),
                )
                if notice
            ],
            "active_runs": sum(workspace.conductor.active for workspace in self._workspaces.values()),
        }

    async def start(self) -> None:
        """Own the home and open every workspace of it, so that active runs are followed from the start.

        Raises ServerError when another process owns it.
        """
        self._ownership = await own(self._home, self._socket)
        # Now, as the modules of this process are: read once an upgrade is under way, it would be another's.
        await asyncio.to_thread(build_payload)
        root = self._home.root / "workspaces"
        for folder in sorted(root.iterdir()) if root.is_dir() else []:
            try:
                await self.workspace(folder.name)
            except WorkbenchError as problem:  # its users are told when they ask for it (law 5)
                log.warning("workspace %s does not open: %s", folder.name, problem.message)

    async def workspace(self, name: str) -> OpenWorkspace:
        """The workspace of that name, opened on first use; raises UsageError, StoreError."""
        found = self._workspaces.get(name)
        if found is not None:  # whoever uses one that is open waits for no other that is being opened
            return found
        async with self._opening:
            if name not in self._workspaces:
                workspace = OpenWorkspace(
                    name, self._home, self._settings, ServerService(self.facts, self.stop), self
                )
                try:
                    await workspace.open()
                except BaseException:
                    await workspace.close()
                    raise
                self._workspaces[name] = workspace
            return self._workspaces[name]

    def loaded(self, workspace: str, operation: str) -> bool:
        """Whether an operation, by noun and method, is answered by modules that are loaded already."""
        found = self._workspaces.get(workspace)
        return found is not None and found.operations.loaded(operation)

    def names(self) -> list[str]:
        """The workspaces of the home, by name."""
        root = self._home.root / "workspaces"
        there = [folder.name for folder in root.iterdir() if folder.is_dir()] if root.is_dir() else []
        return sorted({*there, *self._workspaces})

    async def context(self, name: str) -> Context:
        """What the services of a workspace share; raises UsageError, StoreError."""
        return (await self.workspace(name)).context

    def folder(self, name: str) -> Path:
        """Where the store of a workspace is, whether it opens or not; raises UsageError."""
        return directory_for(self._home.workspace(name), os.getuid())[0]

    def following(self, name: str) -> int:
        """How many active runs of a workspace are followed; 0 of one that is not open."""
        found = self._workspaces.get(name)
        return 0 if found is None else found.conductor.active

    async def remove(self, name: str) -> None:
        """Remove what this side keeps of a workspace; one that is open is closed first. Raises StoreError."""
        async with self._opening:
            secrets = open_secrets(name, self._home, self._settings.secrets)
            await asyncio.to_thread(secrets.forget_all)
            workspace = self._workspaces.pop(name, None)
            if workspace is not None:
                await workspace.close()
            for folder in {self.folder(name), self._home.workspace(name)}:
                await asyncio.to_thread(remove_tree, folder)

    async def close(self) -> None:
        """Close every workspace and let go of the home."""
        workspaces, self._workspaces = list(self._workspaces.values()), {}
        try:
            closing = (workspace.close() for workspace in workspaces)
            ends = await asyncio.gather(*closing, return_exceptions=True)
            problems = [end for end in ends if isinstance(end, BaseException)]
            if problems:
                raise problems[0]
        finally:
            if self._ownership is not None:
                self._ownership.release()
                self._ownership = None
