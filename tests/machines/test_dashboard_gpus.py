"""GPUs from a driver to the screen: a scripted NVML, a real sampler, a real server, the dashboard in a terminal."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.machines.at_terminal import Open
from tests.machines.ground import until
from tests.machines.links import alive
from tests.machines.wb import Wb
from tests.nvml.building import Nvml, environment, nvml
from tests.nvml.script import ALL, LOST, MIB, Script, uuid
from tests.terminal.terminal import Terminal

__all__ = ["nvml"]


@pytest.fixture
def cards(tmp_path: Path, nvml: Nvml, user: Wb) -> Script:
    """Four cards of which the first two compute."""
    script = Script(tmp_path / "script", gpus=4)
    for number, card in enumerate(script.gpus):
        card.update(
            {"utilisation": 97 if number < 2 else 0, "memory_used": (60_000 if number < 2 else 5) * MIB}
        )
        card.update({"remapped_pending": 0, "throttle": 0})
    script.write()
    user.environ.update(environment(nvml.library(), script.path))
    return script


def test_a_fleet_shows_what_its_cards_do_and_says_what_is_wrong(
    user: Wb, open_wb: Open, cards: Script
) -> None:
    screen = open_wb(":compute", **environment_of(user))
    sees(screen, "local +▇▇·· +H100", "Free now: 2x H100 local:2,3")
    cards.gpus[2].update({"utilisation": 55, "memory_used": 9000 * MIB})
    cards.write()
    sees(screen, "local +▇▇▄· +H100", "Free now: 1x H100 local:3")
    cards.fail(1, ALL, LOST)
    cards.write()
    sees(screen, "✖ +local +▇x▄·", "GPU 1 ")
    cards.recover()
    cards.write()
    screen.wait_for("local +▇▇▄·")
    screen.keys("/")
    screen.wait_for(" / ")
    screen.type("util<5 & held")
    screen.wait_for("No machine fits")
    screen.keys("C-u")
    screen.type("free")
    screen.keys("Enter")
    screen.wait_for("/ free.*1 machine")


def test_a_process_on_a_card_is_ended_from_the_screen(user: Wb, open_wb: Open, cards: Script) -> None:
    stranger = subprocess.Popen(["sleep", "1000"])
    try:
        cards.process(0, stranger.pid, 30_000 * MIB, 41)
        cards.write()
        screen = open_wb("compute/local", **environment_of(user))
        sees(screen, "0  H100 .* 97 .*640/700", r"\(no run\) +\w+ +0 +1 +29G +41 .*sleep 1000", r"\(hidden\)")
        screen.keys("Down", "Down", "Down", "Down")
        screen.wait_for("^ +(sleep|python).*\n.* open")  # the command of the row under the cursor, whole
        screen.keys("G")
        screen.wait_for("^ *\n.* open")
        screen.keys("Up")
        screen.wait_for("^ +sleep 1000\n.* open")
        screen.keys("X")
        screen.wait_for(f"End process {stranger.pid}")
        screen.keys("Enter")
        screen.wait_until_gone("End process")
        assert alive(stranger.pid)
        screen.keys("X")
        screen.wait_for(f"End process {stranger.pid}")
        screen.type("y")
        until(lambda: stranger.poll() is not None, "the process to end")
        screen.wait_for("process .* ended")
    finally:
        stranger.kill()
        stranger.wait()


def test_the_same_without_a_screen(user: Wb, cards: Script) -> None:
    text = user("top", "local", "--format", "prometheus")
    assert f'wb_gpu_utilisation_ratio{{target="local",gpu="{uuid(0)}",index="0"}} 0.97' in text.splitlines()
    assert f'wb_gpu_free{{target="local",gpu="{uuid(3)}",index="3"}} 1' in text.splitlines()
    assert "H100  97" in user("top", "local", "--once", "--format", "table")
    name, state, freshness, gpus, *_ = user("top").split("\t")
    assert (name, state, freshness, gpus) == ("local", "connected", "fresh", "4")


def sees(screen: Terminal, *patterns: str) -> None:
    """Wait until every pattern stands on the screen."""
    for pattern in patterns:
        screen.wait_for(pattern)


def environment_of(user: Wb) -> dict[str, str]:
    """What the scripted driver needs, for a server that the dashboard starts."""
    return {name: user.environ[name] for name in ("WORKBENCH_NVML", "SCRIPTED_NVML", "LD_LIBRARY_PATH")}
