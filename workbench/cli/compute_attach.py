"""wb compute attach, wb compute login: reaching a machine, with the questions only its user can answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import click

from workbench.cli import ask, complete, output
from workbench.cli.command import Listing, command
from workbench.cli.compute import print_target
from workbench.cli.compute_settings import settings_of
from workbench.cli.progress import waiting
from workbench.cli.session import Session
from workbench.errors import NeedsSignIn, UsageError, WorkbenchError
from workbench.text import states
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell
from workbench.views.machines import card, with_summary
from workbench.workspace.signing_in import Asked, Call, Conversation, Question, conversation

LOGIN = "wb compute login"
"""What hints of the connecting side end with: it does not know the machine's name here."""


@command("attach", cls=Listing)
@click.argument("name")
@click.argument("address", required=False, metavar="[[USER@]HOST[:PORT]]")
@click.option("--identity", metavar="FILE", help="The private key to sign in with.")
@click.option("--jump", metavar="HOST", help="The host to go through.")
@click.option("--root", metavar="DIR", help="Where runs live on the machine; else ~/.workbench.")
@click.option("--python", metavar="PATH", help="The interpreter runs use there.")
@click.option(
    "--transport", type=click.Choice(["asyncssh", "openssh"]), help="The SSH client that carries it."
)
@click.option("--accept-new", is_flag=True, help="Accept the key of a host seen for the first time.")
@click.option("--set", "words", multiple=True, metavar="KEY=VALUE", help="A setting, as of compute set.")
@click.option("--yes", is_flag=True, help="Answer every question with yes.")
@click.pass_obj
def attach(
    session: Session,
    /,
    name: str,
    address: str | None,
    accept_new: bool,
    words: tuple[str, ...],
    yes: bool,
    **options: str | None,
) -> None:
    """Attach a machine under a NAME. Without an address, NAME is a Host of ~/.ssh/config.

    Nothing is installed there. `local` as name or address is this machine.
    """
    settings = {**settings_of(words), **{key: value for key, value in options.items() if value is not None}}
    local = address == "local" or (address is None and name == "local")
    if local and settings.keys() & {"identity", "jump", "transport"}:
        raise UsageError(
            "this machine is not reached over SSH", "leave out --identity, --jump and --transport"
        )
    if not local:
        settings["address"] = address or name

    asked = {"kind": "local" if local else "ssh", "settings": settings}
    found = sign_in(session, name, "attach", asked, f"wb compute attach {name}", yes=yes or accept_new)
    _print_card(session, found)


@command("login", cls=Listing)
@click.argument("name", shell_complete=complete.target)
@click.option("--accept-new", is_flag=True, help="Accept the key of a host seen for the first time.")
@click.pass_obj
def login(session: Session, name: str, accept_new: bool) -> None:
    """Sign in to a machine that asks for a password, a pass phrase or a code; the connection then stays."""
    found = sign_in(session, name, "login", {}, f"{LOGIN} {name}", yes=accept_new)
    print_target(session, found["target"])


def sign_in(
    session: Session, name: str, method: str, parameters: dict[str, Any], again: str, *, yes: bool
) -> dict[str, Any]:
    """Attach or sign in by a method of `compute`; the service's last answer, which has "target".

    yes accepts unknown host keys. again: the command to repeat when it fails, as a machine not attached
    yet has no login.
    """
    talk = conversation(name, method, parameters)
    with ExitStack() as attending:
        try:
            asked = next(talk)
            while True:
                if isinstance(asked, Call):
                    asked = _called(session, name, talk, asked)
                elif isinstance(asked, Question):
                    attending.close()  # to the question before
                    attending.enter_context(attended(session, asked.session))
                    asked = talk.send(ask.answer_prompt(session, asked, name, again))
                else:
                    asked = talk.send(ask.accept_host_key(session, asked.problem, yes=yes))
        except StopIteration as end:
            found: dict[str, Any] = end.value
            return found
        except NeedsSignIn as problem:
            if problem.hint.endswith(LOGIN):
                problem.hint = problem.hint.removesuffix(LOGIN) + again
            raise


def _called(session: Session, name: str, talk: Conversation, call: Call) -> Asked:
    """What is asked after a call was made."""
    try:
        with connecting(session, name):
            found = session.call("compute", call.method, **call.parameters)
    except WorkbenchError as problem:
        return talk.throw(problem)
    return talk.send(found)


@contextmanager
def attended(session: Session, key: str) -> Iterator[None]:
    """For a block that asks the user; if it ends without the answer, so does the sign-in."""
    attending = session.workspace.items("compute", "attend", session=key)
    next(attending)
    try:
        yield
    finally:
        attending.close()


def connecting(session: Session, name: str) -> AbstractContextManager[None]:
    """For a block that waits for a machine, which may take its time."""
    return waiting(session.terminal.stderr, session.terminal.cells, f"connecting to {name} ...")


def _print_card(session: Session, found: dict[str, Any]) -> None:
    """What was found on the machine, what to mind, and the next command."""
    target = found["target"]
    facts = card(target, session.clock(), session.terminal.ascii_only)
    extra = found.get("card") or {}
    for check in extra.get("warnings") or []:
        text = check if isinstance(check, str) else f"{check.get('text', '')}  {check.get('hint') or ''}"
        if output.as_table(session):
            mark = states.CHECK["warn"].text(session.terminal.ascii_only)
            facts.append((mark.split()[0] + " mind", Cell(clean_name(text, 400), "warn")))
        else:  # the data has no place for it, and a script's log should have it
            print(f"note: {clean_name(text, 400)}", file=sys.stderr)
    output.record(session, with_summary(target), facts)
    name = clean_name(target["name"])
    where = "" if target.get("default") else f" -t {name}"
    output.note(session, f"{name} is attached. Next:  wb submit{where} --follow -- python train.py")
