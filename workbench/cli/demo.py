"""wb demo."""

from __future__ import annotations

import os
import sys

import click

from workbench.cli.command import Command, command
from workbench.cli.session import Session

MOST_CELLS = 100
PAGE_CELLS = 80
"""The width where no width is known."""


@command("demo", cls=Command)
@click.option("--headless", is_flag=True, help="Ask nothing and wait for nothing.")
@click.option("--keep", is_flag=True, help="Leave what it made, and say where.")
@click.pass_obj
def demo(session: Session, headless: bool, keep: bool) -> int:
    """See the whole loop on two machines made up on the spot, with real runs; nothing of yours is touched.

    It attaches them over SSH, submits six configurations of a real trainer, follows them live, compares them
    and names the best. Takes less than a minute; Ctrl-C cleans up as well.
    """
    from workbench.demo import run

    terminal = session.terminal
    look = terminal.look._replace(width=min(terminal.cells, MOST_CELLS) if terminal.stdout else PAGE_CELLS)
    live = terminal.stdout and os.environ.get("TERM") != "dumb"
    return run(headless=headless, keep=keep, write=_write, look=look, live=live)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
