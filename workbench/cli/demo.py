"""wb demo."""

from __future__ import annotations

import os
import sys

import click

from workbench.cli.command import Command, command
from workbench.cli.session import Session
from workbench.home import Home

MOST_CELLS = 100
PAGE_CELLS = 80
"""The width where no width is known."""


@command("demo", cls=Command)
@click.option("--headless", is_flag=True, help="Tell it as text, without opening the dashboard.")
@click.option("--keep", is_flag=True, help="Leave what it made, and say where.")
@click.pass_obj
def demo(session: Session, headless: bool, keep: bool) -> int:
    """See the whole loop on two machines made up on the spot, with real runs; nothing of yours is touched.

    It attaches them over SSH, submits six configurations of a real trainer, follows them live, compares them
    and promotes the best over a weaker champion. On a terminal the dashboard opens on them, with a line that
    leads through it up to the promotion; else and with --headless it is told as text, in about a minute.
    Ctrl-C cleans up as well.
    """
    from workbench.demo import run

    terminal = session.terminal
    look = terminal.look._replace(width=min(terminal.cells, MOST_CELLS) if terminal.stdout else PAGE_CELLS)
    live = terminal.stdout and os.environ.get("TERM") != "dumb"
    show = _show if session.screen and not headless else None
    return run(keep=keep, write=_write, look=look, live=live, show=show)


def _show(home: Home) -> int:
    from workbench.tui.start import run_dashboard  # brings textual

    return run_dashboard(home=home, workspace="default", guided=True)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
