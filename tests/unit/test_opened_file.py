"""Files opened in threads are closed, also where the task that opened them is cancelled at any point."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from workbench.opened_file import opened


class Slow:
    """Something that takes as long to open as a test wants."""

    def __init__(self, go: threading.Event) -> None:
        go.wait()
        self.closed = threading.Event()
        SEEN.append(self)

    def close(self) -> None:
        self.closed.set()


SEEN: list[Slow] = []


async def test_what_is_opened_after_its_task_was_cancelled_is_closed() -> None:
    """The thread cannot be stopped; what it brings is given back."""
    go = threading.Event()

    async def use() -> None:
        async with opened(lambda: Slow(go)):
            raise AssertionError("it never came")

    SEEN.clear()
    task = asyncio.create_task(use())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert SEEN == []
    go.set()
    assert await asyncio.to_thread(lambda: _until_closed())


def _until_closed() -> bool:
    while not SEEN:
        pass
    return SEEN[0].closed.wait(30)


async def test_what_cannot_be_opened_raises_as_open_does(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        async with opened(lambda: open(tmp_path / "none", "rb")):
            raise AssertionError("there is none")


async def test_it_is_closed_whatever_happens_with_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    held = []

    async def use() -> None:
        async with opened(lambda: open(tmp_path / "file", "rb")) as file:
            held.append(file)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await use()
    assert held[0].closed
