"""Cards that somebody uses outside the queue, by the driver's own word: a scripted NVML, real runs and links."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, untagged, until
from tests.machines.links import MakeLink, make_link
from tests.nvml.building import Nvml, environment, nvml
from tests.nvml.script import ALL, LOST, MIB, Script, uuid

__all__ = ["ground", "make_link", "nvml", "untagged"]
CARDS = {"gpus": 1, "devices": [uuid(0), uuid(1)]}
SEE = "echo $CUDA_DEVICE_ORDER $CUDA_VISIBLE_DEVICES"
IDLE: dict[str, Any] = {"utilisation": 0, "memory_used": 5 * MIB}


@pytest.fixture
def cards(tmp_path: Path, nvml: Nvml, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Two cards that nobody uses."""
    script = Script(tmp_path / "script", gpus=2)
    for card in script.gpus:
        card.update(IDLE)
    script.write()
    for name, value in environment(nvml.library(), script.path).items():
        monkeypatch.setenv(name, value)
    return script


def given(ground: Ground, **changes: Any) -> str:
    """The card a run gets that starts now."""
    status, output = ground.finish(SEE, **{**CARDS, **changes})
    assert status["transitions"][-1]["state"] == "Completed"
    order, card = output.decode().split()
    assert order == "PCI_BUS_ID"
    assert status["gpus"] == [card]
    return card


def test_a_card_that_a_stranger_computes_on_is_left_alone_until_they_leave(
    ground: Ground, cards: Script
) -> None:
    """Trap 7."""
    assert given(ground) == uuid(0)
    cards.process(0, 4711, 300 * MIB)
    cards.write()
    assert given(ground) == uuid(1)
    cards.process(1, 4712, 300 * MIB)
    cards.write()
    run = ground.submit(SEE, **CARDS)
    assert ground.wait(run, "Queued")["note"] == "1 GPU wanted, 0 free, 2 GPUs in use outside the queue"
    cards.processes.clear()
    cards.write()
    ground.wait(run, "Completed")


def test_a_desktop_blocks_no_card_and_what_it_may_take_is_the_targets(ground: Ground, cards: Script) -> None:
    cards.process(0, 4711, 400 * MIB, kind="graphics")
    cards.gpus[0].update(memory_used=500 * MIB, utilisation=20)
    cards.write()
    assert given(ground) == uuid(0)
    assert given(ground, foreign_memory=200 * MIB) == uuid(1)
    assert given(ground, foreign_utilisation=10) == uuid(1)
    cards.gpus[0].update(memory_used=9000 * MIB)  # a container hides its processes, not its memory
    cards.write()
    assert given(ground) == uuid(1)
    assert given(ground, foreign_memory=10_000 * MIB) == uuid(0)


def test_a_card_that_is_lost_or_hangs_is_not_given_out(ground: Ground, cards: Script) -> None:
    cards.fail(0, ALL, LOST)
    cards.write()
    assert given(ground) == uuid(1)
    run = ground.submit(SEE, **{**CARDS, "gpus": 2})
    assert ground.wait(run, "Queued")["note"] == "2 GPUs wanted, 1 free, 1 GPU fell off the bus"
    cards.recover()
    cards.hang(0, seconds=600)
    cards.write()
    assert given(ground) == uuid(1)
    cards.recover()
    cards.write()
    ground.wait(run, "Completed")
    assert given(ground) == uuid(0)


def test_an_instance_of_a_divided_card_is_leased_by_its_name(ground: Ground, cards: Script) -> None:
    names = [cards.instance(0, number, memory_used=5 * MIB, utilisation=0) for number in (0, 1)]
    cards.process(0, 4711, 300 * MIB, instance=0)
    cards.write()
    assert given(ground, devices=names) == names[1]


async def test_the_queue_of_a_link_tells_the_same(ground: Ground, make_link: MakeLink, cards: Script) -> None:
    link = await make_link(root=ground.machine.root, lease_dir=ground.machine.lease_dir)
    cards.process(0, 4711, 300 * MIB)
    cards.write()
    ask = {"gpus": 2, "devices": CARDS["devices"]}
    said = (await link.call("queue", {"ask": ask}))["ask"]
    assert (said["starts"], said["free"], said["usable"]) == (False, 1, 2)
    assert said["reason"] == "2 GPUs wanted, 1 free, 1 GPU in use outside the queue"
    allowed = (await link.call("queue", {"ask": ask, "foreign_memory": 400 * MIB}))["ask"]
    assert allowed["starts"] is True
    run = ground.submit(SEE, **{**CARDS, "gpus": 2})
    until(lambda: ground.status(run).get("note"), "it to wait")
    (entry,) = (await link.call("queue", {}))["entries"]
    assert entry["reason"] == "2 GPUs wanted, 1 free, 1 GPU in use outside the queue"
    assert "expected_wait" not in entry, "nobody knows when a stranger leaves"
