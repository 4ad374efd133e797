"""What one command line carries: its workspace, its terminal, its output options."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from workbench.cli.terminal import Terminal, detect, has_screen

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.cli.ask import Asker
    from workbench.entities.configuration import RunConfiguration

Progress = Callable[[str, int, int], None]
Notice = Callable[[str], None]


class Services(Protocol):
    """What commands need of `workbench.workspace.Workspace`; tests give a scripted one."""

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value."""

    def items(self, noun: str, method: str, **parameters: Any) -> Generator[Any, None, None]:
        """Values as they come; closing it ends the operation."""

    def read(self, noun: str, method: str, **parameters: Any) -> Iterator[bytes]:
        """Bytes as they come."""

    def configure(
        self,
        *,
        file: Path | None = None,
        command: list[str] | str | None = None,
        sets: Iterable[str] = (),
        **options: Any,
    ) -> RunConfiguration:
        """The run configuration of a job file or of a command's words, with what options and sets change."""

    def submit(
        self,
        configuration: RunConfiguration,
        *,
        on_progress: Progress | None = None,
        on_notice: Notice | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Scan, upload and submit; the Run, or what would be sent. Notices are told before anything is."""

    def download(self, run: str, path: str, to: Path, on_progress: Progress | None = None) -> Path:
        """Fetch one file of a run; to is a file, or a folder that gets it under its own name."""

    def save_snapshot(self, run: str, to: Path) -> Path:
        """Save a run's snapshot as a zip file here."""

    def rerun(
        self,
        run: str,
        *,
        target: str | None = None,
        sets: Iterable[str] = (),
        code: str = "snapshot",
        directory: Path | None = None,
        on_progress: Progress | None = None,
        on_notice: Notice | None = None,
    ) -> dict[str, Any]:
        """Submit a run's configuration again; the new Run."""


def open_workspace(name: str | None) -> Services:
    """The real workspace; its import is put off to the first call."""
    from workbench.workspace import Workspace

    workspace: Services = Workspace.open(name)
    return workspace


class Session:
    """One command line. Options set its fields while they are parsed; the workspace opens when first used."""

    def __init__(
        self,
        *,
        opener: Callable[[str | None], Services] = open_workspace,
        terminal: Terminal | None = None,
        asker: Asker | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.workspace_name: str | None = None
        self.debug = False
        self.format: str | None = None
        self.to: str | None = None
        self.screen = terminal is None and has_screen()
        """Whether the dashboard can be shown: somebody is at a terminal that moves its cursor."""
        self.terminal = terminal or detect()
        self.clock = clock
        self._opener = opener
        self._workspace: Services | None = None
        self._asker = asker

    @property
    def workspace(self) -> Services:
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

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One value of a service."""
        return self.workspace.call(noun, method, **parameters)

    def close(self) -> None:
        """Let go of the workspace, when it holds anything."""
        close = getattr(self._workspace, "close", None)
        if close is not None:
            close()
