"""Time for tests of screens: nobody sleeps while nothing happens, and rest is when the event loop has nothing to do.

Textual's own pilot sleeps until the process looks idle, twenty milliseconds at least and twice for every key, and up
to a second where other processes take the CPU; a screen's timers add what they wait for. So the clock that the
screens look at is moved to the next timer as soon as the loop has nothing else to wait for: no file, no thread.
What waits for something real, waits in real time.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from asyncio.base_events import BaseEventLoop
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from selectors import DefaultSelector
from typing import Any
from weakref import WeakKeyDictionary

import pytest

SOON = 0.02
"""Seconds within which a timer belongs to what a key does, such as painting the screen."""
TURNS = 3
"""Turns of the loop in which nothing happens: an answer may need one to be read, and one to be handed on."""
THREADS = 1.0
"""Seconds after which a thread is taken for one that waits for something the test does later."""

_monotonic, _time = time.monotonic, time.time
_select, _run_in_executor = DefaultSelector.select, BaseEventLoop.run_in_executor


class Clock:
    """The real time and what was skipped of it. One for the process: who imports it late keeps it."""

    def __init__(self) -> None:
        self.skipped = 0.0
        self.threads = threading.active_count()
        self.working: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def monotonic(self) -> float:
        """As time.monotonic."""
        return _monotonic() + self.skipped

    def time(self) -> float:
        """As time.time."""
        return _time() + self.skipped

    def alone(self, selector: Any) -> bool:
        """Whether nothing but a timer can happen: no thread works, and only the loop's own pipe is watched."""
        idle = sum(
            len(loop._default_executor._threads)
            for loop, count in self.working.items()
            if not count and loop._default_executor is not None
        )
        busy = any(self.working.values()) or threading.active_count() - idle > self.threads
        return not busy and len(selector.get_map()) <= 1


CLOCK = Clock()


def select(self: Any, timeout: float | None = None) -> Any:
    """As a selector's, but where only time could pass it has passed."""
    if timeout is None or timeout <= 0 or not CLOCK.alone(self):
        return _select(self, timeout)
    found = _select(self, 0)
    if not found:
        CLOCK.skipped += timeout
    return found


def run_in_executor(loop: Any, executor: Any, func: Any, *args: Any) -> Any:
    """As a loop's, counting how many threads work for it."""
    future = _run_in_executor(loop, executor, func, *args)
    CLOCK.working[loop] = CLOCK.working.get(loop, 0) + 1

    def done(_: Any) -> None:
        CLOCK.working[loop] -= 1

    future.add_done_callback(done)
    return future


async def rest(*_: Any, **__: Any) -> None:
    """Wait until the loop that runs has come to rest."""
    loop: Any = asyncio.get_running_loop()
    began, real, quiet = loop.time(), _monotonic(), 0
    while quiet < TURNS:
        await asyncio.sleep(0)
        due = min((timer._when for timer in loop._scheduled if not timer._cancelled), default=None)
        if loop._ready:
            quiet = 0
        elif due is not None and due <= began + SOON:
            quiet = 0
            await asyncio.sleep(max(0.0, due - loop.time()))
        elif CLOCK.working.get(loop) and _monotonic() < real + THREADS:
            quiet = 0
            await asyncio.sleep(0.001)
        else:
            quiet += 1


async def _rested(pilot: Any) -> bool:
    """What the pilot waits for besides: that every widget has answered a message. At rest all of them have."""
    await rest()
    return not pilot.app._exception_event.is_set()


@cache
def _clocks(modules: int) -> list[tuple[Any, str, Callable[[], float]]]:
    """Where the screens' modules hold a clock by a name of their own, when so many modules are loaded."""
    ours: dict[Any, Callable[[], float]] = {_monotonic: CLOCK.monotonic, _time: CLOCK.time}
    return [
        (module, word, ours[value])
        for name, module in list(sys.modules.items())
        if name.startswith(("textual", "workbench.tui"))
        for word, value in list(vars(module).items())
        if value is _monotonic or value is _time
    ]


@contextmanager
def time_is_quick(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have screens live by that clock, and Textual's pilot wait by that rest."""
    CLOCK.threads = threading.active_count()
    with patch.context() as patched:
        for module, word, clock in _clocks(len(sys.modules)):
            patched.setattr(module, word, clock)
        patched.setattr(time, "monotonic", CLOCK.monotonic)
        patched.setattr("textual.app.wait_for_idle", rest)
        patched.setattr("textual.pilot.wait_for_idle", rest)
        patched.setattr("textual.pilot.Pilot._wait_for_screen", _rested)
        patched.setattr(DefaultSelector, "select", select)
        patched.setattr(BaseEventLoop, "run_in_executor", run_in_executor)
        yield
    CLOCK.skipped = 0.0
