"""What a test left running: ended, so that no other test meets it, and named, so that the test fails.

A process is a test's when its environment has the test's mark, or names its folder, or its words do: what a
server for ssh started has an environment of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

MARK = "MLWB_TEST"
PATIENCE = 30.0
"""Seconds for what is ending anyway."""


class Left(NamedTuple):
    """A process: its number, when it started, and its words."""

    pid: int
    start: str
    words: str


def living(marks: tuple[bytes, ...]) -> list[Left]:
    """The processes that have one of the marks, but for this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError, IndexError):
            words = (entry / "cmdline").read_bytes()
            said = words + b"\0" + (entry / "environ").read_bytes()
            state, *rest = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if state not in "ZX" and any(mark in said for mark in marks):
                text = words.replace(b"\0", b" ").decode(errors="replace")
                found.append(Left(int(entry.name), rest[18], text))
    return found


def end(left: list[Left], marks: tuple[bytes, ...]) -> None:
    """End them, the very ones that were found."""
    for process in left:
        if process in living(marks):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


@pytest.fixture(autouse=True)
def nothing_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Fails a test after which something it started goes on."""
    mark = uuid.uuid4().hex
    monkeypatch.setenv(MARK, mark)
    marks = (f"{MARK}={mark}".encode(), os.fsencode(tmp_path) + b"/")
    yield
    deadline = time.monotonic() + PATIENCE
    while (left := living(marks)) and time.monotonic() < deadline:
        time.sleep(0.05)
    end(left, marks)
    assert not left, f"left behind: {left}"
