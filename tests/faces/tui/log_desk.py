"""A log view alone on a screen, over a log in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.faces.tui.memory_log import MemoryLog
from workbench.tui.logs.pane import LogPane
from workbench.tui.logs.source import LogSource
from workbench.tui.logs.view import LogView

WIDTH, HEIGHT = 80, 11
ROOM = HEIGHT - 1


class Desk(App[None]):
    """A log and nothing else."""

    def __init__(self, log: LogSource, follow: bool = True) -> None:
        super().__init__()
        self.pane = LogPane(log, follow=follow)

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.pane.view.focus()

    @property
    def view(self) -> LogView:
        return self.pane.view

    @property
    def screen_lines(self) -> list[str]:
        """What a reader sees, the status last."""
        status = self.pane.query_one("LogStatus")
        strips = [self.view.render_line(y) for y in range(self.view.size.height)]
        return [strip.text for strip in [*strips, status.render_line(0)]]

    @property
    def status(self) -> str:
        return self.screen_lines[-1]


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    for _ in range(6000):
        await pilot.pause()
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to pass")


@asynccontextmanager
async def desk(
    log: MemoryLog, follow: bool = True, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> AsyncIterator[tuple[Desk, Pilot[None]]]:
    app = Desk(log, follow)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: bool(app.view.lines) or not log.data)
        yield app, pilot


def numbered(count: int, start: int = 0) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(start, start + count))
