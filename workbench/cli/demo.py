"""wb demo."""

from __future__ import annotations

import click

from workbench.cli.command import Command, command


@command("demo", cls=Command)
@click.option("--headless", is_flag=True, help="Ask nothing and wait for nothing.")
@click.option("--keep", is_flag=True, help="Leave what it made, and say where.")
def demo(headless: bool, keep: bool) -> int:
    """See the whole loop on two machines made up on the spot, with real runs; nothing of yours is touched."""
    from workbench.demo import run

    return run(headless=headless, keep=keep, out=click.echo)
