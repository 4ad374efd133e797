"""GPUs for somebody at a terminal: leased as long as the stream lives, in turn with runs."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, new_run_id, untagged
from tests.machines.links import MakeLink, interpreter, make_link, until
from workbench.compute.link import Link
from workbench.compute.link_stream import LinkStream
from workbench.errors import Refused, UsageError
from workbench.remote.queue.cordon import lift_cordon, set_cordon
from workbench.remote.queue.queue_view import QueueView
from workbench.remote.supervision.cancel import cancel

__all__ = ["ground", "make_link", "untagged"]
DEVICES = ["a0", "b1"]
DEADLINE = 60.0


async def linked(ground: Ground, make_link: MakeLink) -> Link:
    """A link to the ground's machine."""
    return await make_link(root=ground.machine.root, lease_dir=ground.machine.lease_dir)


def asked(link: Link, gpus: int, label: str = "shell", **more: Any) -> LinkStream:
    """A request for a lease."""
    return link.stream("lease", {"gpus": gpus, "label": label, "by": "ann", "devices": DEVICES, **more})


async def event(stream: LinkStream, key: str) -> Any:
    """What the next event that says something of key says."""
    async with asyncio.timeout(DEADLINE):
        async for message in stream:
            if isinstance(message, dict) and key in message:
                return message[key]
    pytest.fail(f"the stream ended before it said {key}")


def states(ground: Ground) -> dict[str, str]:
    """Name -> state, of all in the queue."""
    return {entry["name"]: entry["state"] for entry in QueueView(ground.machine).listing()["entries"]}


async def test_a_shell_waits_its_turn_and_a_run_waits_for_a_shell(
    ground: Ground, make_link: MakeLink
) -> None:
    link = await linked(ground, make_link)
    first = ground.submit("sleep 1000", gpus=1, devices=DEVICES)
    ground.wait(first, "Running")
    async with asked(link, 2, "notebook") as shell:
        assert (await event(shell, "waiting")).startswith("2 GPUs wanted, 1 free, held by calm-otter-")
        cancel(ground.machine, first)
        assert await event(shell, "granted") == ["a0", "b1"]
        waiting = ground.submit("echo $CUDA_VISIBLE_DEVICES", gpus=1, devices=DEVICES)
        note = await asyncio.to_thread(ground.wait, waiting, "Queued")
        assert note["note"] == "1 GPU wanted, 0 free, held by notebook (ann)"
        assert states(ground)["notebook"] == "running"
    await asyncio.to_thread(ground.wait, waiting, "Completed")
    assert "notebook" not in states(ground)
    assert os.listdir(ground.machine.leases) == []


async def test_a_link_that_is_killed_frees_what_it_held(ground: Ground, make_link: MakeLink) -> None:
    one, two = await linked(ground, make_link), await linked(ground, make_link)
    held = asked(one, 2, "lost")
    assert await event(held, "granted") == DEVICES
    async with asked(two, 1, "next") as waits:
        await event(waits, "waiting")
        os.kill(one.hello["pid"], signal.SIGKILL)
        assert await event(waits, "granted") == ["a0"]
    held.cancel()


async def test_who_gives_up_while_waiting_leaves_no_trace(ground: Ground, make_link: MakeLink) -> None:
    link = await linked(ground, make_link)
    async with asked(link, 2, "holder") as holder:
        await event(holder, "granted")
        async with asked(link, 1, "impatient") as impatient:
            await event(impatient, "waiting")
            assert states(ground) == {"holder": "running", "impatient": "waiting"}
        await until(lambda: states(ground) == {"holder": "running"}, "the ticket to be gone")
    await until(lambda: os.listdir(ground.machine.locks) == [], "the locks to be gone")


async def test_what_can_never_be_is_refused_and_a_cordon_counts(ground: Ground, make_link: MakeLink) -> None:
    link = await linked(ground, make_link)
    with pytest.raises(Refused, match="3 GPUs wanted, but only 2 can be used here"):
        await asked(link, 3).result()
    with pytest.raises(UsageError):
        await asked(link, -1).result()
    set_cordon(ground.machine, drain=False, reason="a new fan", by="ben")
    async with asked(link, 1) as waits:
        assert await event(waits, "waiting") == "the machine is cordoned by ben: a new fan"
        lift_cordon(ground.machine)
        assert await event(waits, "granted") == ["a0"]
    set_cordon(ground.machine, drain=True, reason="", by="ben")
    with pytest.raises(Refused, match="nothing new is taken on"):
        await asked(link, 1).result()


async def test_the_oldest_python_does_all_of_it(make_link: MakeLink, tmp_path: Path) -> None:
    """Queue, hold, move, cordon, a lease, a retry and a run taken back, on a machine with Python 3.6."""
    link = await make_link(python=str(interpreter("3.6")))
    assert link.hello["python_version"].startswith("3.6.")
    asked_for = {"gpus": 1, "devices": ["a0"], "retries": {"count": 1, "on": ["exit"]}, "grace": 0.5}

    async def submit(command: str) -> str:
        run = new_run_id()
        spec = {"v": 1, "run": run, "command": command, "experiment": "old", "name": run[-4:], **asked_for}
        await link.call("submit", {"run": run, "spec": spec, "secrets": {}})
        return run

    async def state(run: str) -> str:
        return str((await link.call("status", {"run": run}))["transitions"][-1]["state"])

    async def reaches(run: str, wanted: str) -> None:
        async with asyncio.timeout(DEADLINE):
            while await state(run) != wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async with asked(link, 1, "notebook", devices=["a0"]) as shell:
        assert await event(shell, "granted") == ["a0"]
        runs = [await submit(f"echo $WORKBENCH_ATTEMPT >> {tmp_path}/ran; test $WORKBENCH_ATTEMPT = 2")]
        runs += [await submit("true"), await submit("true")]
        for run in runs:
            await reaches(run, "Queued")
        assert (await link.call("hold", {"runs": runs[1:2]}))["changed"] == runs[1:2]
        assert (await link.call("move", {"runs": runs[2:], "place": "first"}))["refused"] == {}
        assert (await link.call("withdraw", {"run": runs[2], "placement": 1}))["withdrawn"] is True
        entries = (await link.call("queue", {"ask": {"gpus": 1, "devices": ["a0"]}}))["entries"]
        assert [(entry["name"], entry["state"]) for entry in entries] == [
            ("notebook", "running"),
            (runs[0][-4:], "waiting"),
            (runs[1][-4:], "held"),
        ]
        assert (await link.call("cordon", {"on": True, "reason": "a new fan", "by": "ann"}))["cordon"][
            "by"
        ] == "ann"
        await link.call("release", {"runs": runs[1:2]})
    await link.call("cordon", {"on": False})
    for run in runs[:2]:
        await reaches(run, "Completed")
    assert (tmp_path / "ran").read_text() == "1\n2\n"
