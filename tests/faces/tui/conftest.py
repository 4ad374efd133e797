"""A dashboard on the fixed world, its clock standing still, driven by keys and read from its screen."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, tzinfo
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.strip import Strip

import workbench.tui
from tests.faces.fixed_runs import NOW
from tests.faces.tui.desk import Desk
from tests.faces.tui.quick_time import time_is_quick
from tests.faces.tui.shared_styles import share_styles
from tests.faces.tui.world import World
from workbench.home import Home, find_home, private_folder
from workbench.text.location import parse
from workbench.tui.app import Dashboard
from workbench.tui.table.view import TableView

PATIENCE = 60.0
"""Seconds after which what does not come is missing."""
LOOK = 0.02
"""Seconds between two looks whether it has come."""


class Stilled(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """Always the world's moment, on this machine's clock where no zone is given."""
        return NOW.astimezone(tz) if tz is not None else NOW.astimezone().replace(tzinfo=None)


@pytest.fixture(scope="session")
def dated() -> list[ModuleType]:
    """The dashboard's modules that look at the clock."""
    for found in pkgutil.walk_packages(workbench.tui.__path__, "workbench.tui."):
        importlib.import_module(found.name)
    mine = [module for name, module in sys.modules.items() if name.startswith("workbench.tui")]
    return [module for module in mine if getattr(module, "datetime", None) is datetime]


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch, dated: list[ModuleType]) -> Iterator[None]:
    """It is NOW for the whole dashboard, and local times are UTC."""
    for module in dated:
        monkeypatch.setattr(module, "datetime", Stilled)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


class Stage:
    """A dashboard that runs on a world."""

    def __init__(self, app: Dashboard, world: World, pilot: Pilot[Any]) -> None:
        self.app, self.world, self.pilot = app, world, pilot
        self.said: list[str] = []
        """All that was told in passing; a toast may be gone before a busy machine looks."""
        notify = app.notify

        def noted(message: str, **options: Any) -> None:
            self.said.append(message)
            notify(message, **options)

        app.notify = noted  # type: ignore[method-assign]

    @property
    def lines(self) -> list[str]:
        """The lines of the screen, without trailing spaces."""
        return [strip.text.rstrip() for strip in self.strips]

    @property
    def strips(self) -> list[Strip]:
        """The lines of the screen with their colours."""
        return self.app.screen._compositor.render_strips(self.app.size)

    @property
    def text(self) -> str:
        """The screen."""
        return "\n".join(self.lines)

    @property
    def toasts(self) -> str:
        """What was told in passing and is still shown."""
        return "\n".join(str(item.message) for item in self.app._notifications)

    @property
    def table(self) -> TableView:
        """The table of the page that is seen."""
        assert self.app.page is not None
        return next(table for table in self.app.page.query(TableView) if table.is_on_screen)

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type a text."""
        names = {" ": "space", "/": "slash", ".": "full_stop", "-": "minus", "=": "equals_sign", "@": "at"}
        await self.press(*(names.get(sign, sign) for sign in text))

    async def until(self, condition: Callable[[], Any], what: str = "it") -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, (
                f"{what} did not come; the screen:\n{self.text}\n{self.toasts}"
            )
            await asyncio.sleep(LOOK)

    async def see(self, *patterns: str) -> None:
        """Wait until every pattern stands on the screen."""
        for pattern in patterns:
            await self.until(
                lambda pattern=pattern: re.search(pattern, self.text, re.MULTILINE), repr(pattern)
            )  # type: ignore[misc]

    async def miss(self, pattern: str) -> None:
        """Wait until a pattern stands nowhere on the screen."""
        await self.until(lambda: not re.search(pattern, self.text, re.MULTILINE), f"the end of {pattern!r}")

    async def told(self, pattern: str) -> None:
        """Wait until a toast says something, or has said it."""
        await self.until(
            lambda: re.search(pattern, f"{self.toasts}\n" + "\n".join(self.said)), f"the toast {pattern!r}"
        )

    async def rest(self) -> None:
        """Let everything that is under way come to its end, but for what goes on for ever."""
        for _ in range(5):
            await self.pilot.pause()


def made(
    world: World,
    home: Home,
    location: str = "",
    *,
    through: Callable[[World], Any] = lambda world: world,
    **options: Any,
) -> Dashboard:
    """A dashboard on a world, not running yet."""
    place = parse(location) if location else None
    app = Dashboard(through(world), home, place, **{"environ": {}, **options})
    app.open_workspace = lambda: Desk(world)  # type: ignore[method-assign, assignment, return-value]
    return app


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Time in which nothing happens does not pass, and style sheets are parsed once."""
    share_styles(monkeypatch)
    with time_is_quick(monkeypatch):
        yield


Open = Callable[..., AbstractAsyncContextManager[Stage]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home of the dashboard's own in an empty user's home, which is also where it is started."""
    user = tmp_path / "user"
    (user / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(user))
    monkeypatch.chdir(user)
    return find_home({"WORKBENCH_HOME": str(private_folder(tmp_path / "home")), "HOME": str(user)})


@pytest.fixture
def stage(home: Home, still: None) -> Open:
    """Opens a dashboard: `async with stage(world, location, size=...) as it`."""

    @asynccontextmanager
    async def opened(
        world: World | None = None,
        location: str = "",
        size: tuple[int, int] = (120, 36),
        through: Callable[[World], Any] = lambda world: world,
        **options: Any,
    ) -> AsyncIterator[Stage]:
        world = World() if world is None else world
        app = made(world, home, location, through=through, **options)
        async with app.run_test(size=size, notifications=True) as pilot:
            it = Stage(app, world, pilot)
            await it.until(lambda: app.page is not None and world.calls, "the first page")
            yield it

    return opened
