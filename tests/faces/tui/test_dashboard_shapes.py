"""Every place in every size, and with hostile text in everything the world says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rich.cells import cell_len

from tests.faces.tui.conftest import Open, Stage
from tests.faces.tui.test_dashboard_server import PLACES
from tests.faces.tui.world import World
from tests.faces.tui.world_machines import CHECKS
from tests.faces.tui.world_runs import DIFF, ENTRIES, FILES

SIZES = [(20, 5), (40, 12), (300, 100), (1, 1), (80, 24), (33, 7), (200, 9), (21, 60), (120, 36)]
DIALOGS = ["x", "R", "s", "C", "T", "question_mark", "ctrl+p", "colon", "slash", "t"]


def whole(it: Stage) -> None:
    """Every line fills the screen exactly, and holds nothing that moves a terminal's cursor."""
    strips = it.app.screen._compositor.render_strips(it.app.size)
    for strip in strips:
        for segment in strip:
            assert not re.search(
                "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", segment.text
            ), repr(segment.text)
        assert cell_len(strip.text) == it.app.size.width, repr(strip.text)


@pytest.mark.parametrize("place", PLACES)
async def test_every_place_in_every_size(stage: Open, place: str) -> None:
    async with stage(location=place) as it:
        await it.rest()
        for size in SIZES:
            await it.pilot.resize_terminal(*size)
            await it.pilot.pause(0.05)
            whole(it)
            await it.press("j", "G", "g", "right")
            whole(it)


@pytest.mark.parametrize("key", DIALOGS)
async def test_every_dialog_in_every_size(stage: Open, key: str) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press(key)
        await it.rest()
        for size in SIZES:
            await it.pilot.resize_terminal(*size)
            await it.pilot.pause(0.05)
            whole(it)
        await it.press("escape")
        await it.see("calm-otter-42")


EVIL = (
    "\x1b]0;owned\x07\x1b[2J\x1b[31m",
    "\u202eevil\u2066",
    "z\u200bw\ufeff\u200d",
    "猫" * 3,
    "e\u0301\u0301\u0301",
    "👩\u200d👩\u200d👧",
    "\x9b31m\x90q\x9c",
    "a\rb\nc\td",
    "\U000e0041",
    "[red]x[/] [@click=app.quit]y[/]",
)


def spoiled(value: Any, keys: frozenset[str] = frozenset()) -> Any:
    """The same value, hostile text after each text that says something to people."""
    if isinstance(value, dict):
        return {key: item if key in keys else spoiled(item, keys) for key, item in value.items()}
    if isinstance(value, list):
        return [spoiled(item, keys) for item in value]
    return value + "".join(EVIL) if isinstance(value, str) else value


KEPT = frozenset(
    [
        "id",
        "status",
        "created",
        "started",
        "ended",
        "last_seen",
        "as_of",
        "modified",
        "state",
        "kind",
        "goal",
        "subject",
        "cause",
    ]
)
"""What the server says in words of its own; the rest came from people and machines."""


class HostileWorld(World):
    """Every name, message, path and line is hostile."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = [{**item, **spoiled(item, KEPT)} for item in self.rows]
        self.experiments = spoiled(self.experiments, KEPT)
        self.targets = spoiled(self.targets, KEPT)
        known = [item["name"] for item in self.targets]
        views = spoiled(list(self.machines.values()), KEPT | {"freshness"})
        self.machines = {name: {**view, "name": name} for name, view in zip(known, views, strict=True)}
        self.queue = spoiled(self.queue, KEPT)
        self.activities = spoiled(self.activities, KEPT)
        for name, value in (("runs.files", FILES), ("runs.snapshot", ENTRIES), ("compute.doctor", CHECKS)):
            self.answers[name] = lambda value=value, **_: spoiled(value, KEPT)
        self.answers["runs.diff"] = lambda **_: {"text": "\n".join(spoiled(DIFF.split("\n")))}
        changed = [{"path": "t.py", "change": "modified", "added": 1, "removed": 1}]
        self.answers["runs.changed_files"] = lambda **_: spoiled(changed, KEPT)
        self.answers["runs.git_diff"] = lambda **_: {"text": "\n".join(spoiled(DIFF.split("\n")))}
        note = "\n".join(spoiled(["# a title", "- an **item** of `code`", "> [link](https://example.org)"]))
        pair = [self.rows[0]["id"], self.rows[2]["id"]]
        self.comparisons["sweep"] = {"name": "sweep", "runs": pair, "gone": [], "note": note}
        self.answers["runs.warnings"] = lambda **_: spoiled(["a warning"])
        self.answers["runs.metrics"] = lambda run: spoiled(super(HostileWorld, self).runs_metrics(run), KEPT)
        for item in self.rows:
            self.log(item["id"]).data = ("\n".join("".join(EVIL) + "x" * 300 for _ in range(99))).encode()


def hostile_places(world: World) -> list[str]:
    """Every place, by the hostile names."""
    from workbench.text.location import Location, format

    first, machine = world.rows[0], world.targets[0]["name"]
    run = (first["experiment"], first["id"])
    found = [Location("runs"), Location("runs", run[:1]), Location("compute"), Location("activity")]
    found += [
        Location("runs", run, {"tab": tab}) for tab in ("overview", "logs", "metrics", "files", "snapshot")
    ]
    found += [
        Location("compute", (machine,), {"tab": tab})
        for tab in ("live", "runs", "history", "queue", "facts", "doctor")
    ]
    found += [Location("queue")]
    pair = f"{world.rows[0]['id']},{world.rows[2]['id']}"
    found += [Location("runs", run[:1], {"compare": pair, "tab": tab}) for tab in ("differences", "code")]
    found += [Location("compare", ("sweep",), {"tab": "notes"}), Location("compare")]
    return [format(place) for place in found]


@pytest.mark.parametrize("number", range(20))
async def test_hostile_text_never_reaches_the_screen_nor_breaks_a_line(stage: Open, number: int) -> None:
    world = HostileWorld()
    async with stage(world, hostile_places(world)[number]) as it:
        await it.rest()
        for size in ((120, 36), (80, 24), (50, 20), (31, 9)):
            await it.pilot.resize_terminal(*size)
            await it.pilot.pause(0.1)
            whole(it)
        assert "owned" not in it.text
        for key in ("x", "t", "y", "Y", "L", "R", "question_mark", "C", "s", "e", "D", "delete", "I"):
            await it.press(key)
            await it.rest()
            whole(it)
            await it.press("escape")
        assert it.app.return_code is None, "no text became a click"
