"""The dashboard on a scripted fleet, for bench_fleet_screen: `python -m tests.bench.fleet_program COUNT RATE PLACE FOLDER`.

COUNT machines of eight GPUs, of which each says something new RATE times a second (0: never), as one server
would pass it on: a patch a second with all of them, or a tenth of them ten times a second. FOLDER is its home.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path
from typing import Any

from tests.faces.tui.world import World, fleet
from tests.faces.tui.world_fleet import large_fleet
from workbench.home import find_home, private_folder
from workbench.text.location import parse
from workbench.tui.app import Dashboard

SHARES = 5
"""Parts of a second the machines are spread over: each sends by a clock of its own."""


def sample(view: dict[str, Any], tick: int) -> dict[str, Any]:
    """What a second changes: time, processor, and of each GPU three figures."""
    before = view["sample"]
    gpus = [
        {
            **gpu,
            "utilisation": float(random.randrange(101)),
            "power": random.uniform(100, 700),
            "temperature": random.uniform(40, 80),
        }
        for gpu in before["gpus"]
    ]
    return {"time": before["time"] + 1, "gpus": gpus, "host": {"cpu": random.uniform(0, 100)}}


async def keep_saying(world: World, rate: float) -> None:
    """Patches for ever."""
    names = list(world.machines)
    tick = 0
    while True:
        await asyncio.sleep(1 / (rate * SHARES))
        tick += 1
        patch = {
            name: {"sample": sample(world.machines[name], tick), "age": 0.1}
            for name in names[tick % SHARES :: SHARES]
        }
        for asked, _, queue in world.watching:
            wanted = {name: item for name, item in patch.items() if not asked or name in asked}
            queue.put_nowait({"patch": wanted})


class Fleet(Dashboard):
    """The dashboard, with what happens to its machines."""

    rate = 0.0
    world: World

    async def on_mount(self) -> None:
        """Begin to say things."""
        await super().on_mount()
        if self.rate:
            self.run_worker(keep_saying(self.world, self.rate), name="fleet")


def main(count: int, rate: float, place: str, folder: Path) -> None:
    """Run it until it is ended."""
    world = fleet(large_fleet(count))
    home = find_home({"WORKBENCH_HOME": str(private_folder(folder)), "HOME": str(folder)})
    Fleet.rate, Fleet.world = rate, world
    Fleet(world, home, parse(place)).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
