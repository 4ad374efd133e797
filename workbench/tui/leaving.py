"""Leaving the screen for a while or for good: other programs, the clipboard, the report of a fault."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.text import Text
from textual.app import App, SuspendNotSupported

from workbench.home import Home
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
    try:
        with app.suspend():
            if notice:
                print(f"\n[{notice}]", flush=True)
            return subprocess.run(list(command), env=environ, check=False).returncode
    except SuspendNotSupported:
        app.notify("not possible in a browser", severity="warning")
    except OSError as problem:
        app.notify(f"{command[0]}: {problem.strerror}", severity="error", markup=False)
    return None


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
