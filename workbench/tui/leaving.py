"""Leaving the screen for a while or for good: other programs, the clipboard, the report of a fault."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.text import Text
from textual.app import App, SuspendNotSupported

from workbench.home import RUNTIME, Home
from workbench.text.sanitize import clean
from workbench.version import __version__

CLIPBOARD = 74_994
"""Bytes of base64 that terminals and tmux take in one OSC 52 sequence."""


def copied(app: App[Any], text: str, what: str) -> None:
    """Put text on the clipboard of the terminal one sits at (OSC 52, also over SSH), or say why not."""
    if len(text.encode()) * 4 / 3 > CLIPBOARD:
        app.notify(f"too long to copy: {len(text)} characters", severity="warning")
        return
    app.copy_to_clipboard(text)
    app.notify(f"{what} copied: {clean(text, 80)}", timeout=3, markup=False)


def run_outside(app: App[Any], command: Sequence[str], notice: str = "", environ: Any = None) -> int | None:
    """Run a program with the terminal to itself and come back; its exit code, None where that cannot be.

    The loop stands still meanwhile on purpose: nothing of ours may write to the terminal.
    """
    return _with_the_terminal(
        app, command, notice, lambda: subprocess.run(list(command), env=environ, check=False).returncode
    )


def run_wb(app: App[Any], home: Home, words: Sequence[str], notice: str) -> None:
    """Run a command of ours with the terminal to itself and come back; what it says of an error is shown."""
    command = [sys.executable, "-P", "-m", "workbench.cli.main", *words]
    environ = {**os.environ, "WORKBENCH_HOME": str(home.root), RUNTIME: str(home.runtime)}
    said: list[bytes] = []

    def run() -> int:
        with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, bufsize=0) as process:
            assert process.stderr is not None
            while block := process.stderr.read(4096):
                said.append(block)
                os.write(2, block)
        return process.returncode

    _with_the_terminal(app, command, notice, run)
    words_said = b"".join(said).decode("utf-8", "replace")
    if words_said.startswith("error:") or "\nerror:" in words_said:
        problem = words_said[words_said.rindex("error:") :].removeprefix("error:")
        app.notify(clean(problem.strip().replace("\nhint: ", "\n"), 600), severity="error", timeout=8)


def _with_the_terminal(
    app: App[Any], command: Sequence[str], notice: str, run: Callable[[], int]
) -> int | None:
    try:
        with app.suspend(), _deaf_to_ctrl_c():
            if notice:
                print(f"\n[{notice}]", flush=True)
            return run()
    except SuspendNotSupported:
        app.notify("not possible in a browser", severity="warning")
    except OSError as problem:
        app.notify(f"{command[0]}: {problem.strerror}", severity="error", markup=False)
    return None


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """For a block in which Ctrl-C is the other program's: the terminal sends it to this process as well."""
    before = signal.signal(signal.SIGINT, lambda *_: None)  # not ignored, or the program would be deaf, too
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


def viewer(app: App[Any], place: Path) -> None:
    """Show a file with $PAGER, else less, else more."""
    pager = os.environ.get("PAGER", "").strip() or shutil.which("less") or "more"
    run_outside(app, ["/bin/sh", "-c", f'{pager} "$0"', str(place)])


def write_report(home: Home) -> Text:
    """Write what broke to a file of the home; what to print about it. To be called while it is handled."""
    problem = sys.exc_info()[1]
    words = f"{type(problem).__name__}: {problem}".splitlines()[0]
    place = home.root / f"dashboard-{datetime.now(UTC):%Y%m%dT%H%M%S}.txt"
    try:
        text = f"workbench {__version__}, Python {sys.version}\n\n{traceback.format_exc()}"
        place.write_text(text, "utf-8")
        hint = f"runs go on and nothing is lost; the details are in {place}"
    except OSError as why:
        hint = f"runs go on and nothing is lost; no report could be written: {why.strerror}"
    return Text(f"error: the dashboard broke: {clean(words, 300)}\nhint: {hint}")
