"""The noun `queue` as a client has it: real services, a real far end, runs as real processes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.machines.ground import untagged
from tests.machines.rig import SshServer
from tests.services import Services, services
from workbench.errors import NotFound, Refused, Unreachable, UsageError

__all__ = ["untagged"]
DEADLINE = 60.0


@pytest_asyncio.fixture
async def live(tmp_path: Path) -> AsyncIterator[Services]:
    """Services whose machine has two devices; what runs when the test ends is cancelled."""
    async with services(tmp_path) as made:
        await made.call("compute.set", name="local", changes={"devices": ["a0", "b1"], "grace": 0.5})
        yield made
        for run in await made.call("runs.list", active=True):
            await made.call("runs.cancel", run=run["id"], grace=0)
            await status(made, run["id"], "Canceled", "Completed", "Failed")


async def status(live: Services, run: str, *wanted: str) -> dict[str, Any]:
    """The run once it is in one of these states."""
    async for found in live.items("runs.watch", run=run, timeout=DEADLINE):
        if found["run"]["status"] in wanted:
            return dict(found["run"])
    pytest.fail(f"waited for {run} to be {wanted}")


async def submit(live: Services, number: int, command: str = "sleep 1000", **more: Any) -> str:
    """A run; its id. Devices that no driver lists are the setting's business, so none are counted."""
    run = await live.submit(number, command, **more)
    return str(run["id"])


async def test_the_queue_is_listed_and_changed(live: Services, tmp_path: Path) -> None:
    """AZ-40: who has what, who waits and why; hold, release, priority, move, by any reference."""
    await live.call("compute.set", name="local", changes={"slots": 1})
    running = await submit(live, 1, name="holder", experiment="mnist")
    await status(live, running, "Running")
    waiting = [await submit(live, n, name=f"w{n}", experiment="mnist") for n in (2, 3, 4)]
    for run in waiting:
        await status(live, run, "Queued")
    entries = await live.call("queue.list")
    assert [entry["name"] for entry in entries] == ["holder", "w2", "w3", "w4"]
    assert [entry["state"] for entry in entries] == ["running", "waiting", "waiting", "waiting"]
    assert [entry.get("position") for entry in entries] == [None, 1, 2, 3]
    assert {entry["target"] for entry in entries} == {"local"}
    assert entries[1]["reason"] == "1 run at once here, now holder"
    assert all(entry["mine"] and entry["experiment"] == "mnist" for entry in entries)
    assert await live.call("queue.list", target="local") == entries
    done = await live.call("queue.hold", runs=["w2", "holder"])
    assert done == {"changed": [waiting[0]], "refused": {running: "it runs already"}}
    assert (await live.call("queue.move", runs=["w4"], place="before", other="w3"))["changed"] == [waiting[2]]
    assert (await live.call("queue.priority", runs=["w3"], priority=1))["changed"] == [waiting[1]]
    entries = await live.call("queue.list")
    assert [(entry["name"], entry["state"], entry.get("position")) for entry in entries[1:]] == [
        ("w3", "waiting", 1),
        ("w2", "held", None),
        ("w4", "waiting", 2),
    ]
    await live.call("queue.release", runs=["w2"])
    await live.call("runs.cancel", run=running, grace=0)
    await status(live, waiting[1], "Running")
    done = await live.call("queue.hold", runs=[running])
    assert done == {"changed": [], "refused": {running: "it is over"}}
    with pytest.raises(NotFound):
        await live.call("queue.hold", runs=["nobody"])
    with pytest.raises(NotFound):
        await live.call("queue.list", target="nowhere")
    for wrong in ({"place": "up"}, {"place": "before"}, {"place": "first", "other": "w2"}):
        with pytest.raises(UsageError):
            await live.call("queue.move", runs=["w4"], **wrong)


async def test_a_cordoned_machine_says_so_and_a_drained_one_refuses(live: Services) -> None:
    made = await live.call("compute.cordon", name="local", reason="a new fan", by="ann")
    assert (made["cordon"]["reason"], made["cordon"]["by"], made["cordon"]["drain"]) == (
        "a new fan",
        "ann",
        False,
    )
    run = await submit(live, 1, "echo ran")
    found = await status(live, run, "Queued")
    assert found["message"] == "the machine is cordoned by ann: a new fan"
    await live.call("compute.cordon", name="local", drain=True)
    with pytest.raises(Refused, match=r"^local is being drained by "):
        await submit(live, 2, "echo never")
    assert len(await live.call("runs.list")) == 1
    (machine,) = await live.call("queue.machines")
    assert (machine["waiting"], machine["running"], machine["cordon"]["drain"]) == (1, 0, True)
    (target,) = await live.call("compute.list")
    assert (target["cordon"]["drain"], target["cordon"]["reason"]) == (True, "a new fan"), "the reason stays"
    assert "cordon" not in await live.call("compute.cordon", name="local", on=False)
    assert "cordon" not in (await live.call("compute.list"))[0]
    await status(live, run, "Completed")
    kinds = [event["data"].get("cordoned") for event in await live.call("events.list", limit=10_000)]
    assert [said for said in kinds if said is not None] == [True, True, False]


async def test_a_machine_that_cannot_be_asked_is_named_and_holds_up_nobody(
    live: Services, server: SshServer
) -> None:
    settings = {"address": server.name, "ssh_config": str(server.ssh_config), "root": str(server.home / "wb")}
    await live.call(
        "compute.attach", name="m1", kind="ssh", settings={**settings, "lease_dir": str(server.home / "l")}
    )
    await live.call("compute.cordon", name="m1", reason="a new fan")
    far = await submit(live, 1, target="m1")
    await status(live, far, "Queued")
    await live.call("compute.set", name="local", changes={"slots": 1})
    near = await submit(live, 2, target="local")
    await status(live, near, "Running")
    assert [entry["run"] for entry in await live.call("queue.list")] == [near, far]
    server.stop()
    assert [entry["run"] for entry in await live.call("queue.list")] == [near]
    local, gone = await live.call("queue.machines")
    assert (local["target"], local["running"], "problem" in local) == ("local", 1, False)
    assert (gone["target"], "running" in gone) == ("m1", False), "unknown is not none"
    assert gone["problem"]
    outcome = await live.call("queue.hold", runs=[far])
    assert list(outcome["refused"]) == [far]
    with pytest.raises(Unreachable):
        await live.call("queue.list", target="m1")
    server.start()
    await live.call("compute.cordon", name="m1", on=False)
    await status(live, far, "Running")
    await live.call("runs.cancel", run=far, grace=0)
    await status(live, far, "Canceled")


async def test_a_run_that_is_tried_again_is_one_run_with_two_attempts(live: Services, tmp_path: Path) -> None:
    """AZ-20: its first end is no completion, since it goes on; the log holds both attempts."""
    go = tmp_path / "go"
    command = f'echo "attempt $WORKBENCH_ATTEMPT"; while ! test -e {go}; do sleep 0.02; done'
    run = await submit(live, 1, command, retries={"count": 1, "on": ["signal", "exit"]})
    await status(live, run, "Running")
    shown = tmp_path / "root" / "runs" / run / "status.json"
    os.kill(json.loads(shown.read_text())["child"]["pid"], signal.SIGKILL)
    async for found in live.items("runs.watch", run=run, timeout=DEADLINE):
        if found["run"]["attempt"] == 2 and found["run"]["status"] == "Running":
            break
    go.touch()
    ended = await status(live, run, "Completed", "Failed")
    assert (ended["status"], ended["attempt"]) == ("Completed", 2)
    text = b"".join([block async for block in live.read("runs.logs", run=run)])
    assert text == b"attempt 1\nattempt 2\n"
    kinds = [(e["kind"], e["data"].get("state")) for e in await live.call("events.list", limit=10_000)]
    assert kinds.count(("RunStatusChanged", "Failed")) == 1
    assert [state for kind, state in kinds if kind == "RunCompleted"] == ["Completed"]
