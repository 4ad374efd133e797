"""What of an output is in its datastore already, noted file by file: the next server goes on behind it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from workbench.home import private_folder

SUFFIX = ".sent"


class Sent(NamedTuple):
    """A file as its place told of it right after it was sent."""

    size: int
    etag: str | None


class SentFiles:
    """The notes of one output of a run, by its id.

    what: names the output and where it goes, and contains nothing that lets one in.
    """

    def __init__(self, folder: Path, run: str, what: str) -> None:
        name = hashlib.sha256(what.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        self._folder = folder
        self.path = folder / f"{run}.{name}{SUFFIX}"
        """The file of notes."""

    def read(self) -> dict[tuple[str, str], Sent]:
        """What was sent by its key and token; a line that was cut tells nothing."""
        found = {}
        try:
            text = self.path.read_text("utf-8")
        except (OSError, ValueError):
            return {}
        for line in text.splitlines():
            try:
                key, token, size, etag = json.loads(line)
                found[str(key), str(token)] = Sent(int(size), None if etag is None else str(etag))
            except (ValueError, TypeError):
                continue
        return found

    def add(self, key: str, token: str, sent: Sent) -> None:
        """Note a file that is there whole; raises OSError."""
        private_folder(self._folder)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            # A line of its own even behind one that a full disk or a kill cut.
            os.write(handle, b"\n" + json.dumps([key, token, *sent]).encode("ascii") + b"\n")
        finally:
            os.close(handle)

    def forget(self) -> None:
        """All of it is there and said to be, or it was given up."""
        self.path.unlink(missing_ok=True)


def sweep(folder: Path, waiting: Collection[str]) -> int:
    """Remove the notes of outputs that nobody will send any more; how many there were.

    waiting: ids of the runs that have an output to send still.
    """
    gone = 0
    for path in folder.glob(f"*{SUFFIX}"):
        run, dot, _ = path.name.removesuffix(SUFFIX).partition(".")
        if not dot or run not in waiting:
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def forget_run(folder: Path, run: str) -> None:
    """Remove the notes of all outputs of a run."""
    for path in folder.glob(f"{run}.*{SUFFIX}"):
        path.unlink(missing_ok=True)
