"""How a run ended, in words. Pure."""

import signal
from typing import Dict, NamedTuple, Optional

from workbench.remote.forms import protocol
from workbench.remote.processes.limits import told
from workbench.remote.wire.problems import FULL_WORDS

Ending = NamedTuple(
    "Ending",
    [
        ("state", str),
        ("cause", Optional[str]),
        ("message", Optional[str]),
        ("exit_code", Optional[int]),
        ("signal", Optional[int]),
    ],
)


class Stop(Exception):
    """Raised inside a supervisor to leave whatever it does: the run is to end so."""

    def __init__(self, ending):
        # type: (Ending) -> None
        super(Stop, self).__init__(ending)
        self.ending = ending


def failed(cause, message, exit_code=None, number=None):
    # type: (str, str, Optional[int], Optional[int]) -> Ending
    """Failed, with its cause and sentence."""
    return Ending(protocol.FAILED, cause, message, exit_code, number)


def canceled():
    # type: () -> Ending
    """Canceled, because somebody asked."""
    return Ending(protocol.CANCELED, protocol.CAUSE_CANCELED, "canceled", None, None)


def withdrawn():
    # type: () -> Ending
    """Taken back before it started."""
    words = "taken back before it started, to go to another machine"
    return Ending(protocol.CANCELED, protocol.CAUSE_WITHDRAWN, words, None, None)


def of_exit(wait_status, memory=None, no_room=0, through_shell=False, limits=None):
    # type: (int, Optional[str], int, bool, Optional[Dict[str, int]]) -> Ending
    """The ending of a command from its wait status.

    memory: what `killed_for_memory` says. no_room: what `RunFolder.no_room` says at the end.
    through_shell: an exact argv that a shell had to start, so 126 and 127 mean it could not be. limits: what
    `limits_of` says of the command.
    """
    number, code = None, None
    if wait_status & 0x7F:
        number = wait_status & 0x7F
        words = "killed by %s" % signal_name(number)
    else:
        code = wait_status >> 8
        words = exit_words(code)
    if code == 0:
        return Ending(protocol.COMPLETED, None, None, 0, None)
    by_kill = number == signal.SIGKILL or code == 128 + signal.SIGKILL
    if by_kill and memory:
        certain = "the kernel killed it: out of memory"
        guess = "killed while the kernel was ending processes for lack of memory"
        words = certain if memory == "cgroup" else guess
        return failed(protocol.CAUSE_OUT_OF_MEMORY, words, code, number)
    if memory == "cgroup":
        words += "; the kernel killed one of its processes for lack of memory"
    if no_room:
        words += "; " + FULL_WORDS[no_room] % "the run's folder"
        return failed(protocol.CAUSE_DISK_FULL, words, code, number)
    if through_shell and code in (126, 127):
        return failed(protocol.CAUSE_COMMAND, words, code)
    words = with_limits(words, number if number is not None else (code or 0) - 128, limits or {})
    cause = protocol.CAUSE_EXIT if number is None else protocol.CAUSE_SIGNAL
    return failed(cause, words, code, number)


def with_limits(words, number, limits):
    # type: (str, int, Dict[str, int]) -> str
    """The words with what a limit of the shell did or may have done; number: of the signal, if any."""
    if number == signal.SIGXFSZ:
        return words + ": a file was to grow over the limit of its shell (ulimit -f)"
    if number == signal.SIGXCPU:
        return words + ": it used up the CPU time its shell lets a process have (ulimit -t)"
    if number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # somebody else's doing
        return words
    about = told(limits)
    return words if about is None else "%s; %s" % (words, about)


def exit_words(code):
    # type: (int) -> str
    """An exit code as a sentence, with what shells mean by the high ones."""
    words = "exit code %d" % code
    if code == 127:
        return words + ": the command was not found"
    if code == 126:
        return words + ": the command could not be executed"
    if 128 < code <= 128 + 64:
        return words + " (what a shell says of %s)" % signal_name(code - 128)
    return words


def signal_name(number):
    # type: (int) -> str
    """SIGKILL for 9; "signal 37" for those without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number


def setup_failed(line_number, line, wait_status):
    # type: (int, str, int) -> Ending
    """A setup line that failed; number 0: the login shell's own files ended the shell."""
    code = wait_status >> 8 if not wait_status & 0x7F else None
    number = wait_status & 0x7F or None
    how = "exit %d" % code if code is not None else signal_name(number or 0)
    if line_number == 0:
        text = "the login shell ended before the command (%s)" % how
    else:
        text = "setup line %d failed (%s): %s" % (line_number, how, line[:300])
    return failed(protocol.CAUSE_SETUP, text, code, number)


def not_started(word, error):
    # type: (str, OSError) -> Ending
    """A command that could not be executed at all."""
    if isinstance(error, FileNotFoundError):
        return failed(protocol.CAUSE_COMMAND, "command not found: %s" % word[:300])
    return failed(
        protocol.CAUSE_COMMAND, "the command could not be started: %s: %s" % (word[:300], error.strerror)
    )
