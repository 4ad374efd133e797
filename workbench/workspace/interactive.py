"""Interactive runs: logged from this very session, while a process on this machine stands for them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.entities.configuration import RunConfiguration
from workbench.errors import ServerError
from workbench.remote.forms import protocol
from workbench.remote.machine import DEFAULT_ROOT, absolute
from workbench.remote.processes import process_trees
from workbench.remote.runs import interactive
from workbench.remote.tracking.complaints import guarded, nothing
from workbench.remote.tracking.run import Run
from workbench.workspace.waiting import raise_unless_completed

if TYPE_CHECKING:
    from workbench.workspace.facade import Workspace

LOCAL = "local"


class InteractiveRun(Run):
    """A run that this session logs (AZ-69): everything a run inside a script has, and a context manager.

    It completes at the end of its block, fails with an exception that leaves it, and with a session that
    ends without a word.
    """

    @guarded(nothing)
    def complete(self) -> None:
        """Say that it is Completed (AZ-77)."""
        Run.complete(self)
        interactive.leave_word(self.directory, protocol.COMPLETED)

    @guarded(nothing)
    def fail(self, message: Any = "", error_code: Any = None, error_details: Any = None) -> None:
        """Say that it Failed, and why (AZ-77)."""
        Run.fail(self, message, error_code, error_details)
        interactive.leave_word(self.directory, protocol.FAILED, str(error_details or message or ""))


def start_logging(
    workspace: Workspace, experiment: str, name: str | None, tags: Mapping[str, str | None]
) -> InteractiveRun:
    """Open an interactive run on this machine; see Workspace.start_logging."""
    me = process_trees.identity(os.getpid())
    if me is None:
        raise ServerError("this system does not tell when a process was started", "submit a script instead")
    words = ["python", "-m", interactive.__name__, *map(str, me)]
    run = workspace.submit(
        RunConfiguration(
            command=words,
            target=LOCAL,
            experiment=experiment,
            name=name,
            tags=dict(tags),
            environment=sys.executable,
            gpus=0,
            snapshot_code=False,
        )
    )
    for item in workspace.items("runs", "watch", run=run["id"]):
        run = item["run"]
        if run["status"] in (protocol.RUNNING, *protocol.TERMINAL):
            break
    if run["status"] != protocol.RUNNING:
        raise_unless_completed(run)
    root = workspace.call("compute", "get", name=LOCAL)["settings"].get("root")
    directory = os.path.join(absolute(root or DEFAULT_ROOT), "runs", run["id"])
    return InteractiveRun(run["id"], directory, run["attempt"], run["experiment"])
