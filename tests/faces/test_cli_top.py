"""wb top: one picture, one for programs, and a live one that leaves the terminal as it was; wb compute end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import Any

import pytest

from tests.faces.conftest import Answers, Wb
from tests.faces.scripted import TTY, World
from tests.faces.test_terminal import Screen, program
from tests.faces.tui.world_fleet import fleet_views
from tests.faces.tui.world_views import gpu1
from workbench.errors import NotFound

VIEWS = {**fleet_views(), "gpu1": gpu1()}


def watched(**more: Any) -> World:
    """A world of machines that are watched."""

    def watch(names: list[str] | None = None, looking: str = "") -> Any:
        for name in names or ():
            if name not in VIEWS:
                raise NotFound(f"no machine {name!r}")
        return [{"machines": {name: view for name, view in VIEWS.items() if not names or name in names}}]

    ended: list[dict[str, Any]] = []
    return World(
        compute__watch=watch,
        compute__sample=lambda name: VIEWS[name],
        compute__end_process=lambda **asked: ended.append(asked) or {"ended": asked["signal"] == "KILL"},  # type: ignore[func-returns-value]
        **more,
    )


def test_one_picture_is_of_now_and_not_of_before_anybody_looked(wb: Wb) -> None:
    view = VIEWS["dgx-01"]
    old = {**view, "age": 4.0, "sample": {**view["sample"], "host": {**view["sample"]["host"], "cpu": 3.0}}}
    items = [{"machines": {"dgx-01": old}}, {"machines": {"dgx-01": view}}, {"machines": {"dgx-01": old}}]
    done = wb("top", "--once", "-o", "json", world=World(compute__watch=lambda **_: items))
    (told,) = json.loads(done.out)
    assert told["sample"]["host"] == view["sample"]["host"]


def test_one_picture_of_all_in_eighty_columns(wb: Wb) -> None:
    done = wb("top", "--once", world=watched(), terminal=TTY)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].startswith("15 machines  12 up  2 stale   64 GPUs")
    assert all(len(line) <= 80 for line in lines if not line.startswith("Free now"))
    assert any("dgx-02" in line and "▇▇▁▇▇▇▇▇" in line and "87!" in line for line in lines)
    assert "     15 GB left where runs are kept" in lines


def test_one_that_is_named_with_its_gpus_and_processes(wb: Wb) -> None:
    done = wb("top", "gpu1", "--once", world=watched(), terminal=TTY._replace(cells=120))
    assert "3  A100  88  ▇▇▇▇░░░ 44/80G  573/700  87  1753" in done.out
    assert "HW-THERMAL  calm-otter-42" in done.out
    assert (
        "calm-otter-42  ann    2,3      2     108G  176   411   16G  3h02  python train.py --lr 3e-4"
        in done.out
    )
    assert (
        wb("compute", "top", "gpu1", "--once", world=watched(), terminal=TTY._replace(cells=120)).out
        == done.out
    )


def test_in_a_pipe_it_is_a_line_a_machine(wb: Wb) -> None:
    done = wb("top", world=watched())
    rows = {line.split("\t")[0]: line.split("\t") for line in done.out.splitlines()}
    assert rows["gpu1"] == [
        "gpu1",
        "connected",
        "fresh",
        "4",
        "55.8",
        "38.4",
        "1568.8",
        "87.0",
        "28.0",
        "39.6",
        "61.0",
        "1",
        "",
    ]
    assert rows["new-1"][4:12] == [""] * 7 + ["0"]
    assert rows["lab-7"][-1] == "GPU 1 fell off the bus (Xid 79)"


def test_for_programs(wb: Wb) -> None:
    found = json.loads(wb("top", "--format", "json", world=watched()).out)
    assert {view["name"] for view in found} == set(VIEWS)
    assert "utilisation" not in next(view for view in found if view["name"] == "lab-7")["sample"]["gpus"][1]
    lines = wb("top", "gpu1", "box-4", "--format", "jsonl", "--once", world=watched()).out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["box-4", "gpu1"]
    text = wb("top", "--format", "prometheus", world=watched()).out
    assert 'wb_gpu_utilisation_ratio{target="gpu1",gpu="GPU-gpu1-2",index="2"} 0.97' in text
    assert 'gpu="GPU-lab-7-1"' not in "".join(line for line in text.splitlines() if "utilisation" in line)


def test_what_does_not_fit_or_is_not_there(wb: Wb) -> None:
    assert wb("top", "nobody", world=watched()).code == 3
    assert wb("top", "--every", "0s", world=watched()).code == 2


def test_ending_a_process_asks_with_what_it_is(wb: Wb) -> None:
    no = Answers("n")
    done = wb("compute", "end", "gpu1", "6001", world=watched(), terminal=TTY, asker=no)
    assert done.code == 5
    assert "Send TERM to process 6001, python -m http.server, 11m40?" in no.asked[0][0]
    still = wb("compute", "end", "gpu1", "6001", "--yes", world=watched(), terminal=TTY)
    assert (still.code, "still there: wb compute end gpu1 6001 --signal KILL" in still.err) == (1, True)
    world = watched()
    assert wb("compute", "end", "gpu1", "6001", "--yes", "--signal", "KILL", world=world).code == 0
    assert world.calls[-1] == (
        "compute.end_process",
        {"name": "gpu1", "pid": 6001, "start": 6101, "signal": "KILL"},
    )


def test_only_ones_own_are_ended(wb: Wb) -> None:
    done = wb("compute", "end", "gpu1", "5120", "--yes", world=watched())
    assert (done.code, "process 5120 is bob's" in done.err) == (5, True)
    done = wb("compute", "end", "gpu1", "99", "--yes", world=watched())
    assert (done.code, "wb compute exec gpu1 -- kill 99" in done.err) == (3, True)


# A real terminal

LIVE = """
import asyncio
from tests.faces.test_cli_top import VIEWS
from tests.faces.scripted import AsyncWorld
from workbench.workspace.async_client import AsyncClient
class Live(AsyncWorld):
    async def items(self, noun, method, **parameters):
        yield {"machines": {"gpu1": VIEWS["gpu1"]}}
        while True:
            await asyncio.sleep(0.05)
            yield {"patch": {"gpu1": {"age": 0.0}}}
world = World()
real = Session
def Session(**options):
    return real(asynchronous=lambda name: AsyncClient(Live(world)), **options)
"""


def settings(screen: Screen) -> bytes:
    """How the program's terminal is set."""
    return subprocess.run(["stty", "-g"], stdin=screen.handle, capture_output=True, check=True).stdout


@pytest.mark.parametrize("how", ["q", "\x03", "SIGTERM"])
def test_a_live_picture_leaves_the_terminal_as_it_was(how: str) -> None:
    screen = Screen([*program(LIVE), "top", "gpu1", "--every", "0.1s"], NO_COLOR="1", TERM="xterm-256color")
    before = settings(screen)
    screen.until(b"calm-otter-42")
    assert b"\x1b[?1049h" in screen.seen
    assert settings(screen) != before
    if how == "SIGTERM":
        os.kill(screen.pid, signal.SIGTERM)
    else:
        screen.type(how)
    screen.until(b"\x1b[?25h\x1b[?1049l")
    assert screen.end() == (143 if how == "SIGTERM" else 0)


def test_only_lines_that_changed_are_written_again() -> None:
    screen = Screen([*program(LIVE), "top", "gpu1", "--every", "0.1s"], NO_COLOR="1", TERM="xterm-256color")
    screen.until(b"calm-otter-42")
    first = len(screen.seen)
    time.sleep(1.0)
    screen.type("q")
    assert screen.end() == 0
    assert len(screen.seen) - first < first / 2, "nothing moved but the clock, which stands still here"
