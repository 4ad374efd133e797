"""What a person must hear before code is sent: files that look like secrets, what is left out."""

from __future__ import annotations

import sys

from workbench.cli.problems import hanging
from workbench.cli.session import Session
from workbench.cli.terminal import UNLIMITED
from workbench.text.sanitize import clean_name
from workbench.text.style import paint

MOST = 12


class Notices:
    """Called with one sentence at a time; says the first ones on stderr, terminal or not."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._count = 0

    def __call__(self, text: str) -> None:
        """Say it now: what it warns of has not happened yet."""
        self._count += 1
        terminal = self._session.terminal
        if self._count <= MOST:
            head = paint("note:", "warn", terminal.stderr and terminal.colour)
            width = terminal.cells if terminal.stderr else UNLIMITED
            lines = hanging("      ", clean_name(text, 400), width)
            print("\n".join([f"{head} {lines[0].lstrip()}", *lines[1:]]), file=sys.stderr, flush=True)
        elif self._count == MOST + 1:
            print("note: there is more of this; --dry-run lists all of it", file=sys.stderr, flush=True)
