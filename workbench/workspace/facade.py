"""The face's object: what is local to the caller (a tree, a download), and every service behind one call.

`Workspace.open()` finds or starts the local server. With `WORKBENCH_EMBEDDED=1` the services run in this
process instead. Imports stay few: every `wb` command pays for them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.home import Home, find_home, wants_embedded, workspace_name
from workbench.workspace.client import Client
from workbench.workspace.duplex import Duplex
from workbench.workspace.on_demand import OnDemandClient
from workbench.workspace.resuming import (
    answered,
    follows_log,
    item_resumption,
    log_question,
    log_resumption,
    resumed,
)

if TYPE_CHECKING:
    from workbench.entities.configuration import RunConfiguration
    from workbench.workspace.bundles import BroughtRun
    from workbench.workspace.environment_shelf import Environments
    from workbench.workspace.imports import FoundRun, Imported
    from workbench.workspace.interactive import InteractiveRun
    from workbench.workspace.transfers import Brought

Progress = Callable[[str, int, int], None]
Notice = Callable[[str], None]


class Workspace:
    """A workspace as its user sees it. A context manager; not safe for several threads when embedded."""

    def __init__(
        self, client: Client, home: Home, name: str, environ: Mapping[str, str] | None = None
    ) -> None:
        self.client = client
        self.home = home
        self.name = name
        self._environ = os.environ if environ is None else environ

    @classmethod
    def open(
        cls, name: str | None = None, *, embedded: bool | None = None, home: Home | None = None
    ) -> Workspace:
        """The named workspace (default: WORKBENCH_WORKSPACE, else "default").

        embedded: the services in this process, unless a local server already owns the home; default: what
        WORKBENCH_EMBEDDED says. Raises ServerError when another process has the home for itself.
        """
        home = home or find_home()
        name = name or workspace_name()
        home.workspace(name)
        if wants_embedded() if embedded is None else embedded:
            from workbench.store.sqlite.ownership import find_server

            if find_server(home) is None:
                from workbench.workspace.embedded import EmbeddedClient  # asyncio, asyncssh, the store

                return cls(EmbeddedClient(home, name), home, name)
        return cls(OnDemandClient(home, name), home, name)

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the services; runs go on."""
        self.client.close()

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One operation's value as plain JSON types; raises the WorkbenchError the service raised."""
        return answered(method, lambda: self.client.call(noun, method, **parameters))

    def items(self, noun: str, method: str, **parameters: Any) -> Generator[Any, None, None]:
        """A stream of values; close it to stop. Following a run goes on when the server ends underneath."""
        stream = item_resumption(noun, method, parameters)
        if stream is None:
            return self.client.items(noun, method, **parameters)
        return resumed(lambda asked: self.client.items(noun, method, **asked), stream)

    def read(self, noun: str, method: str, **parameters: Any) -> Iterator[bytes]:
        """A stream of bytes; close it to stop. Following a log goes on when the server ends underneath."""
        if not follows_log(noun, method, parameters):
            return self.client.read(noun, method, **parameters)
        place = self.call("runs", "log_place", **log_question(parameters))
        return resumed(lambda asked: self.client.read(noun, method, **asked), log_resumption(place))

    def write(self, noun: str, method: str, source: Iterable[bytes], **parameters: Any) -> Any:
        """Send bytes, get one value."""
        return self.client.write(noun, method, source, **parameters)

    def duplex(self, noun: str, method: str, **parameters: Any) -> Duplex:
        """Begin an operation that sends and receives, such as a terminal; closing the answer ends it."""
        return self.client.duplex(noun, method, **parameters)

    @property
    def environments(self) -> Environments:
        """Environments, from files and to files of this side (AZ-6)."""
        from workbench.workspace.environment_shelf import Environments

        return Environments(self.client, self.home, self._environ)

    def submit(
        self,
        configuration: RunConfiguration,
        *,
        parent: str | None = None,
        on_progress: Progress | None = None,
        on_notice: Notice | None = None,
    ) -> dict[str, Any]:
        """Pack the configuration's code directory, send what is missing, start the run; its entity.

        Returns as soon as the run is on its way (AZ-14).
        parent: the run it is a child of. on_notice hears, before anything is sent, of files that look like
        secrets and of what is left out.
        Raises SnapshotTooLarge, NotFound, Unreachable, UsageError (a secret that is not in the environment).
        """
        from workbench.workspace.submission import Submission

        submission = Submission(self.client, self.home, self._environ, on_progress, on_notice)
        return submission.submit(configuration, parent=parent)

    def take_in(
        self, configuration: RunConfiguration, on_progress: Progress | None = None
    ) -> tuple[RunConfiguration, str | None]:
        """Send what a configuration needs of this side, start nothing; it, and the id of its code if any.

        Raises what `submit` raises.
        """
        from workbench.workspace.submission import Submission

        made = Submission(self.client, self.home, self._environ, on_progress)
        settled, code, _ = made.take_in(configuration)
        return settled, code.get("snapshot")

    def plan(self, configuration: RunConfiguration) -> dict[str, Any]:
        """What a submit would send: {"configuration", "snapshot"?, "git"?}; raises what it raises."""
        from workbench.workspace.submission import Submission

        return Submission(self.client, self.home, self._environ, None).plan(configuration)

    def watch_machines(
        self, *names: str, looking: str = "visible"
    ) -> Generator[dict[str, dict[str, Any]], None, None]:
        """Machines as they change (none named: all): their views by name, whole each time; close it to stop.

        looking: "visible" is once a second, "closely" ten times, "away" every five seconds and only what is
        measured anyway. Goes on when the server ends underneath. Raises NotFound.
        """
        from workbench.workspace.machine_views import MachineViews

        known = MachineViews()
        asked: dict[str, Any] = {"names": list(names), "looking": looking}
        for item in self.items("compute", "watch", **asked):
            if known.take(item):
                yield dict(known.views)

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
        """A new run from an old one's configuration; code: "snapshot" (the old one's) or "current"."""
        from workbench.workspace.submission import Submission

        submission = Submission(self.client, self.home, self._environ, on_progress, on_notice)
        return submission.rerun(run, target=target, sets=list(sets), code=code, directory=directory)

    def start_logging(
        self,
        experiment: str = "default",
        *,
        name: str | None = None,
        tags: Mapping[str, str | None] | None = None,
    ) -> InteractiveRun:
        """Open an interactive run that this session logs, on this machine; nothing is submitted (AZ-69).

        Used as a context manager it completes with its block. Raises RunFailed when it cannot be opened.
        """
        from workbench.workspace.interactive import start_logging

        return start_logging(self, experiment, name, tags or {})

    def configure(
        self,
        *,
        file: Path | None = None,
        command: list[str] | str | None = None,
        sets: Iterable[str] = (),
        **options: Any,
    ) -> RunConfiguration:
        """The run configuration of a job file, or of a command (a list is exact, a text a shell line).

        options are those of `runs.overrides.Options`. Raises ConfigurationError with every mistake at once.
        """
        from workbench.workspace.configuring import configure

        return configure(file, command, sets, options)

    def download(self, run: str, path: str, to: Path, on_progress: Progress | None = None) -> Path:
        """Save one of the run's files at `to` (a folder: under its own name); resumes a broken download."""
        from workbench.workspace.downloads import download

        return download(self.client, run, path, to, on_progress)

    def upload(
        self,
        target: str,
        sources: Sequence[Path],
        to: str,
        *,
        overwrite: bool = False,
        on_progress: Progress | None = None,
    ) -> Iterator[Brought]:
        """Bring files and folders to a machine, each as it is done; see `transfers.Transfers`."""
        from workbench.workspace.transfers import Transfers

        return Transfers(self.client, target, overwrite=overwrite, on_progress=on_progress).upload(
            sources, to
        )

    def fetch(
        self,
        target: str,
        paths: Sequence[str],
        to: Path,
        *,
        overwrite: bool = False,
        on_progress: Progress | None = None,
    ) -> Iterator[Brought]:
        """Bring a machine's files and folders here, each as it is done; see `transfers.Transfers`."""
        from workbench.workspace.transfers import Transfers

        return Transfers(self.client, target, overwrite=overwrite, on_progress=on_progress).download(
            paths, to
        )

    def bring_runs(self, path: Path | str, experiment: str | None = None) -> Iterator[Imported]:
        """Import the runs that other tools logged in a file or below a folder; see `imports.bring`.

        path: one of this machine, or MACHINE:PATH, which is read there.
        """
        from workbench.workspace.imports import bring, bring_from, place_of

        target, there = place_of(path)
        if target is not None:
            return bring_from(self.client, target, there, experiment)
        return bring(self.client, Path(path), experiment)

    def export_runs(
        self,
        runs: Sequence[str],
        to: Path,
        *,
        files: bool = False,
        code: bool = True,
        overwrite: bool = False,
    ) -> list[str]:
        """Write runs as one file that `bring_bundle` reads elsewhere; their names. See `bundles.export`."""
        from workbench.workspace.bundles import export

        return export(self.client, runs, to, files=files, code=code, overwrite=overwrite)

    def report(self, runs: Sequence[str], **options: Any) -> dict[str, Any]:
        """What a report of runs, or of a saved comparison, says; see `reports.gather` and its options."""
        from workbench.workspace.reports import gather

        return gather(self.client, runs, **options)

    def bring_bundle(self, path: Path) -> list[BroughtRun] | None:
        """Bring the runs of a bundle in; None where the file is none. Raises UsageError for a damaged one."""
        from workbench.workspace.bundles import bring, is_bundle

        return bring(self.client, path) if is_bundle(path) else None

    def find_runs(self, path: Path | str) -> Iterator[FoundRun]:
        """What `bring_runs` would import; nothing is changed. Raises NotFound."""
        from workbench.workspace.imports import look

        return look(self.client, path)

    def save_snapshot(self, run: str, to: Path) -> Path:
        """Save the run's snapshot as an ordinary zip at `to`."""
        from workbench.workspace.downloads import save_stream

        return save_stream(self.client.read("runs", "snapshot_zip", run=run), to)
