"""wb compute shell (wb ssh), wb run shell: a terminal on a machine, or in a run's folder there."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from typing import Any

import click

from workbench.cli import complete
from workbench.cli.command import Launcher, command
from workbench.cli.compute_attach import connecting, sign_in
from workbench.cli.parsing import at_least, command_words
from workbench.cli.session import Session
from workbench.errors import HostKeyUnknown, NeedsSignIn
from workbench.home import user_at_host
from workbench.text.sanitize import clean_name
from workbench.workspace.own_terminal import Ended, OwnTerminal, surroundings
from workbench.workspace.terminal_session import TerminalSession

GPUS = click.option("--gpus", type=at_least(1), metavar="N", help="Hold N GPUs meanwhile; waits its turn.")


@command("shell", cls=Launcher)
@click.argument("name", metavar="NAME [-- COMMAND...]", shell_complete=complete.target)
@GPUS
@click.pass_context
def shell(context: click.Context, name: str, gpus: int | None) -> int:
    """Open your login shell on a machine, or run a command on a terminal there: wb ssh gpu1 -- htop.

    It is the connection that is there already. Everything goes through: colours, Ctrl-C, editors, tmux. Exits
    with the code of what ran. Enter ~ . hangs up, Enter ~ ? lists what else there is.
    """
    session = context.ensure_object(Session)
    return _signed_in(session, name, "compute", {"name": name, **_asked(context, gpus, f"wb ssh {name}")})


@command("shell", cls=Launcher)
@click.argument("run", metavar="RUN [-- COMMAND...]", shell_complete=complete.run)
@GPUS
@click.pass_context
def run_shell(context: click.Context, run: str, gpus: int | None) -> int:
    """Open a shell in a run's folder on its machine: its code, its interpreter, its variables, its GPUs.

    It is not the run: what scripts record in it is printed, not kept. Secrets, and what setup lines did, are
    not there. A run that is over has no GPUs any more; --gpus holds some.
    """
    session = context.ensure_object(Session)
    asked = _asked(context, gpus, f"wb run shell {run}")
    found = session.call("runs", "get", run=run)
    return _signed_in(session, found["target"], "runs", {"run": found["id"], **asked})


def _asked(context: click.Context, gpus: int | None, usage: str) -> dict[str, Any]:
    """What both take: a command after --, GPUs and who holds them."""
    asked: dict[str, Any] = {"gpus": gpus, "by": user_at_host() if gpus else None}
    if "command" in context.meta:
        words = command_words(context.meta["command"], f"{usage} -- COMMAND")
        asked.update({"argv": words} if isinstance(words, list) else {"shell": words})
    return asked


def _signed_in(session: Session, machine: str, noun: str, asked: dict[str, Any]) -> int:
    try:
        return on_terminal(session, machine, noun, asked)
    except (NeedsSignIn, HostKeyUnknown):
        if not session.asker.present():
            raise
        sign_in(session, machine, "login", {}, f"wb compute login {machine}", yes=False)
        return on_terminal(session, machine, noun, asked)


def _say(told: dict[str, Any]) -> None:
    """What is to be known of the GPUs that are wanted."""
    if "waiting" in told:
        print(f"waiting: {clean_name(str(told['waiting']), 500)}", file=sys.stderr)
    elif "granted" in told:
        names = ", ".join(clean_name(str(device), 100) for device in told["granted"])
        print(f"{names} until you leave this shell", file=sys.stderr)
    elif told.get("lacks_gpus") is True:
        print("the run has no GPUs now, so none are seen; --gpus N holds some", file=sys.stderr)


def on_terminal(session: Session, machine: str, noun: str, asked: dict[str, Any]) -> int:
    """Be the terminal of what `noun.terminal` runs on a machine; its exit code, 128+n after signal n."""
    terminal = OwnTerminal()
    try:
        about = {**surroundings(os.environ), **terminal.size()}
        with session.workspace.duplex(noun, "terminal", **{**about, **asked}) as duplex:
            talk = TerminalSession(duplex, terminal, _say)
            with nullcontext() if asked.get("gpus") else connecting(session, machine):
                talk.begin()
            return talk.carry()
    except Ended as end:
        return 128 + end.number
    finally:
        terminal.close()
