"""What one command line carries: its workspace, its terminal, its output options."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from workbench.cli.terminal import Terminal, detect, has_screen

if TYPE_CHECKING:
    from workbench.cli.ask import Asker
    from workbench.workspace import Workspace
    from workbench.workspace.async_client import AsyncClient


def open_workspace(name: str | None) -> Workspace:
    """The workspace of that name; its import is put off to the first call."""
    from workbench.workspace import Workspace

    return Workspace.open(name)


def open_asynchronous(name: str | None) -> AsyncClient:
    """The services of that workspace for who runs an event loop."""
    from workbench.workspace.async_client import AsyncClient

    return AsyncClient.open(name)


class Session:
    """One command line. Options set its fields while they are parsed; the workspace opens when first used."""

    def __init__(
        self,
        *,
        opener: Callable[[str | None], Workspace] = open_workspace,
        terminal: Terminal | None = None,
        asker: Asker | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        asynchronous: Callable[[str | None], AsyncClient] = open_asynchronous,
    ) -> None:
        self.workspace_name: str | None = None
        self.debug = False
        self.format: str | None = None
        self.query: str | None = None
        self.to: str | None = None
        self.screen = terminal is None and has_screen()
        """Whether the dashboard can be shown: somebody is at a terminal that moves its cursor."""
        self.terminal = terminal or detect()
        self.clock = clock
        self._opener = opener
        self._asynchronous = asynchronous
        self._workspace: Workspace | None = None
        self._asker = asker

    @property
    def workspace(self) -> Workspace:
        """The workspace this command line speaks to."""
        if self._workspace is None:
            self._workspace = self._opener(self.workspace_name)
        return self._workspace

    @property
    def asker(self) -> Asker:
        """Who answers questions: the user at the controlling terminal."""
        if self._asker is None:
            from workbench.cli.ask import TerminalAsker

            self._asker = TerminalAsker()
        return self._asker

    def asynchronous(self) -> AsyncClient:
        """The services for a command that does several things at once; to be closed by who asks."""
        return self._asynchronous(self.workspace_name)

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value of a service."""
        return self.workspace.call(noun, method, **parameters)

    def close(self) -> None:
        """Let go of the workspace, when it holds anything."""
        if self._workspace is not None:
            self._workspace.close()
