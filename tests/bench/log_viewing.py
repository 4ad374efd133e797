"""`python -m tests.bench.log_viewing HOME RUN`: look at a run's log in a process of its own; figures as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Log

from workbench.home import find_home
from workbench.tui.logs.pane import LogPane
from workbench.tui.logs.run_source import RunLog
from workbench.tui.logs.view import LogView
from workbench.workspace.async_client import AsyncClient

ROUNDS = 7
KEYS = 40


def resident() -> float:
    """MB of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


async def until(condition: Callable[[], bool]) -> None:
    """Wait, looking a thousand times a second."""
    while not condition():  # noqa: ASYNC110 - what is waited for is the widget's to say, not ours
        await asyncio.sleep(0.001)


async def opened(app: App[None], log: RunLog) -> tuple[LogPane, float]:
    """A view of the log and the ms until its lines were drawn."""
    pane = LogPane(log)  # type: ignore[arg-type]
    began = time.perf_counter()
    await app.mount(pane)
    await until(lambda: bool(pane.view.lines))
    return pane, (time.perf_counter() - began) * 1000


async def pressed(view: LogView, press: Callable[[], None]) -> float:
    """ms until another window is drawn."""
    before = view._window
    began = time.perf_counter()
    press()
    await until(lambda: view._window is not before and view._window != before)
    return (time.perf_counter() - began) * 1000


async def look(pilot: Pilot[None], client: AsyncClient, run: str) -> dict[str, float]:
    """Open it again and again, go through it in all ways."""
    log = RunLog(client, run)
    await log.extent()
    warm, _ = await opened(pilot.app, log)
    await warm.remove()
    before = resident()
    opens = []
    for _ in range(ROUNDS):
        pane, took = await opened(pilot.app, log)
        opens.append(took)
        if len(opens) < ROUNDS:
            await pane.remove()
    view = pane.view
    pages = [await pressed(view, view.do_list_page_up) for _ in range(KEYS)]
    steps = [await pressed(view, view.do_list_up) for _ in range(KEYS)]
    first = await pressed(view, view.do_list_first)
    last = await pressed(view, view.do_list_last)
    size = (await log.extent()).size
    for part in range(1, 40):
        view._move(lambda part=part: view._to_place(size * part // 40))  # type: ignore[misc]
        await pilot.pause(0.01)
    return {
        "open": statistics.median(opens),
        "page": statistics.median(pages),
        "page_worst": max(pages),
        "step": statistics.median(steps),
        "first": first,
        "last": last,
        "grown": resident() - before,
    }


async def main(home: str, run: str) -> None:
    """Print the figures."""
    async with AsyncClient.open(embedded=False, home=find_home({"WORKBENCH_HOME": home})) as client:
        app: App[None] = App()
        async with app.run_test(size=(120, 40)) as pilot:
            sys.stdout.write(json.dumps(await look(pilot, client, run)) + "\n")


def _end(path: str, size: int) -> list[str]:
    with open(path, "rb") as file:
        file.seek(-size, os.SEEK_END)
        return file.read().decode().splitlines()


async def textual_log(path: str, megabytes: str) -> None:
    """Print ms and MB until Textual's own log widget holds the last megabytes of a file and shows its end."""
    app: App[None] = App()
    async with app.run_test(size=(120, 40)) as pilot:
        log = Log()
        await app.mount(log)
        await pilot.pause()
        before, began = resident(), time.perf_counter()
        log.write_lines(_end(path, int(megabytes) * 1_000_000))
        await pilot.pause()
        sys.stdout.write(json.dumps([(time.perf_counter() - began) * 1000, resident() - before]) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "--textual":
        asyncio.run(textual_log(*sys.argv[2:]))
    else:
        asyncio.run(main(*sys.argv[1:]))
