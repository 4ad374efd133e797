"""A run from outside: what `Workspace.submit` and `Workspace.run` answer."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import Conflict, RunFailed, WaitTimeout
from workbench.remote import protocol
from workbench.remote.logged_metrics import with_numbers
from workbench.text import durations
from workbench.text.outcomes import advice, outcome, reason
from workbench.text.sanitize import TerminalStream, clean_name

if TYPE_CHECKING:
    from workbench.entities.configuration import RunConfiguration
    from workbench.workspace.facade import Progress, Workspace


def raise_unless_completed(run: Mapping[str, Any]) -> None:
    """Raise RunFailed, with what became of it and why, for a run that ended other than Completed."""
    if run.get("status") == protocol.COMPLETED:
        return
    keys = ("id", "name", "status", "cause", "exit_code", "signal")
    data = {key: run[key] for key in keys if run.get(key) is not None}
    raise RunFailed(outcome(run), advice(run), reason=reason(run), **data)


def raise_unless_over(run: Mapping[str, Any], timeout: float | None) -> None:
    """Raise WaitTimeout for a run that goes on after so many seconds of waiting."""
    if run.get("status") in protocol.TERMINAL:
        return
    name = clean_name(str(run.get("name", "")))
    waited = "" if timeout is None else f" after {durations.short(timeout)} of waiting"
    data = {key: run.get(key) for key in ("id", "name", "status")}
    raise WaitTimeout(f"{name} goes on{waited}", f"wait again, or end it: wb cancel {name}", **data)


class RunHandle:
    """One run of a workspace, wherever it runs; it may be over. Made by the workspace."""

    def __init__(self, workspace: Workspace, details: dict[str, Any]) -> None:
        self._workspace = workspace
        self.details = details
        """The run's entity, as it was when it was last asked for: id, name, status, target, params, ..."""

    @property
    def id(self) -> str:
        """Its id, for good."""
        return str(self.details["id"])

    @property
    def name(self) -> str:
        """Its display name."""
        return str(self.details["name"])

    @property
    def status(self) -> str:
        """Its state when it was last asked for: NotStarted, Queued, Running, Completed, ..."""
        return str(self.details["status"])

    def __repr__(self) -> str:
        return f"<run {self.name} {self.id}: {self.status}>"

    def refresh(self) -> dict[str, Any]:
        """Ask how it stands now; answers, and keeps as `details`, the whole entity."""
        self.details = self._workspace.call("runs", "get", run=self.id)
        return self.details

    def wait_for_completion(
        self, show_output: bool = False, raise_on_error: bool = True, timeout: float | None = None
    ) -> dict[str, Any]:
        """Wait until it ends; answers its details then (AZ-85).

        show_output: its output goes to stdout meanwhile; Ctrl-C ends the waiting alone. Raises RunFailed,
        whose data says why, when it did not complete and raise_on_error is true; WaitTimeout when it goes
        on after timeout seconds.
        """
        try:
            self._follow("follow" if show_output else "watch", timeout)
        except KeyboardInterrupt:
            shown = clean_name(self.name)
            print(f"stopped waiting, {shown} goes on; to cancel it: wb cancel {shown}", file=sys.stderr)
            raise
        raise_unless_over(self.details, timeout)
        if raise_on_error:
            raise_unless_completed(self.details)
        return self.details

    def _follow(self, method: str, timeout: float | None) -> None:
        with closing(_Output()) as output:
            for item in self._workspace.items("runs", method, run=self.id, timeout=timeout):
                if "log" in item:
                    output.write(str(item["log"]))
                elif "run" in item:
                    self.details = item["run"]

    @property
    def parent(self) -> RunHandle | None:
        """The run it is a child of; None for one that stands alone (AZ-84)."""
        above = self.details.get("parent")
        return None if above is None else self._workspace.run(str(above))

    def submit_child(self, configuration: RunConfiguration, **more: Any) -> RunHandle:
        """Submit a run below this one, to a target and with a configuration of its own (AZ-82).

        more: as `Workspace.submit` takes it; so are the errors.
        """
        return self._workspace.submit(configuration, parent=self.id, **more)

    def get_children(
        self,
        recursive: bool = False,
        tags: Mapping[str, str | None] | None = None,
        properties: Mapping[str, str | None] | None = None,
        status: str | None = None,
    ) -> list[RunHandle]:
        """The runs below it, the first made first; recursive: each followed by those below it (AZ-84).

        tags, properties: all must fit; a value of None is that the name is there. status: Completed, ...
        """
        found = self._workspace.call(
            "runs",
            "children",
            run=self.id,
            recursive=recursive,
            tags=dict(tags or {}) or None,
            properties=dict(properties or {}) or None,
            status=None if status is None else [status],
        )
        return [RunHandle(self._workspace, details) for details in found]

    def cancel(self, grace: float | None = None) -> dict[str, Any]:
        """Ask its machine to end it: TERM, grace seconds, KILL of the whole tree; answers its details.

        Raises Unreachable when the machine cannot be asked, Conflict when the run is over.
        """
        self.details = self._workspace.call("runs", "cancel", run=self.id, grace=grace)
        return self.details

    def hold(self) -> None:
        """Keep it from starting until it is released; raises Conflict when it has started."""
        self._in_queue("hold")

    def release(self) -> None:
        """Let it start again when its turn comes; raises Conflict when it has started."""
        self._in_queue("release")

    def set_priority(self, priority: int) -> None:
        """Have it go by another priority, higher first; raises Conflict when it has started."""
        self._in_queue("priority", priority=priority)

    def _in_queue(self, method: str, **parameters: Any) -> None:
        outcome = self._workspace.call("queue", method, runs=[self.id], **parameters)
        for why in outcome["refused"].values():
            raise Conflict(f"{self.name}: {why}", "see: wb queue")

    def get_metrics(self, name: str | None = None) -> dict[str, Any]:
        """What it logged so far, by name: one value, a list of several, a table's columns (AZ-99, AZ-100).

        Numbers come as floats in the order of their steps. name: only this one; {} when it never logged it.
        """
        found: dict[str, Any] = with_numbers(self._workspace.call("runs", "values", run=self.id, name=name))
        return found

    def get_file_names(self) -> list[str]:
        """The files below outputs/ and logs/, as its machine has them now, else as last seen (AZ-88)."""
        return [file["path"] for file in self._workspace.call("runs", "files", run=self.id)]

    def download_file(self, name: str, to: str | Path, on_progress: Progress | None = None) -> Path:
        """Save one of its files at `to` (a folder: under its own name); answers where (AZ-88).

        A broken download is resumed. Raises NotFound, Conflict, Unreachable.
        """
        return self._workspace.download(self.id, name, Path(to), on_progress)

    def get_all_logs(self, destination: str | Path) -> list[Path]:
        """Save its output as stream.log, and what is below logs/, in a folder; answers where (AZ-88)."""
        from workbench.workspace.downloads import save_stream

        folder = Path(destination)
        output = self._workspace.read("runs", "logs", run=self.id)
        saved = [save_stream(output, folder / "stream.log")]
        for name in self.get_file_names():
            if name.startswith("logs/"):
                saved.append(self.download_file(name, folder / name))
        return saved


class _Output:
    """Where a run's output goes that somebody watches: stdout, made harmless when that is a terminal."""

    def __init__(self) -> None:
        self._terminal = TerminalStream() if sys.stdout.isatty() else None

    def write(self, text: str) -> None:
        """Show a piece."""
        if self._terminal is not None:
            text = self._terminal.feed(text.encode("utf-8", "replace"))
        sys.stdout.write(text)
        sys.stdout.flush()

    def close(self) -> None:
        """Show what was held back."""
        if self._terminal is not None:
            sys.stdout.write(self._terminal.close())
            sys.stdout.flush()
