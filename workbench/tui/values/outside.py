"""Pictures in the viewer of the desk one sits at; over SSH one is told how to bring them there."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import StoreError, WorkbenchError
from workbench.side_thread import in_side_thread
from workbench.text.sanitize import clean_name

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


def program(environ: Mapping[str, str]) -> str | None:
    """What opens a file on this desk; None where there is no desk, as over SSH."""
    if sys.platform == "darwin":
        return None if environ.get("SSH_CONNECTION") else shutil.which("open")
    if not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return None
    return shutil.which("xdg-open") or shutil.which("gio")


def open_outside(app: Dashboard, run: str, path: str) -> None:
    """Fetch a picture and hand it to the desk; without one, copy the command that brings it."""
    opener = program(os.environ)
    if opener is None:
        words = f"wb run download {shlex.quote(run)} {shlex.quote(path)}"
        app.copy_to_clipboard(words)
        said = f"there is no desk here; copied, for the machine you sit at: {clean_name(words, 300)}"
        app.notify(said, markup=False, timeout=8)
        return

    async def work() -> None:
        try:
            await in_side_thread(lambda: _fetch_and_open(app, run, path, opener))
        except WorkbenchError as problem:
            app.complain(problem)

    app.run_worker(work(), name="outside", group="outside", exit_on_error=True)


def _fetch_and_open(app: Dashboard, run: str, path: str, opener: str) -> None:
    """Fetch it and wait until the desk has taken it over; its copy stays for the viewer to read."""
    folder = Path(tempfile.mkdtemp(prefix="workbench-"))
    with app.open_workspace() as workspace:
        place = workspace.download(run, path, folder / Path(path).name)
    command = [opener, "open", str(place)] if Path(opener).name == "gio" else [opener, str(place)]
    quiet = subprocess.DEVNULL
    done = subprocess.run(
        command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True, check=False
    )
    if done.returncode:
        raise StoreError(f"{Path(opener).name} did not open the picture", f"it is {place}")
