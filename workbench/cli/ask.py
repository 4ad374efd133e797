"""Questions to the person at the terminal: yes or no, pass phrases, codes, host keys."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

from workbench.errors import HostKeyUnknown, NeedsSignIn, Refused
from workbench.text.sanitize import clean, clean_name
from workbench.text.style import paint

if TYPE_CHECKING:
    from workbench.cli.session import Session
    from workbench.workspace.signing_in import Question

TERMINAL = "/dev/tty"


class Asker(Protocol):
    """Who answers."""

    def present(self) -> bool:
        """Whether anybody is there."""

    def ask(self, prompt: str, *, echo: bool) -> str:
        """One line of answer; nothing typed is shown without echo."""


class TerminalAsker:
    """The controlling terminal, whatever stdin and stdout are connected to."""

    def present(self) -> bool:
        """Whether this process has a terminal to ask on."""
        try:
            os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))
        except OSError:
            return False
        return True

    def ask(self, prompt: str, *, echo: bool) -> str:
        """Ask on the terminal; an end of input counts as an interrupt."""
        import termios

        handle = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY)
        try:
            before = termios.tcgetattr(handle)
            if not echo:
                silent = [*before]
                silent[3] &= ~termios.ECHO
                termios.tcsetattr(handle, termios.TCSAFLUSH, silent)
            try:
                os.write(handle, prompt.encode("utf-8", "replace"))
                answer = _line(handle)
            finally:
                if not echo:
                    termios.tcsetattr(handle, termios.TCSAFLUSH, before)
                    os.write(handle, b"\n")
        finally:
            os.close(handle)
        return answer


def _line(handle: int) -> str:
    data = b""
    while not data.endswith(b"\n"):
        block = os.read(handle, 4096)
        if not block:
            raise KeyboardInterrupt
        data += block
    return data.rstrip(b"\r\n").decode("utf-8", "surrogateescape")


def confirm(session: Session, question: str, *, yes: bool) -> None:
    """Go on only with a yes; no is what Enter means.

    Raises Refused when the answer is no, or when nobody is there to ask and --yes was not given.
    """
    if yes:
        return
    if not session.asker.present():
        raise Refused("this asks for a yes and nobody is at a terminal", "add --yes to go ahead")
    answer = session.asker.ask(f"{clean(question)} [y/N] ", echo=True)
    if answer.strip().lower() not in ("y", "yes"):
        raise Refused("nothing was changed")


def accept_host_key(session: Session, problem: HostKeyUnknown, *, yes: bool) -> str:
    """The fingerprint of an unknown host's key, once it is accepted with a yes or by typing it.

    yes accepts without asking. Raises problem itself when nobody is there to ask, Refused on a no.
    """
    fingerprint = str(problem.data.get("fingerprint", ""))
    if yes:
        return fingerprint
    if not session.asker.present():
        problem.hint = "compare the fingerprint with the machine's, then add --accept-new"
        raise problem
    answer = session.asker.ask(_key_question(session, problem.data), echo=True).strip()
    if answer.lower() not in ("y", "yes") and answer not in (fingerprint, fingerprint.partition(":")[2]):
        raise Refused("the key was not accepted, nothing was sent", "ask whoever runs the machine for it")
    return fingerprint


def _key_question(session: Session, data: dict[str, Any]) -> str:
    """What a person needs to decide about an unknown key: whose, which, and how to check it."""
    host = clean_name(str(data.get("host") or "the host"))
    port = data.get("port")
    place = host if port in (None, 22) else f"{host} port {port}"
    kind, shown = clean_name(str(data.get("algorithm", ""))), clean_name(str(data.get("fingerprint", "")))
    short = kind.removeprefix("ssh-").partition("-")[0] or "ed25519"
    colour = session.terminal.colour
    check = f"ssh-keygen -lf /etc/ssh/ssh_host_{short}_key.pub"
    return (
        f"{paint(place, 'bold', colour)} has not been seen before. Its {kind} key is\n"
        f"  {paint(shown, 'active', colour)}\n"
        f"The same must come of this, run on the machine itself (or ask whoever runs it):\n"
        f"  {check}\n"
        "Accept it? Typing the fingerprint does, too. [y/N] "
    )


def answer_prompt(session: Session, asked: Question, name: str, again: str) -> str:
    """The answer to what a host asks at sign-in: a password, a pass phrase, a one-time code.

    Raises NeedsSignIn, which names again as the command to repeat, when nobody is there to ask.
    """
    if not session.asker.present():
        raise NeedsSignIn(f"{name} asks for something only you can give", f"{again}, at a terminal")
    text = clean(asked.text, 500).rstrip()
    return session.asker.ask(f"{text}{'' if text.endswith(':') else ':'} ", echo=asked.echo)
