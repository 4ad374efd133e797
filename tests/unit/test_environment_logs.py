"""What an environment's build says, copied as it comes: all of it, however much came at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from workbench.remote.environments.places import Place
from workbench.remote.environments.providing import LogTail
from workbench.remote.environments.watching import Saying
from workbench.remote.machine import Machine

LINES = "".join(f"line {number}\n" for number in range(40_000)) + "the reason, with no end of its line"
BUILDING = {"attempt": 1, "offset": 0, "state": "building"}


class Exchange:
    """Takes what is told."""

    def __init__(self) -> None:
        self.said = ""

    def check(self) -> None:
        """Nobody gave up."""

    def wait_credit(self) -> None:
        """There is always room."""

    def event(self, value: dict[str, Any]) -> None:
        """Some more of it."""
        self.said += value["log"]


def written(tmp_path: Path) -> Place:
    place = Place(Machine(str(tmp_path / "root"), str(tmp_path / "lease"), None), "k" * 12)
    os.makedirs(place.folder)
    Path(place.log).write_text(LINES)
    return place


def test_a_run_has_all_of_the_log(tmp_path: Path) -> None:
    tail = LogTail(written(tmp_path), str(tmp_path / "logs" / "environment.log"))
    tail.heard(BUILDING)
    tail.close()
    assert (tmp_path / "logs" / "environment.log").read_text() == LINES


def test_who_waits_hears_all_of_it(tmp_path: Path) -> None:
    exchange: Any = Exchange()
    saying = Saying(exchange, written(tmp_path))
    saying.heard(BUILDING)
    saying.rest()
    assert exchange.said == LINES
