"""Versions that are hidden from lists and come back, with an undo."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


async def archive(app: Dashboard, what: str, hide: bool, put: Callable[[bool], Awaitable[None]]) -> None:
    """Hide a version, or bring it back; z undoes it. put(archived) asks for it. Raises WorkbenchError."""

    async def back() -> None:
        await put(not hide)

    await put(hide)
    told = f"{what} is {'archived' if hide else 'back in lists'}"
    app.undo.add(told, back)
    app.notify(f"{told}; z takes it back", timeout=5, markup=False)
