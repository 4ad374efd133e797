"""Runs that may go to several machines: two real sshd machines, one of which may go away, lose or refuse things."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.machines.ground import untagged
from tests.machines.rig import MakeServer, SshServer, until
from tests.machines.settled import settled
from tests.services import Services, services
from workbench.entities.identity import make_run_id
from workbench.errors import Conflict, NotFound, Refused, Unreachable, UsageError
from workbench.runs import placer

__all__ = ["untagged"]
DEADLINE = 60.0
HOLD = "while ! test -e {go}; do sleep 0.02; done"


class Pair:
    """Two machines with one card each, and the services that know them."""

    def __init__(self, live: Services, one: SshServer, two: SshServer, folder: Path) -> None:
        self.live = live
        self.servers = {"m1": one, "m2": two}
        self.witness = folder / "witness"
        self.go = folder / "go"
        self._number = 0

    async def submit(self, target: str, command: str = "", **more: Any) -> dict[str, Any]:
        """A run that says where it ran; its row."""
        self._number += 1
        command = command or f'echo "$WORKBENCH_RUN_DIR" >> {self.witness}'
        asked = {"command": command, "target": target, "gpus": 1, **more}
        secrets = asked.pop("values", None)
        run_id = make_run_id(1_790_000_000_000 + self._number, self._number.to_bytes(10, "big"))
        found = await self.live.call("runs.submit", id=run_id, configuration=asked, secrets=secrets)
        return dict(found)

    async def hold(self, target: str) -> dict[str, Any]:
        """A run that has a machine's card until `go`."""
        run = await self.submit(target, HOLD.format(go=self.go))
        return await self.reaches(run["id"], "Running")

    async def reaches(self, run: str, *wanted: str) -> dict[str, Any]:
        """The run once it is in one of these states."""
        async for found in self.live.items("runs.watch", run=run, timeout=DEADLINE):
            if found["run"]["status"] in wanted:
                return dict(found["run"])
        row = await self.live.call("runs.get", run=run)
        pytest.fail(f"waited for {wanted}, it is {row['status']} on {row['target']}: {row.get('message')}")

    async def is_on(self, run: str, target: str) -> dict[str, Any]:
        """The run once it is on that machine."""
        async for found in self.live.items("runs.watch", run=run, timeout=DEADLINE):
            if found["run"]["target"] == target:
                return dict(found["run"])
        pytest.fail(f"it never went to {target}")

    def ran(self) -> list[str]:
        """The machines whose runs wrote to the witness, in order."""
        lines = self.witness.read_text().splitlines() if self.witness.exists() else []
        places = {str(server.home / "wb"): name for name, server in self.servers.items()}
        return [next(name for place, name in places.items() if line.startswith(place)) for line in lines]

    def status_on(self, target: str, run: str) -> dict[str, Any] | None:
        """What a machine has of a run."""
        path = self.servers[target].home / "wb" / "runs" / run / "status.json"
        return json.loads(path.read_text()) if path.exists() else None


async def attach(made: Pair) -> None:
    """Attach both machines."""
    for name, server in made.servers.items():
        home = server.home
        settings = {"address": name, "ssh_config": str(server.ssh_config), "root": str(settled(home / "wb"))}
        settings |= {"lease_dir": str(home / "leases"), "devices": ["card"], "grace": 0.5}
        await made.live.call("compute.attach", name=name, kind="ssh", settings=settings)


async def end_all(made: Pair) -> None:
    """Leave no run behind."""
    made.go.touch()
    for server in made.servers.values():
        if server._process is None:
            server.start()
    for run in await made.live.call("runs.list", active=True):
        with suppress(Conflict):  # it ended meanwhile
            await made.live.call("runs.cancel", run=run["id"], grace=0)
        await made.reaches(run["id"], "Canceled", "Completed", "Failed")


@pytest_asyncio.fixture
async def pair(
    tmp_path: Path, make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Pair]:
    """Looked at often, so that no test waits long."""
    monkeypatch.setattr(placer, "EVERY", 0.2)
    one, two = make_server("m1"), make_server("m2")
    async with services(tmp_path) as live:
        made = Pair(live, one, two, tmp_path)
        await attach(made)
        yield made
        await end_all(made)


async def test_pools_are_kept_changed_and_forgotten(pair: Pair) -> None:
    live = pair.live
    made = await live.call("compute.set_pool", name="lab", targets=["m2", "m1", "m2"])
    assert (made["name"], made["targets"]) == ("lab", ["m2", "m1"])
    changed = await live.call("compute.set_pool", name="lab", targets=["m2"])
    assert (changed["targets"], changed["created"]) == (["m2"], made["created"])
    assert await live.call("compute.pools") == [changed]
    assert await live.call("compute.pool", name="lab") == changed
    for name, members, error in (
        ("any", ["m1"], UsageError),
        ("a/b", ["m1"], UsageError),
        ("empty", [], UsageError),
        ("m1", ["m2"], Conflict),
        ("odd", ["m9"], NotFound),
    ):
        with pytest.raises(error):
            await live.call("compute.set_pool", name=name, targets=members)
    with pytest.raises(Conflict):
        await live.call("compute.attach", name="lab", kind="ssh", settings={"address": "x"})
    await live.call("compute.remove_pool", name="lab")
    for operation in ("compute.remove_pool", "compute.pool"):
        with pytest.raises(NotFound):
            await live.call(operation, name="lab")
    with pytest.raises(NotFound):
        await pair.submit("lab")


async def test_a_run_goes_where_there_is_room_and_else_where_it_waits_shortest(pair: Pair) -> None:
    """AZ-34."""
    first = await pair.submit("any", HOLD.format(go=pair.go))
    assert first["properties"] == {"workbench.pool": "any"}
    await pair.reaches(first["id"], "Running")
    second = await pair.submit("any", HOLD.format(go=pair.go), timeout=5000)
    await pair.reaches(second["id"], "Running")
    assert {first["target"], second["target"]} == {"m1", "m2"}
    third = await pair.submit("any")
    assert third["target"] == second["target"], "only there it is known when the card is free at the latest"
    await pair.reaches(third["id"], "Queued")
    await until(
        lambda: pair.live.workspace.placer.elsewhere(third["id"]), "the other machine to be looked at"
    )
    entries = {entry["run"]: entry for entry in await pair.live.call("queue.list")}
    assert entries[third["id"]]["pool"] == "any"
    assert "pool" not in entries[first["id"]], "it has started"
    elsewhere = entries[third["id"]]["elsewhere"]
    assert elsewhere == {first["target"]: f"1 GPU wanted, 0 free, held by {first['name']}"}
    pair.go.touch()
    await pair.reaches(third["id"], "Completed")


async def test_more_than_any_machine_has_is_refused_at_submit(pair: Pair) -> None:
    """AZ-36."""
    with pytest.raises(Refused, match="3 GPUs wanted, but no machine of any has more than 1"):
        await pair.submit("any", gpus=3)
    for name in ("m1", "m2"):
        await pair.live.call("compute.cordon", name=name, reason="a new fan", by="ann")
    with pytest.raises(Unreachable, match="m1: the machine is cordoned by ann: a new fan; m2: the machine"):
        await pair.submit("any")
    assert await pair.live.call("runs.list") == []


async def test_what_waits_goes_to_the_machine_that_becomes_free_and_runs_once(pair: Pair) -> None:
    """With all it was sent with, and nothing of the first machine's story in its log or row."""
    await pair.live.call("compute.set_pool", name="lab", targets=["m1", "m2"])
    holder = await pair.hold("m1")
    other = await pair.submit("m2", "sleep 1000")
    await pair.reaches(other["id"], "Running")
    command = f'echo "$WORKBENCH_RUN_DIR" >> {pair.witness}; echo "${{#TOKEN}} $CUDA_VISIBLE_DEVICES"'
    run = await pair.submit(
        "lab", command, setup=["echo set up"], secrets=["TOKEN"], values={"TOKEN": "12345"}
    )
    assert run["target"] == "m1"
    await pair.reaches(run["id"], "Queued")
    await pair.live.call("runs.cancel", run=other["id"], grace=0)
    ended = await pair.reaches(run["id"], "Completed", "Failed")
    assert (ended["target"], ended["status"], ended["attempt"]) == ("m2", "Completed", 1)
    assert pair.ran() == ["m2"]
    log = b"".join([block async for block in pair.live.read("runs.logs", run=run["id"])])
    assert log == b"set up\n5 card\n"
    left = pair.status_on("m1", run["id"])
    assert left is not None
    assert left["transitions"][-1]["cause"] == "withdrawn"
    assert await pair.live.call("queue.list", target="m1") != []
    adopted = await pair.live.call("compute.adopt", name="m1", all_workspaces=True)
    assert (adopted["adopted"], adopted["broken"]) == ([], [])
    assert (await pair.live.call("runs.get", run=holder["id"]))["status"] == "Running"


async def test_a_machine_that_is_cordoned_gives_its_waiting_runs_to_the_pool(pair: Pair) -> None:
    await pair.hold("m1")
    await pair.hold("m2")
    run = await pair.submit("any")
    await pair.reaches(run["id"], "Queued")
    other = "m2" if run["target"] == "m1" else "m1"
    held = await pair.submit("any")
    await pair.reaches(held["id"], "Queued")
    await pair.live.call("queue.hold", runs=[held["id"]])
    await pair.live.call("compute.cordon", name=run["target"], drain=True)
    await pair.is_on(run["id"], other)
    await pair.reaches(run["id"], "Queued")
    assert (await pair.live.call("runs.get", run=held["id"]))["target"] == held["target"], (
        "what is held stays"
    )
    pair.go.touch()
    await pair.reaches(run["id"], "Completed")
    assert pair.ran() == [other]


async def test_a_machine_that_goes_away_before_it_has_the_run_loses_it(pair: Pair) -> None:
    """Nothing was sent, so nothing need be confirmed."""
    await pair.live.call("compute.set_pool", name="lab", targets=["m1", "m2"])
    sender = pair.live.workspace.conductor._sender
    way = sender._ways.setdefault("m1", asyncio.Lock())
    async with way:  # another run is being sent there just now
        run = await pair.submit("lab")
        assert run["target"] == "m1"
        pair.servers["m1"].stop()
        ended = await pair.reaches(run["id"], "Completed")
    assert ended["target"] == "m2"
    assert pair.ran() == ["m2"]
    pair.servers["m1"].start()
    assert pair.status_on("m1", run["id"]) is None


async def test_a_machine_that_goes_away_with_a_waiting_run_keeps_it_until_it_is_back(pair: Pair) -> None:
    """It may start there at any moment: only its machine's own word lets it go elsewhere, and it runs once."""
    await pair.live.call("compute.set_pool", name="lab", targets=["m1", "m2"])
    await pair.hold("m1")
    other = await pair.submit("m2", "sleep 1000")
    await pair.reaches(other["id"], "Running")
    run = await pair.submit("lab")
    await pair.reaches(run["id"], "Queued")
    assert run["target"] == "m1"
    pair.servers["m1"].stop()
    await pair.live.call("runs.cancel", run=other["id"], grace=0)
    await pair.reaches(other["id"], "Canceled")
    rounds = pair.live.workspace.placer.elsewhere
    await until(lambda: rounds(run["id"]) == {"m2": "could start at once"}, "the free machine to be seen")
    row = await pair.live.call("runs.get", run=run["id"])
    assert (row["target"], row["status"]) == ("m1", "Queued")
    assert pair.status_on("m2", run["id"]) is None
    pair.servers["m1"].start()
    ended = await pair.reaches(run["id"], "Completed")
    assert ended["target"] == "m2"
    assert pair.ran() == ["m2"]


async def test_a_run_that_was_given_back_while_nobody_wrote_it_down_is_sent_on(pair: Pair) -> None:
    """The server died between the machine's word and its own: it is found so, and sent to another."""
    await pair.live.call("compute.set_pool", name="lab", targets=["m1", "m2"])
    await pair.hold("m1")
    await pair.hold("m2")
    run = await pair.submit("lab")
    await pair.reaches(run["id"], "Queued")
    link = await pair.live.workspace._fleet.link(run["target"])
    answer = await link.call("withdraw", {"run": run["id"], "placement": 1, "attempt": 1})
    assert answer["withdrawn"] is True
    pair.go.touch()
    ended = await pair.reaches(run["id"], "Completed")
    assert pair.ran() == [ended["target"]]


async def test_what_is_tried_again_stays_on_its_machine(pair: Pair) -> None:
    """Its outputs and its log are there; the other machine is free all the time."""
    await pair.live.call("compute.set_pool", name="lab", targets=["m1", "m2"])
    command = (
        f'echo "attempt $WORKBENCH_ATTEMPT"; echo "$WORKBENCH_RUN_DIR" >> {pair.witness};'
        f" while ! test -e {pair.go}.first; do sleep 0.02; done; exit 3"
    )
    run = await pair.submit("lab", command, retries={"count": 1, "on": ["exit"]})
    await pair.reaches(run["id"], "Running")
    urgent = await pair.submit("m1", HOLD.format(go=pair.go), priority=9)
    await pair.reaches(urgent["id"], "Queued")
    pair.go.with_name("go.first").touch()
    async for found in pair.live.items("runs.watch", run=run["id"], timeout=DEADLINE):
        if (found["run"]["attempt"], found["run"]["status"]) == (2, "Queued"):
            break
    looks = pair.live.workspace.placer.rounds
    await until(lambda: pair.live.workspace.placer.rounds > looks + 1, "a whole round")
    row = await pair.live.call("runs.get", run=run["id"])
    assert (row["target"], row["status"]) == ("m1", "Queued")
    pair.go.touch()
    ended = await pair.reaches(run["id"], "Failed")
    assert ended["attempt"] == 2
    assert pair.ran() == ["m1", "m1"]
    log = b"".join([block async for block in pair.live.read("runs.logs", run=run["id"])])
    assert log == b"attempt 1\nattempt 2\n"
    await pair.reaches(urgent["id"], "Completed")


async def test_a_run_between_two_machines_can_be_cancelled(pair: Pair) -> None:
    await pair.live.call("compute.set_pool", name="lab", targets=["m1"])
    await pair.hold("m1")
    run = await pair.submit("lab")
    await pair.reaches(run["id"], "Queued")
    await pair.live.call("compute.cordon", name="m1", reason="a new fan")
    link = await pair.live.workspace._fleet.link("m1")
    await link.call("withdraw", {"run": run["id"], "placement": 1, "attempt": 1})
    await until(lambda: pair.live.workspace.conductor.adrift(run["id"]), "it to be on no machine")
    row = await pair.live.call("runs.cancel", run=run["id"])
    assert (row["status"], row["message"]) == ("Canceled", "canceled before it was sent to another machine")
    assert pair.ran() == []


async def test_forty_runs_of_a_pool_each_run_once(pair: Pair) -> None:
    """Many wait, both machines become free again and again: all run, each exactly once, on both machines."""
    await pair.hold("m1")
    await pair.hold("m2")
    # Each keeps its card until both machines had one: else the first may be through with all before one moves.
    both = " && ".join(f"grep -q {server.home}/wb/ {pair.witness}" for server in pair.servers.values())
    command = f'echo "$WORKBENCH_RUN_DIR" >> {pair.witness}; until {both}; do sleep 0.05; done'
    runs = [await pair.submit("any", command) for _ in range(20)]
    for run in runs:
        await pair.reaches(run["id"], "Queued")
    pair.go.touch()
    for run in runs:
        await pair.reaches(run["id"], "Completed")
    lines = pair.witness.read_text().splitlines()
    assert sorted(line.rpartition("/")[2] for line in lines) == sorted(run["id"] for run in runs)
    assert set(pair.ran()) == {"m1", "m2"}


async def test_another_server_goes_on_placing_but_for_runs_whose_secrets_died_with_the_last(
    tmp_path: Path, make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets are kept nowhere: such a run stays where it has them, and runs there."""
    monkeypatch.setattr(placer, "EVERY", 0.2)
    one, two = make_server("m1"), make_server("m2")
    async with services(tmp_path) as live:
        before = Pair(live, one, two, tmp_path)
        await attach(before)
        await live.call("compute.set_pool", name="lab", targets=["m1", "m2"])
        holder = await before.submit("m1", HOLD.format(go=tmp_path / "go1"))
        other = await before.submit("m2", HOLD.format(go=tmp_path / "go2"))
        for run in (holder, other):
            await before.reaches(run["id"], "Running")
        command = f'echo "$WORKBENCH_RUN_DIR" >> {before.witness}; echo ${{#TOKEN}}'
        secret = await before.submit("lab", command, secrets=["TOKEN"], values={"TOKEN": "12345"})
        plain = await before.submit("lab")
        for run in (secret, plain):
            await before.reaches(run["id"], "Queued")
            assert run["target"] == "m1"
    async with services(tmp_path) as live:
        after = Pair(live, one, two, tmp_path)
        (tmp_path / "go2").touch()
        assert (await after.reaches(plain["id"], "Completed"))["target"] == "m2"
        looks = live.workspace.placer.rounds
        await until(lambda: live.workspace.placer.rounds > looks + 1, "a whole round")
        row = await live.call("runs.get", run=secret["id"])
        assert (row["target"], row["status"]) == ("m1", "Queued")
        (tmp_path / "go1").touch()
        assert (await after.reaches(secret["id"], "Completed"))["target"] == "m1"
        log = b"".join([block async for block in live.read("runs.logs", run=secret["id"])])
        assert log == b"5\n"
        await end_all(after)
