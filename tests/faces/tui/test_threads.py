"""Threads that leaving does not wait for."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from workbench.tui.threads import abandonable

STUCK = """
import asyncio, threading
from workbench.tui.threads import abandonable

async def main():
    begun = threading.Event()
    def work():
        begun.set()
        threading.Event().wait()
    task = asyncio.create_task(abandonable(work))
    while not begun.is_set():
        await asyncio.sleep(0.01)
    task.cancel()

asyncio.run(main())
print("left")
"""


async def test_gives_what_the_function_returns_or_raises() -> None:
    assert await abandonable(lambda: 6 * 7) == 42
    with pytest.raises(ZeroDivisionError):
        await abandonable(lambda: 1 // 0)


def test_a_process_ends_while_one_is_stuck() -> None:
    done = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("left\n", "")


async def test_what_comes_after_its_caller_is_gone_is_dropped() -> None:
    go = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> str:
        asyncio.run_coroutine_threadsafe(go.wait(), loop).result()
        return "late"

    task = asyncio.create_task(abandonable(work))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    await asyncio.sleep(0.05)
