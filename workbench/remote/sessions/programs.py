"""What is run on a terminal, and what it finds around it: the login shell, the terminal's type."""

import os
import pwd
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence

from workbench.remote.wire import parameters
from workbench.remote.wire.problems import RequestError

PLAIN_TERM = "xterm-256color"
TERMINFO = ("~/.terminfo", "/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo", "/usr/lib/terminfo")
# Of whoever started the link: another terminal than the one that is to come.
DROPPED = frozenset("COLUMNS LINES WINDOWID TMUX TMUX_PANE STY SSH_TTY".split())
_TERM = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}\Z")

# program: what is executed, looked up on PATH. words: its argv, whose first one may be another name.
Program = NamedTuple("Program", [("program", str), ("words", List[str])])

# A program, where it works, and the whole of its environment.
Work = NamedTuple("Work", [("program", Program), ("directory", str), ("environment", Dict[str, str])])


def asked_work(params, around):
    # type: (Dict[str, Any], Mapping[str, str]) -> Work
    """What a request wants to be done on the machine: a program, params cwd and env."""
    environment = dict(around)
    environment.update(parameters.texts(params, "env"))
    directory = os.path.expanduser(parameters.optional_text(params, "cwd") or "~")
    return Work(asked_program(params, environment), directory, environment)


def asked_program(params, environment):
    # type: (Dict[str, Any], Mapping[str, str]) -> Program
    """What a request wants to be run: params argv, shell (a line), or the user's login shell."""
    argv, line = parameters.argument_list(params, "argv"), parameters.optional_text(params, "shell")
    if argv is not None and line is not None:
        raise RequestError("usage", "give argv or shell, not both")
    if argv is not None:
        return Program(argv[0], argv)
    shell = login_shell(environment)
    if line is not None:
        return Program(shell, [shell, "-c", line])
    return Program(shell, ["-" + os.path.basename(shell)])  # by that dash it knows that it is a login


def login_shell(environ):
    # type: (Mapping[str, str]) -> str
    """The user's shell: SHELL, as whoever let us in set it, else what the system knows, else /bin/sh."""
    try:
        known = pwd.getpwuid(os.getuid()).pw_shell
    except KeyError:
        known = ""
    for shell in (environ.get("SHELL", ""), known):
        if os.path.isabs(shell) and os.access(shell, os.X_OK):
            return shell
    return "/bin/sh"


def surroundings(environ, term):
    # type: (Mapping[str, str], Any) -> Dict[str, str]
    """The environment of a terminal's program before what its request adds."""
    found = {name: value for name, value in environ.items() if name not in DROPPED}
    found["TERM"] = known_term(term)
    return found


def known_term(term, folders=TERMINFO):
    # type: (Any, Sequence[str]) -> str
    """The terminal's type, or a plain one where this machine has no description of it."""
    if not isinstance(term, str) or not _TERM.match(term):
        return PLAIN_TERM
    letters = (term[0], "%x" % ord(term[0]))  # the second where file names do not tell capitals apart
    there = [folder for folder in map(os.path.expanduser, folders) if os.path.isdir(folder)]
    fits = any(os.path.exists(os.path.join(f, letter, term)) for f in there for letter in letters)
    return term if fits or not there else PLAIN_TERM
