"""How the far end of a link is started on a machine that has nothing of ours. Pure: texts and bytes.

One line finds a python there under any login shell; the first line of its input is `remote/stage0.py`;
the answers are lines `MAGIC{...}` after whatever the shell's start-up files print.
"""

from __future__ import annotations

import functools
import re
import string
from importlib import resources

from workbench.compute.signin import CHANGE_PASSWORD
from workbench.errors import NeedsSignIn, NoPython, RemoteError, Unreachable, UsageError, WorkbenchError
from workbench.remote.forms import protocol
from workbench.text.sanitize import clean

MAX_NOISE = 1 << 20
"""Bytes before the magic line after which we give up: it is no shell of ours that talks."""

KEPT_NOISE = 1024
MAX_ANSWER = 65536

READER = "import sys;exec(sys.stdin.buffer.raw.readline())"
VERSION = "import sys;print(sys.version_info[0]*100+sys.version_info[1])"
OLDEST = 306

# Searched in this order; the first that is new enough is taken. python2 is there to be named in the error.
ON_PATH = ("python3", *(f"python3.{minor}" for minor in range(14, 5, -1)), "python", "python2")
PLACES = (
    "/usr/bin/python3",
    "/usr/local/bin/python3",
    "/opt/conda/bin/python3",
    "$HOME/miniconda3/bin/python3",
    "$HOME/anaconda3/bin/python3",
    "$HOME/miniforge3/bin/python3",
    "$HOME/mambaforge/bin/python3",
    "$HOME/.local/bin/python3",
    "$HOME/.pyenv/versions/*/bin/python3",
)

# One line, no single quote, backslash, exclamation mark or newline: it stands between single quotes in
# sh, bash, zsh, tcsh and fish alike. The character before WORKBENCH-LINK is the magic's own, verbatim.
_FINDER = string.Template(
    "IFS=; s=; for p in $candidates; do "
    'command -v "$$p" >/dev/null 2>&1 || continue; '
    'v=$$("$$p" -I -S -c "$version" </dev/null 2>/dev/null || "$$p" -c "$version" </dev/null 2>/dev/null); '
    'if [ "$$v" -ge $oldest ] 2>/dev/null; then exec "$$p" -I -S -c "$reader"; fi; '
    's="$$s $$p=$$v"; done; '
    'echo "$magic no-python$$s"; exit 127'
)
_NEW_PASSWORD = re.compile(r"(?i)password change required|password has expired|change your password")
_UNQUOTABLE = re.compile("[^ -~]|['\"\\\\`$!]")


def command_line(python: str | None = None) -> str:
    """The line that starts a bare python reading its program from input.

    python: the absolute path of the interpreter to use; None searches. Raises UsageError for a path that
    is not absolute or has characters no shell line can carry safely.
    """
    if python is None:
        candidates = " ".join((*ON_PATH, *PLACES))
    else:
        if not python.startswith("/"):
            raise UsageError(f"python must be an absolute path, not {python!r}")
        if _UNQUOTABLE.search(python):
            raise UsageError(f"the path {python!r} holds quotes or other characters a shell would change")
        candidates = f'"{python}"'
    script = _FINDER.substitute(
        candidates=candidates,
        version=VERSION,
        oldest=OLDEST,
        reader=READER,
        magic=protocol.MAGIC.decode().rstrip(),
    )
    return f"exec /bin/sh -c '{script}'"


@functools.cache
def _stage0_source() -> str:
    return resources.files("workbench.remote").joinpath("stage0.py").read_text("utf-8")


def stage0_line(*, root: str | None, lease_dir: str | None, sha: str, size: int) -> bytes:
    """The first line of input: stage 0 and its call, as one line of python; size is the payload's bytes."""
    call = f"\nrun({root!a}, {lease_dir!a}, {sha!a}, {size:d})\n"
    return f"exec({_stage0_source() + call!a})\n".encode("ascii")


class MagicReader:
    """Finds the magic lines in a far end's first output, whatever comes before them."""

    def __init__(self) -> None:
        self.noise = b""
        """The first of what came before the first magic line."""
        self.noise_size = 0
        self._buffer = b""
        self._started = False

    def feed(self, data: bytes) -> None:
        """Take more of the output. Raises RemoteError after MAX_NOISE bytes without a magic line."""
        self._buffer += data
        if self._started:
            return
        at = self._buffer.find(protocol.MAGIC)
        # The last bytes may be the beginning of the magic.
        cut = at if at >= 0 else max(0, len(self._buffer) - len(protocol.MAGIC))
        self.noise = (self.noise + self._buffer[:cut])[:KEPT_NOISE]
        self.noise_size += cut
        self._buffer = self._buffer[cut:]
        self._started = at >= 0
        if not self._started and self.noise_size > MAX_NOISE:
            raise RemoteError(
                "the machine's shell prints without end before anything of ours starts",
                "look at its start-up files (.bashrc, .profile): " + self.noise_text(200),
            )

    def answer(self) -> dict[str, object] | None:
        """The next magic line's mapping; None while it is not complete.

        Raises NoPython when no interpreter was found, RemoteError for a line that is none of ours.
        """
        end = self._buffer.find(b"\n") if self._started else -1
        if end < 0:
            if self._started and len(self._buffer) > MAX_ANSWER:
                raise RemoteError("the machine's first answer has no end")
            return None
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        body = line.removeprefix(protocol.MAGIC).strip()
        if body.startswith(b"no-python"):
            raise no_python(body.decode("utf-8", "replace").split()[1:])
        try:
            return protocol.loads(body)
        except ValueError:
            raise RemoteError(
                f"the machine's first answer makes no sense: {clean(repr(body), 200)}"
            ) from None

    def rest(self) -> bytes:
        """What followed the last answer: the first frames."""
        rest, self._buffer = self._buffer, b""
        return rest

    def noise_text(self, limit: int = KEPT_NOISE) -> str:
        """The kept noise as text that can be shown."""
        noise = self.noise if self._started else self.noise + self._buffer
        return clean(noise.decode("utf-8", "replace"), limit).strip()


def no_python(found: list[str]) -> NoPython:
    """The error for what was found instead of a python3: words "path=307", or "path=" for one that fails."""
    versions = []
    for word in found:
        path, _, number = word.rpartition("=")
        if number.isdecimal() and len(number) < 6:
            versions.append(f"{clean(path, 200)} is {int(number) // 100}.{int(number) % 100}")
        elif path:
            versions.append(f"{clean(path, 200)} does not start")
    what = "; ".join(versions[:5]) if versions else "nothing at all"
    return NoPython(
        f"no python3 of version 3.6 or newer was found; found: {what}",
        "name one with --python PATH, or set one up there (conda, pyenv and uv need no root)",
    )


def refused(error: object) -> WorkbenchError:
    """The error that stage 0 or the far end gave instead of starting."""
    wire = error if isinstance(error, dict) else {}
    message = clean(str(wire.get("message", "the far end of the link did not start")), 2000)
    hint = clean(str(wire.get("hint", "")), 2000)
    if wire.get("code") == "no_python":
        return NoPython(message, hint)
    return RemoteError(message, hint, code=clean(str(wire.get("code", "")), 80))


def ended_early(status: int | None, stderr: str, noise: str) -> Unreachable:
    """The error for a far end that ended before it said anything of ours."""
    words = [line for line in clean(stderr or noise, 2000).splitlines() if line.strip()]
    said = f": {words[-1].strip()}" if words else ""
    if any(_NEW_PASSWORD.search(word) for word in words):
        return NeedsSignIn(f"the machine wants the password changed{said}", CHANGE_PASSWORD)
    code = "" if status is None else f" (exit status {status})"
    return Unreachable(
        f"the machine ended the connection before the link was up{code}{said}",
        "try the same with ssh and a command such as: ssh HOST /bin/sh -c true",
    )
