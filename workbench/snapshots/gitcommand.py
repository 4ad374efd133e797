"""Running git so that it asks nothing, hangs on nothing and runs nothing a repository brought along."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, NamedTuple

TIMEOUT = 10.0
"""Seconds one command may take: a status over a slow network file system is given up, not waited for."""

# Inherited from a hook these would make git answer about another repository.
_DROPPED = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_EXTERNAL_DIFF",
    "GIT_LITERAL_PATHSPECS",
)
_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}
_SAFE = (
    "--no-pager",
    "--no-optional-locks",
    "-c",
    "core.fsmonitor=false",
    "-c",
    f"core.hooksPath={os.devnull}",
    "-c",
    "credential.helper=",
    "-c",
    "color.ui=false",
)


class Answer(NamedTuple):
    """What a command printed; cut tells that there was more than asked for."""

    out: bytes
    cut: bool


def run_git(
    directory: Path,
    *words: str,
    environ: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
    most: int = 1 << 20,
) -> Answer | None:
    """The output of `git WORDS` in directory, at most `most` bytes of it.

    None when git is absent, fails, or takes longer than timeout seconds; it is killed then.
    """
    try:
        process = subprocess.Popen(
            ["git", *_SAFE, *words],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(os.environ if environ is None else environ),
            start_new_session=True,  # no terminal to ask on
        )
    except OSError:  # no git, or no such directory
        return None
    assert process.stdout is not None
    # A timer, not communicate(): reading stops at `most` bytes, and the clock runs meanwhile.
    clock = threading.Timer(timeout, _end, (process,))
    clock.start()
    try:
        with process.stdout as stream:
            out = _read(stream, most + 1)
        if len(out) > most:
            _end(process)
            process.wait()
            return Answer(out[:most], True)
        return Answer(out, False) if process.wait() == 0 else None
    finally:
        clock.cancel()
        if process.poll() is None:
            _end(process)
            process.wait()


def _end(process: subprocess.Popen[bytes]) -> None:
    # The whole session: what git started may hold our pipe open after git itself is gone.
    if process.returncode is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it ended by itself just now


def _read(stream: IO[bytes], most: int) -> bytes:
    parts = []
    while most > 0:
        chunk = stream.read(min(most, 1 << 16))
        if not chunk:
            break
        parts.append(chunk)
        most -= len(chunk)
    return b"".join(parts)


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name not in _DROPPED}
    return kept | _QUIET
