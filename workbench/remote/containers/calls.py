"""Asking an engine something: its answer, capped, within a time; never from the supervisor itself."""

import os
import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

MOST = 8 << 20  # bytes of an answer: `image inspect` of a large image is some hundred KB
_CONTROL = re.compile("\x1b\\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
NOT_THERE = 127
HELP = ("See '", "Run 'docker", "For more help")

_Answer = NamedTuple("_Answer", [("code", int), ("out", str), ("err", str), ("timed_out", bool)])


class Answer(_Answer):
    """How a command ended and what it said."""

    def last_words(self):
        # type: () -> str
        """Its last line, of what went wrong if it says so, without control characters."""
        return last_line(self.err) or last_line(self.out)


def last_line(text):
    # type: (str) -> str
    """The last line that says something, at most 600 characters, without what a logger puts before it."""
    lines = [_CONTROL.sub("", line).strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith(HELP)]
    worst = [line for line in lines if line.lower().startswith("error")] or lines
    if not worst:
        return ""
    line = re.sub(r"^(Error response from daemon|Error|ERROR|docker|podman|nerdctl): ?", "", worst[-1])
    return re.sub(r"^(Error response from daemon|Error): ?", "", line)[:600]


def call(argv, seconds, stdin=None):
    # type: (List[str], float, Optional[bytes]) -> Answer
    """Run a command to its end; one that is not there answers NOT_THERE, one out of time is ended."""
    import subprocess  # here: supervisors stay small

    try:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=quiet_environment(),
        )
    except (OSError, ValueError) as error:
        return Answer(NOT_THERE, "", "%s: %s" % (argv[0], getattr(error, "strerror", None) or error), False)
    late = False
    try:
        out, err = child.communicate(stdin, timeout=seconds)
    except subprocess.TimeoutExpired:
        late = True
        child.kill()
        out, err = _rest(child)
    return Answer(child.returncode or (1 if late else 0), _text(out), _text(err), late)


def _rest(child):
    # type: (Any) -> Tuple[bytes, bytes]
    """What a killed command still said; something it started may hold its pipes open."""
    import subprocess

    try:
        out, err = child.communicate(timeout=2.0)
        return out, err
    except subprocess.TimeoutExpired:
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()
        child.wait()
        return b"", b""


def quiet_environment():
    # type: () -> Dict[str, str]
    """Ours, in the language whose messages we know."""
    return dict(os.environ, LC_ALL="C", DOCKER_CLI_HINTS="false", TERM="dumb")


def _text(body):
    # type: (Optional[bytes]) -> str
    return (body or b"")[:MOST].decode("utf-8", "replace")
