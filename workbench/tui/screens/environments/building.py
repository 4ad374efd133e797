"""Environments built on machines: a build goes on while one looks elsewhere, its log is read as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.worker import Worker

from workbench.errors import WorkbenchError
from workbench.text.numbers import counted
from workbench.text.sanitize import clean, clean_name
from workbench.tui.dialogs.window import Window
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.data.looking import machine
from workbench.tui.themes.palette import palette_of

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

LONGEST = 200_000
"""Characters of a log that are kept: its end."""
OFTEN = 0.2
"""Seconds between two looks at whether the log grew."""
AGAIN = 2.0
"""Seconds between two looks at a build that somebody else began."""


class Building:
    """What is known of a build while it goes on."""

    def __init__(self, named: str, target: str) -> None:
        self.named, self.target = named, target
        self.text = ""
        self.told = ""
        """How it stands, in a line."""
        self.role = "waiting"
        self.over = False
        self.worker: Worker[None] | None = None
        """What can be ended; None for one that somebody else began."""

    def add(self, text: str) -> None:
        """More of its log."""
        self.text = (self.text + text)[-LONGEST:]

    def end(self, told: str, role: str) -> None:
        """It is over."""
        self.told, self.role, self.over, self.worker = told, role, True, None


class BuildLog(Window):
    """The log of a build, followed. Closing it leaves the build alone."""

    PLACES: ClassVar[tuple[str, ...]] = ("build-log", "dialog")
    HINT = "esc closes, the build goes on   x ends it"

    def __init__(self, building: Building) -> None:
        target = clean_name(building.target, 60)
        super().__init__(f"{clean_name(building.named, 100)} on {target}")
        self._building = building
        if building.worker is None:
            self.HINT = "esc closes"
        self._shown: tuple[str, str] | None = None

    def on_mount(self) -> None:
        """Look at once, and while it grows."""
        self._look()
        self.set_interval(OFTEN, self._look)

    @property
    def _follows(self) -> bool:
        return True

    def _look(self) -> None:
        now = (self._building.text, self._building.told)
        if now == self._shown:
            return
        self._shown = now
        self.say(self._coloured)

    def _coloured(self) -> Text:
        palette, said = palette_of(self.app), Text()
        said.append(as_lines(self._building.text), palette.style("text"))
        if self._building.told:
            said.append(clean(self._building.told, 1000), palette.style(self._building.role))
        return said

    def refusal(self, action: str) -> str | None:
        """Why it cannot be ended."""
        if action == "build-log.end" and self._building.worker is None:
            return "it is over" if self._building.over else "somebody else began it"
        return super().refusal(action)

    def do_build_log_end(self) -> None:
        """End the build, unless a run waits for it."""
        if self._building.worker is not None:
            self._building.worker.cancel()
            self._building.end("ended; it goes on where a run waits for it", "warn")


def as_lines(text: str) -> str:
    """A log's text: of what was written over itself the last."""
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    return clean("\n".join(lines), LONGEST)


async def build(app: Dashboard, version: Mapping[str, Any]) -> None:
    """Ask where, begin, and show the log. Raises WorkbenchError."""
    named = f"{version['name']}:{version['version']}"
    target = await machine(app, f"Build {clean_name(named, 100)} on which machine", "build")
    if target is None:
        return
    building = Building(named, target)
    building.told = "it is looked whether it is there already ..."
    building.worker = app.run_worker(_follow(app, building), name="build", group="build", exit_on_error=True)
    await app.push_screen_wait(BuildLog(building))


async def _follow(app: Dashboard, building: Building) -> None:
    name = building.named.partition(":")[0]
    asked = {"environment": building.named, "target": building.target}
    try:
        async with aclosing(app.services.items("environment_builds", "build", **asked)) as stages:
            async for item in stages:
                _take(building, item)
    except WorkbenchError as problem:
        building.end(f"{problem.message}\n{problem.hint}".strip(), "bad")
        app.complain(problem)
    if building.told and building.role == "good":
        app.notify(building.told, timeout=5)
    app.tell(Dirty(environments={name}))


def _take(building: Building, item: Mapping[str, Any]) -> None:
    if item.get("log"):
        building.add(str(item["log"]))
    elif item.get("doing"):
        building.told = str(item["doing"])
    elif item.get("build"):
        made = item["build"]
        word = "built" if item.get("built_now") else "was there already"
        many = counted(len(made.get("packages") or {}), "package")
        python = clean_name(str(made.get("python") or "?"), 40)
        target = clean_name(building.target, 60)
        building.end(f"{clean_name(building.named, 100)} {word} on {target}: {many}, Python {python}", "good")


async def show_log(app: Dashboard, item: Mapping[str, Any]) -> None:
    """The log of a build that is there, followed while somebody builds it. Raises WorkbenchError."""
    named, target = f"{item['name']}:{item['version']}", str(item["target"])
    building = Building(named, target)
    window = BuildLog(building)
    work = app.run_worker(_read(app, building), name="build log", group="build-log", exit_on_error=True)
    try:
        await app.push_screen_wait(window)
    finally:
        work.cancel()


async def _read(app: Dashboard, building: Building) -> None:
    try:
        async for text, state in _texts(app, building):
            building.text = text[-LONGEST:]
            building.told = "" if state == "ready" else state
            building.role = "bad" if state == "failed" else "waiting"
        building.over = True
    except WorkbenchError as problem:
        building.end(f"{problem.message}\n{problem.hint}".strip(), "bad")


async def _texts(app: Dashboard, building: Building) -> AsyncGenerator[tuple[str, str], None]:
    asked = {"environment": building.named, "target": building.target}
    while True:
        parts = []
        async with aclosing(app.services.items("environment_builds", "log", **asked)) as stages:
            async for item in stages:
                parts.append(str(item.get("log") or ""))
        builds = await app.services.call("environment_builds", "list", **asked)
        state = str(builds[0].get("state")) if builds else "removed"
        yield "".join(parts), state
        if state != "building":
            return
        await asyncio.sleep(AGAIN)
