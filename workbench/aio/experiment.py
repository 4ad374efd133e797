"""Experiments: families of runs that are judged by one metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.aio.run_handle import RunHandle, submit
from workbench.aio.session import Session
from workbench.entities.base import replace
from workbench.errors import NotFound
from workbench.workspace.progress_display import Progress
from workbench.workspace.tag_texts import tag_texts

if TYPE_CHECKING:
    from workbench.aio.workspace import Workspace
    from workbench.entities.configuration import RunConfiguration
    from workbench.workspace.interactive import InteractiveRun

Tags = Mapping[str, str | None]
Runs = list[RunHandle]


class Experiment:
    """An experiment by its name; one that nobody submitted to yet comes to be with its first run (AZ-65)."""

    def __init__(self, workspace: Workspace, name: str, details: dict[str, Any] | None = None) -> None:
        self._session: Session = workspace.session
        self.workspace = workspace
        self.name = name
        self.details: dict[str, Any] = details or {}
        """The experiment's entity as it was when it was last asked for; empty before."""

    def __repr__(self) -> str:
        return f"<experiment {self.name}>"

    @classmethod
    async def list(cls, workspace: Workspace, archived: bool = False) -> list[Experiment]:
        """All of a workspace, the newest activity first; archived: those that are hidden too."""
        found = await workspace.session.call("experiments", "list", archived=archived)
        return [cls(workspace, item["name"], item) for item in found]

    async def refresh(self) -> dict[str, Any]:
        """Ask for its entity; raises NotFound before its first run."""
        self.details = await self._session.call("experiments", "get", name=self.name)
        return self.details

    async def submit(
        self,
        config: RunConfiguration,
        tags: Tags | None = None,
        on_progress: Progress | None = None,
    ) -> RunHandle:
        """Submit a configuration as a run of this experiment; see `Workspace.submit`."""
        asked = replace(config, experiment=self.name, tags={**config.tags, **tag_texts(tags)})
        return await submit(self._session, asked, on_progress=on_progress)

    async def start_logging(self, name: str | None = None, tags: Tags | None = None) -> InteractiveRun:
        """Open a run that this session logs itself (AZ-69); see `Workspace.start_logging`."""
        return await self.workspace.start_logging(self.name, name=name, tags=tags)

    async def get_runs(
        self,
        tags: Tags | None = None,
        properties: Mapping[str, str] | None = None,
        status: str | None = None,
        include_children: bool = False,
        limit: int = 1000,
    ) -> Runs:
        """Its runs, the newest first (AZ-66): those with all these tags and properties."""
        try:
            found = await self._session.call(
                "runs",
                "list",
                experiment=self.name,
                tags=dict(tags or {}) or None,
                properties=dict(properties or {}) or None,
                status=None if status is None else [status],
                children=include_children,
                limit=limit,
            )
        except NotFound:
            return []
        return [RunHandle(self._session, details) for details in found]

    async def set_metric(self, name: str, goal: str = "maximize") -> None:
        """Choose the metric its runs are judged by; goal is maximize or minimize."""
        self.details = await self._session.call(
            "experiments", "set", name=self.name, primary_metric=name, goal=goal
        )

    async def tag(self, key: str, value: str | None = None) -> None:
        """Give it a tag (AZ-68)."""
        await self.set_tags({key: value})

    async def set_tags(self, tags: Tags) -> None:
        """Give it several tags; others stay."""
        self.details = await self._session.call("experiments", "set", name=self.name, tags=tag_texts(tags))

    async def archive(self) -> None:
        """Hide it (AZ-67)."""
        self.details = await self._session.call("experiments", "archive", name=self.name)

    async def reactivate(self) -> None:
        """Bring it back; raises Conflict when an active one has its name (AZ-67)."""
        self.details = await self._session.call("experiments", "archive", name=self.name, archived=False)
