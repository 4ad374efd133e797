"""Work in a thread that leaving the dashboard does not wait for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def abandonable(function: Callable[[], T]) -> T:
    """What function returns, or the error it raises, from a thread that ends with the process at the latest.

    For what may be broken off at any point, such as a download: asyncio's own threads are waited for at exit.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def tell(give: Callable[[Any], None], value: Any) -> None:
        if not answer.done():
            give(value)

    def work() -> None:
        try:
            give, value = answer.set_result, function()
        except BaseException as problem:  # it is the caller's, whatever it is
            give, value = answer.set_exception, problem  # type: ignore[assignment]
        try:
            loop.call_soon_threadsafe(tell, give, value)
        except RuntimeError:  # the loop is closed: nobody is left to hear of it
            return

    threading.Thread(target=work, name="abandonable", daemon=True).start()
    return await answer
