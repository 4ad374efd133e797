"""Datastores: named places that hold data; scripts never hold their credentials (AZ-43 to AZ-45)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.aio.session import Session
from workbench.workspace.data_sources import absolute
from workbench.workspace.data_transfer import DataTransfer, Moved
from workbench.workspace.progress_display import Progress, ProgressDisplay

if TYPE_CHECKING:
    from workbench.aio.workspace import Workspace

Items = list[dict[str, Any]]


class Datastore:
    """One datastore of a workspace."""

    def __init__(self, workspace: Workspace, details: dict[str, Any]) -> None:
        self._session: Session = workspace.session
        self.workspace = workspace
        self.details = details
        """Its entity: kind, root, target, endpoint, secret (its name), default, ..."""

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.details["name"])

    def __repr__(self) -> str:
        return f"<datastore {self.name}>"

    @classmethod
    async def get(cls, workspace: Workspace, name: str | None = None) -> Datastore:
        """The one of that name, or the default one (AZ-44); raises NotFound."""
        return cls(workspace, await workspace.session.call("datastores", "get", name=name))

    @classmethod
    async def list(cls, workspace: Workspace) -> tuple[Datastore, ...]:
        """All of a workspace."""
        found = await workspace.session.call("datastores", "list")
        return tuple(cls(workspace, item) for item in found)

    @classmethod
    async def register(
        cls, workspace: Workspace, name: str, kind: str, root: str | Path, **more: Any
    ) -> Datastore:
        """Name a place: nothing is asked of it yet.

        kind: folder (of this side), machine (target=NAME), s3 (root: BUCKET or BUCKET/PREFIX, with endpoint=,
        region=), fsspec, sql (root: the address of a database without a password). secret: the name of the
        one that lets in. Raises Conflict, UsageError.
        """
        place = absolute(str(root)) if kind == "folder" else str(root)
        return cls(
            workspace,
            await workspace.session.call("datastores", "add", name=name, kind=kind, root=place, **more),
        )

    async def set_default(self) -> None:
        """Have it meant when no datastore is named (AZ-44)."""
        self.details = await self._session.call("datastores", "default", name=self.name)

    async def update(self, **changes: Any) -> None:
        """Change what is said of it."""
        self.details = await self._session.call("datastores", "set", name=self.name, changes=changes)

    async def unregister(self) -> None:
        """Forget it; what is in it stays."""
        await self._session.call("datastores", "remove", name=self.name)

    async def upload(
        self,
        src_dir: str | Path,
        target_path: str | None = None,
        overwrite: bool = False,
        on_progress: Progress | None = None,
    ) -> Moved:
        """Bring a folder, or one file, to a path below its root (AZ-45); goes on where a cut left it.

        Files that are there stay unless overwrite is true. Raises NotFound, Refused, Unreachable.
        """
        with ProgressDisplay() as display:
            shown = on_progress or display
            return await self._session.aside(
                lambda local: DataTransfer(local.client, shown).upload(
                    Path(src_dir), self.name, target_path or "", overwrite
                )
            )

    async def download(
        self,
        target_path: str | Path,
        prefix: str | None = None,
        overwrite: bool = False,
        on_progress: Progress | None = None,
    ) -> Moved:
        """Bring what is at and below prefix, else all of it, to a folder here (AZ-45)."""
        with ProgressDisplay() as display:
            shown = on_progress or display
            return await self._session.aside(
                lambda local: DataTransfer(local.client, shown).download(
                    Path(target_path), self.name, prefix or "", overwrite
                )
            )

    async def browse(self, path: str = "") -> Mapping[str, Any]:
        """What is directly below a path: {folders: [name], items: [{path, size, modified}]}."""
        found: Mapping[str, Any] = await self._session.call("datastores", "browse", name=self.name, path=path)
        return found

    def path(self, path: str = "") -> tuple[Datastore, str]:
        """A place in it, as datasets take it: Dataset.File.from_files(store.path("weather/**"))."""
        return self, path
