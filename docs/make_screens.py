"""Draws the pictures of docs/dashboard.md: every screen of the dashboard on the fixed world of the tests.

Run from the checkout: python docs/make_screens.py. A picture is Textual's own SVG of the screen.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import pkgutil
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import workbench.tui  # noqa: E402
from tests.faces.tui.conftest import Stage, Stilled  # noqa: E402
from tests.faces.tui.world import World, fleet  # noqa: E402
from tests.faces.tui.world_data import Data  # noqa: E402
from tests.faces.tui.world_environments import Environments  # noqa: E402
from tests.faces.tui.world_fleet import fleet_views  # noqa: E402
from workbench.home import find_home, private_folder  # noqa: E402
from workbench.text.location import parse  # noqa: E402
from workbench.tui.app import Dashboard  # noqa: E402

IMAGES = ROOT / "docs" / "images"


class Picture(NamedTuple):
    """A screen: where it opens, which keys are pressed, what must be seen before it is drawn."""

    name: str
    location: str
    seen: str
    keys: tuple[str, ...] = ()
    then: str = ""
    theme: str = "workbench-dark"
    size: tuple[int, int] = (110, 30)
    many: bool = False
    """Whether it is of a fleet, not of the world's few machines."""


MARKS = ("space", "j", "j", "space")
PICTURES = (
    Picture("runs", "runs", "calm-otter-42"),
    Picture("runs-light", "runs/mnist", "vivid-lark-40", MARKS, theme="workbench-light"),
    Picture("run", "runs/mnist/calm-otter-42", "command"),
    Picture("logs", "runs/mnist/calm-otter-42?tab=logs", "epoch"),
    Picture("metrics", "runs/mnist/calm-otter-42?tab=metrics", "loss"),
    Picture("chart", "runs/mnist/calm-otter-42?tab=metrics", "loss", ("enter", "right", "right"), "loss"),
    Picture("values", "runs/mnist/calm-otter-42?tab=values", "confusion", ("n",), "100%"),
    Picture("plot", "runs?plot=all&x=lr&y=loss", "loss", ("V", "right", "right"), "loss 0"),
    Picture("compare", "runs/mnist", "vivid-lark-40", (*MARKS, "c"), "only what differs"),
    Picture("compute", "compute", "dgx-04", size=(120, 24), many=True),
    Picture("machine", "compute/gpu1", "calm-otter-42", size=(120, 24)),
    Picture("data", "data", "weather"),
    Picture("lineage", "data/weather:2?tab=lineage", "1 run read it"),
    Picture("environments", "environments", "now"),
    Picture("queue", "queue", "night-owl-51"),
    Picture("activity", "activity", "Activity"),
    Picture("submit", "runs/mnist", "vivid-lark-40", ("R",), "New run"),
    Picture("keys", "runs", "calm-otter-42", ("question_mark",), "type to find"),
    Picture("narrow", "runs", "calm-otter-42", size=(80, 24)),
)


def stand_still() -> None:
    """It is the world's moment for the whole dashboard, and local times are UTC."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    for found in pkgutil.walk_packages(workbench.tui.__path__, "workbench.tui."):
        importlib.import_module(found.name)
    for name, module in list(sys.modules.items()):
        if name.startswith("workbench.tui") and getattr(module, "datetime", None) is datetime:
            module.datetime = Stilled  # type: ignore[attr-defined]


async def draw(picture: Picture) -> str:
    """The SVG of a picture."""
    with tempfile.TemporaryDirectory() as folder:
        fair = {name: item for name, item in fleet_views().items() if name != "evil"}
        world = fleet(fair) if picture.many else World()
        Data(world)
        Environments(world)
        world.answers["datasets.list"] = lambda list=world.answers["datasets.list"], **_: [
            one for one in list() if len(one["name"]) < 40
        ]
        home = find_home({"WORKBENCH_HOME": str(private_folder(Path(folder) / "home"))})
        app = Dashboard(world, home, parse(picture.location), theme=picture.theme, environ={})
        async with app.run_test(size=picture.size) as pilot:
            world.loop = asyncio.get_running_loop()
            stage = Stage(app, world, pilot)
            await stage.see(picture.seen)
            await stage.rest()
            await stage.press(*picture.keys)
            if picture.then:
                await stage.see(picture.then)
            await pilot.pause(1.0)
            return app.export_screenshot(title=f"wb {picture.location}")


def main() -> int:
    """Draw all of them, or those named."""
    stand_still()
    os.chdir("/")
    for picture in PICTURES:
        if len(sys.argv) < 2 or picture.name in sys.argv[1:]:
            svg = asyncio.run(draw(picture))
            (IMAGES / f"screen-{picture.name}.svg").write_text(svg + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
