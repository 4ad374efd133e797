"""wb compute shell (wb ssh): a terminal on a machine."""

from __future__ import annotations

import os
from typing import Any

import click

from workbench.cli import complete
from workbench.cli.command import Launcher, command
from workbench.cli.compute_attach import connecting, sign_in
from workbench.cli.parsing import command_words
from workbench.cli.session import Session
from workbench.errors import HostKeyUnknown, NeedsSignIn
from workbench.workspace.own_terminal import Ended, OwnTerminal, surroundings
from workbench.workspace.terminal_session import TerminalSession


@command("shell", cls=Launcher)
@click.argument("name", metavar="NAME [-- COMMAND...]", shell_complete=complete.target)
@click.pass_context
def shell(context: click.Context, name: str) -> int:
    """Open your login shell on a machine, or run a command on a terminal there: wb ssh gpu1 -- htop.

    It is the connection that is there already. Everything goes through: colours, Ctrl-C, editors, tmux. Exits
    with the code of what ran. Enter ~ . hangs up, Enter ~ ? lists what else there is.
    """
    session = context.ensure_object(Session)
    asked: dict[str, Any] = {"name": name}
    if "command" in context.meta:
        words = command_words(context.meta["command"], f"wb ssh {name} -- COMMAND")
        asked.update({"argv": words} if isinstance(words, list) else {"shell": words})
    try:
        return on_terminal(session, name, "compute", asked)
    except (NeedsSignIn, HostKeyUnknown):
        if not session.asker.present():
            raise
        sign_in(session, name, "login", {}, f"wb compute login {name}", yes=False)
        return on_terminal(session, name, "compute", asked)


def on_terminal(session: Session, machine: str, noun: str, asked: dict[str, Any]) -> int:
    """Be the terminal of what `noun.terminal` runs on a machine; its exit code, 128+n after signal n."""
    terminal = OwnTerminal()
    try:
        about = {**surroundings(os.environ), **terminal.size()}
        with session.workspace.duplex(noun, "terminal", **{**about, **asked}) as duplex:
            talk = TerminalSession(duplex, terminal)
            with connecting(session, machine):
                talk.begin()
            return talk.carry()
    except Ended as end:
        return 128 + end.number
    finally:
        terminal.close()
