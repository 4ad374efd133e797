"""Tasks that go on until they are cancelled, and say so when they break instead."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


def lasting(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Begin it; name: what the log is to say broke."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (problem := task.exception()) is not None:
        log.error("%s broke", task.get_name(), exc_info=problem)
