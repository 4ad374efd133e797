"""A call that blocks, in a thread of its own that keeps nobody from ending."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def in_side_thread(function: Callable[[], T], name: str = "beside") -> T:
    """What function returns or raises. Who is cancelled waits no more; the thread is left to end by itself.

    For what may be broken off at any point, such as a download: threads of a pool are waited for when the
    process ends, and a name server that does not answer would hold it.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def tell(value: T | None, problem: BaseException | None) -> None:
        if answer.done():
            return
        if problem is not None:
            answer.set_exception(problem)
        else:
            answer.set_result(value)  # type: ignore[arg-type]

    def work() -> None:
        value, problem = None, None
        try:
            value = function()
        except BaseException as raised:
            problem = raised
        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits
            loop.call_soon_threadsafe(tell, value, problem)

    threading.Thread(target=work, name=name, daemon=True).start()
    return await answer
