"""Threads that leaving does not wait for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from workbench.side_thread import in_side_thread

STUCK = """
import asyncio, threading
from workbench.side_thread import in_side_thread

async def main():
    begun = threading.Event()
    def work():
        begun.set()
        threading.Event().wait()
    task = asyncio.create_task(in_side_thread(work))
    while not begun.is_set():
        await asyncio.sleep(0.01)
    task.cancel()

asyncio.run(main())
print("left")
"""


async def test_gives_what_the_function_returns_or_raises() -> None:
    assert await in_side_thread(lambda: 6 * 7) == 42
    with pytest.raises(ZeroDivisionError):
        await in_side_thread(lambda: 1 // 0)


def test_a_process_ends_while_one_is_stuck() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == ("left\n", "")


async def test_what_comes_after_its_caller_is_gone_is_dropped() -> None:
    begun, go = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    wrong: list[object] = []
    loop.set_exception_handler(lambda _, told: wrong.append(told))
    threads: list[threading.Thread] = []

    def work() -> str:
        threads.append(threading.current_thread())
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go.wait(), loop).result()
        return "late"

    task = asyncio.create_task(in_side_thread(work))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    await asyncio.to_thread(threads[0].join, 10)
    assert not threads[0].is_alive()
    await asyncio.sleep(0)  # what it left for the loop is done
    assert wrong == []
