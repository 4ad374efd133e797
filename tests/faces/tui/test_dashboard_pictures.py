"""Every screen as a picture, in two sizes and two themes, and every dialog in two sizes, over the fixed world.

`pytest tests/faces/tui/test_dashboard_pictures.py --snapshot-update` draws them anew after a wanted change.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.faces.tui.conftest import Stage, made
from tests.faces.tui.test_dashboard_alerts import IDLE, SUBSCRIPTION, alert
from tests.faces.tui.test_dashboard_children import world as sweep
from tests.faces.tui.test_dashboard_forwards import HUNG, Ports
from tests.faces.tui.test_dashboard_machines import CONFIG
from tests.faces.tui.world import World, fleet
from tests.faces.tui.world_data import Data
from tests.faces.tui.world_environments import Environments
from tests.faces.tui.world_fleet import fleet_views
from tests.faces.tui.world_models import Models
from tests.faces.tui.world_rows import ROWS
from workbench.home import Home
from workbench.tui.model import feed, link_speed, machines

DRAWN_WITH = {"textual": "8.2.8", "rich": "15.0.0"}
pytestmark = pytest.mark.skipif(
    any(version(name) != drawn for name, drawn in DRAWN_WITH.items()),
    reason=f"the pictures were drawn with {DRAWN_WITH}; others draw boxes and scroll bars their own way",
)
RUN = "runs/mnist/calm-otter-42"
PAIR = f"runs/mnist?compare={ROWS[0]['id']},{ROWS[2]['id']}"

NOTE = """\
# Learning rates
The **warm-up** was too short for `lr=1e-3`:

- calm-otter-42 is *still* falling
- vivid-lark-40 is not: see [the paper](https://example.org/warm-up)

```
python train.py --lr 3e-4 --warm-up 500
```
"""
MANY = "runs/mnist?compare=" + ",".join(row["id"] for row in ROWS[:10])


class Shot(NamedTuple):
    """A place, keys that are pressed there one after the other, and what is seen before the next one."""

    location: str
    seen: str
    steps: tuple[tuple[str, str], ...] = ()


SCREENS = {
    "runs": Shot("", "calm-otter-42"),
    "runs-of-an-experiment": Shot("runs/mnist", "calm-otter-42", (("j", "2 GPUs wanted"),)),
    "runs-marked": Shot("", "calm-otter-42", (("space", "1 marked"), ("j", ""), ("space", "2 marked"))),
    "runs-filtered": Shot("runs?status=failed", "old-wren-35"),
    "runs-none-fit": Shot("runs?text=zebra", "No run fits"),
    "run-overview": Shot(RUN, "ann@laptop"),
    "run-failed": Shot("runs/mnist/dull-ibis-39", "CUDA out of memory"),
    "run-log": Shot(f"{RUN}?tab=logs", "of 124"),
    "run-logs-beside": Shot(
        f"{RUN}?tab=logs",
        "of 124",
        (
            ("A", "all ranks"),
            ("enter", "step   89|output"),
            ("i", "\\d\\d:\\d\\d:\\d\\d"),
            ("A", "all ranks"),
            ("up", ""),
            ("enter", "merged"),
        ),
    ),
    "run-metrics": Shot(f"{RUN}?tab=metrics", "⠒|⣀|⡀"),
    "run-metric-large": Shot(f"{RUN}?tab=metrics", "⠒|⣀|⡀", (("enter", "last 0.0412"),)),
    "run-metric-logarithmic": Shot(
        f"{RUN}?tab=metrics",
        "⠒|⣀|⡀",
        (
            ("enter", "last 0.0412"),
            ("V", "log x"),
            ("v", ""),
            ("m", "smooth"),
            ("left", "step \\d"),
        ),
    ),
    "run-values-matrix": Shot(f"{RUN}?tab=values", "confusion matrix", (("n", "airplane +100%"),)),
    "run-values-curves": Shot(f"{RUN}?tab=values", "confusion matrix", (("j", "false positive rate"),)),
    "run-values-bars": Shot(f"{RUN}?tab=values", "confusion matrix", (("j", ""), ("j", "0 to 0.5 █+ 55"))),
    "run-values-image": Shot(
        f"{RUN}?tab=values", "confusion matrix", (*(("j", ""),) * 3, ("full_stop", "PNG 160 x 90"))
    ),
    "run-values-table": Shot(
        f"{RUN}?tab=values", "confusion matrix", (*(("j", ""),) * 5, ("full_stop", "epoch +picture"))
    ),
    "runs-unfolded": Shot("", "sweep-50", (("g", ""), ("plus", "fold-2"))),
    "run-children": Shot("runs/mnist/sweep-50?tab=children", "fold-1"),
    "dots": Shot("runs?plot=all&x=lr&y=loss", "loss", (("V", ""), ("right", ""), ("right", "loss 0"))),
    "run-files": Shot(f"{RUN}?tab=files", "report.json"),
    "run-snapshot": Shot(f"{RUN}?tab=snapshot", "loader.py"),
    "compare": Shot(PAIR, "★"),
    "compare-code": Shot(f"{PAIR}&tab=code", "lr = 3e-4"),
    "compare-notes": Shot("compare/sweep?tab=notes", "warm-up"),
    "compare-many": Shot(MANY, "★", (("j", ""), ("j", ""), ("right", ""))),
    "compute": Shot("compute", "[^/]4 machines\\b"),
    "fleet": Shot("compute", "spare-9"),
    "fleet-memory": Shot("compute", "spare-9", (("u", "GPU mem"),)),
    "fleet-filtered": Shot("compute?text=held%20util<5", "[^/]1 machine\\b"),
    "fleet-machine": Shot("compute/dgx-02", "HELD-IDLE"),
    "machine": Shot("compute/gpu1", "calm-otter-42"),
    "machine-history": Shot("compute/gpu1?tab=history", "temperature C"),
    "models": Shot("models", "candidate:8"),
    "model": Shot("models/churn", "8 +candidate"),
    "model-metrics": Shot("models/churn?tab=metrics", "⠒|⣀|⡀"),
    "model-history": Shot("models/churn?tab=history", "6 -> 7 +promote"),
    "model-gate": Shot("models/churn?tab=gate", "What it says of"),
    "model-version": Shot("models/churn/8", "runs code when loaded"),
    "data": Shot("data", "weather .*4m|weather .*87"),
    "data-none": Shot("data", "No datasets yet"),
    "dataset": Shot("data/weather", "2 versions"),
    "data-version": Shot("data/weather:2", "A run takes it as"),
    "data-files": Shot("data/digits:1?tab=files", "5 files"),
    "data-rows": Shot("data/weather:2?tab=rows", "3 rows"),
    "data-profile": Shot("data/weather:2?tab=profile", "made 5h ago"),
    "data-lineage": Shot("data/weather:2?tab=lineage", "1 run read it"),
    "datastores": Shot("datastores", "silent"),
    "datastore": Shot("datastores/lake", "2 keys left out"),
    "environments": Shot("environments", "now"),
    "environment": Shot("environments/digits", "now"),
    "environment-version": Shot("environments/digits:2", "A run takes it as"),
    "environment-lock": Shot("environments/digits:2?tab=lock", "numpy==2.1.3"),
    "environment-machines": Shot("environments/digits:2?tab=machines", "ready"),
    "builds": Shot("builds", "4 builds"),
    "queue": Shot("queue", "shy-wren-50"),
    "doctor": Shot("compute/gpu1?tab=doctor", "lingering"),
    "files": Shot("compute/gpu1/files", "6 entries"),
    "files-read": Shot("compute/gpu1/files?path=~/data", "3 entries", (("G", ""), ("enter", "1,2"))),
    "room": Shot("compute/gpu1/room", "5 runs", ()),
    "forwards": Shot("forwards", "2 forwards", (("j", "kernel died"),)),
    "activity": Shot("activity", "transfer"),
    "activity-alerts": Shot("activity", "held-idle"),
    "machine-facts": Shot("compute/gpu1?tab=facts", "ann@gpu1"),
    "first-run": Shot("", "its key will be shown"),
    "server-gone": Shot("", "calm-otter-42"),
}
DIALOGS = {
    "prompt": Shot("", "calm-otter-42", (("colon", "a place:"),)),
    "keys": Shot("", "calm-otter-42", (("question_mark", "Show only"),)),
    "palette": Shot("", "calm-otter-42", (("ctrl+p", "Mark the row"),)),
    "cancel": Shot("", "calm-otter-42", (("x", "TERM first"),)),
    "new-run": Shot("", "calm-otter-42", (("R", "wb submit"),)),
    "tags": Shot("", "calm-otter-42", (("t", "wb run tag"),)),
    "sort": Shot("", "calm-otter-42", (("s", "Sort by"),)),
    "group": Shot("", "calm-otter-42", (("b", "Group by"),)),
    "columns": Shot("", "calm-otter-42", (("C", "space shows"),)),
    "themes": Shot("", "calm-otter-42", (("T", "Colours"), ("w", ""), ("o", ""), ("r", ""), ("k", "Calm"))),
    "attach": Shot("compute", "[^/]4 machines\\b", (("a", "another address"),)),
    "attach-key": Shot("compute", "[^/]4 machines\\b", (("a", "another address"), ("enter", "SHA256"))),
    "attach-password": Shot(
        "compute", "[^/]4 machines\\b", (("a", "another address"), ("enter", "SHA256"), ("y", "Password"))
    ),
    "detach": Shot("compute", "[^/]4 machines\\b", (("delete", "Nothing is touched"),)),
    "end-process": Shot("compute/gpu1", "calm-otter-42", (*(("down", ""),) * 5, ("X", "TERM asks"))),
    "files-use": Shot("compute/gpu1/files", "6 entries", (("U", "could not be read"),)),
    "promote": Shot("models/churn", "8 +candidate", (("p", "wb model promote"),)),
    "promote-refused": Shot(
        "models/churn", "8 +candidate", (("p", "wb model promote"), ("enter", "promote anyway"))
    ),
    "alias": Shot("models/churn", "8 +candidate", (("a", "wb model alias"),)),
    "gate-edit": Shot("models/churn", "8 +candidate", (("e", "wb model set"),)),
    "register": Shot("runs/mnist/vivid-lark-40", "vivid-lark-40", (("p", "wb model register"),)),
    "data-register": Shot("data", "weather", (("n", "wb data register"),)),
    "data-forget": Shot("data/weather:2", "A run takes it as", (("delete", "type weather"),)),
    "data-bring": Shot("data/digits:1", "A run takes it as", (("b", "to which machine"),)),
    "data-verify": Shot("data/digits:1", "A run takes it as", (("v", "sha256 of what"),)),
    "datastore-add": Shot("datastores", "silent", (("n", "wb datastore add"),)),
    "environment-register": Shot("environments/digits", "2 versions", (("n", "wb env register"),)),
    "environment-diff": Shot("environments/digits", "2 versions", (("c", "digits:1 against"),)),
    "environment-build": Shot("builds", "4 builds", (("G", ""), ("f", "no such Python"))),
    "builds-prune": Shot("builds", "4 builds", (("asterisk", "4 marked"), ("X", "would be freed"))),
    "room-remove": Shot("compute/gpu1/room", "5 runs", (("delete", "type gpu1"),)),
    "files-remove": Shot(
        "compute/gpu1/files", "6 entries", (("asterisk", "6 marked"), ("delete", "type remove"))
    ),
    "import": Shot("", "calm-otter-42", (("i", "Import runs"),)),
    "import-found": Shot("compute/gpu1/files", "6 entries", (("i", "Import runs"), ("enter", "exp2"))),
    "stacks": Shot("", "calm-otter-42", (("W", "and 2 more"),)),
    "silence": Shot("activity", "held-idle", (("g", "does not answer on its bus →"), ("m", "calls nobody"))),
    "subscribe": Shot("activity", "held-idle", (("a", "wb activity subscribe"),)),
    "cordon": Shot("compute/gpu1", "calm-otter-42", (("d", "back to work"),)),
    "forward": Shot("forwards", "2 forwards", (("a", "wb compute forward"),)),
    "settings": Shot("compute/gpu1", "calm-otter-42", (("e", "wb compute set"),)),
}
"""In one theme: what they are drawn with, the screens show in both."""
SHOTS = SCREENS | DIALOGS
THEMES = ("workbench-dark", "workbench-light")
TALL = {"80x24": (80, 24), "120x36": (120, 36)}


QUIET = 4
"""Looks one after the other, each after all messages were dealt with, at which nothing has changed."""
BETWEEN = 0.05
"""Seconds between two of them."""


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """News are handed on as they come: what paces them for eyes would have a picture wait, or miss some."""
    for module, names in ((feed, ("REST",)), (machines, ("QUICK", "USUAL")), (link_speed, ("QUICK",))):
        for name in names:
            monkeypatch.setattr(module, name, 0.0)


async def _quiet(it: Stage) -> None:
    """Wait until nothing on the screen changes any more."""
    it.app.clear_notifications()  # they go by themselves, some time
    for line in it.app.screen.query(Input):
        line.cursor_blink = False
    still, before = 0, it.strips
    while still < QUIET:
        it.app._footer.refresh()
        await it.pilot.pause(BETWEEN)
        now = it.strips
        still, before = still + 1 if now == before else 0, now


@pytest.mark.parametrize(
    ("name", "size", "theme"),
    [
        pytest.param(name, size, theme, id=f"{name}-{size}-{theme}")
        for name in SHOTS
        for size in TALL
        for theme in (THEMES if name in SCREENS else THEMES[:1])
    ],
)
@pytest.mark.usefixtures("still", "at_once")
def test_looks_as_it_did(
    name: str, size: str, theme: str, home: Home, snap_compare: Callable[..., bool]
) -> None:
    Path("~/.ssh/config").expanduser().write_text(CONFIG)
    world = fleet(fleet_views()) if name.startswith("fleet") else World([] if name == "first-run" else None)
    world.guarded.add("gpu7")
    world.comparisons["sweep"] = {
        "name": "sweep",
        "runs": [ROWS[0]["id"], ROWS[2]["id"]],
        "gone": [],
        "note": NOTE,
    }
    if "sweep-50" in SHOTS[name].location + SHOTS[name].seen:
        world = sweep()
    if name == "first-run":
        world.targets = world.targets[-1:]
    location, seen, steps = SHOTS[name]
    if seen == "held-idle":
        world.alerts, world.subscriptions = [deepcopy(IDLE), alert()], [deepcopy(SUBSCRIPTION)]
    Ports(world)
    Models(world)
    if name not in ("data-none", "first-run"):
        Data(world)
        Environments(world)
    world.answers["runs.stack"] = lambda run: HUNG
    app = made(world, home, location, theme=theme)

    async def before(pilot: Pilot[Any]) -> None:
        it = Stage(app, world, pilot)
        await it.see(seen, "[◆✖●◌ ]")
        for key, seen_then in steps:
            await it.press(key)
            await it.see(seen_then)
        await _quiet(it)
        if name == "server-gone":
            world.vanish("the local server ended")
            await it.see("trying again")
            await _quiet(it)

    assert snap_compare(app, terminal_size=TALL[size], run_before=before)
