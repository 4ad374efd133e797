"""Attaching real machines: what is measured, and that proposed settings take effect without a new sign-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from tests.machines.rig import MakeServer, SshServer
from workbench.compute.attach import card, measure, propose
from workbench.compute.fleet import Fleet
from workbench.entities.base import replace
from workbench.entities.target import Target, TargetKind, TargetState
from workbench.errors import Unreachable


@pytest_asyncio.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    one = Fleet(tmp_path / "known_hosts", lambda *_: None)
    yield one
    await one.close()


def target(server: SshServer) -> Target:
    settings = server.settings(lease_dir=str(server.home / "leases"))
    return Target(name="m1", kind=TargetKind.SSH, settings=settings, created=datetime.now(UTC))


async def test_a_machine_is_measured(make_server: MakeServer, fleet: Fleet) -> None:
    server = make_server(rc="echo WELCOME; sleep 0.3")
    server.ssh_config.write_text(server.config_block(extra="  ControlMaster auto\n"))
    fleet.configure(target(server))
    link = await fleet.link("m1")
    measured = await measure(link, fleet.host("m1"))
    assert measured.facts["home"] == str(server.home)
    assert measured.python == link.hello["python"]
    assert measured.noise == "WELCOME"
    assert measured.noise_size == 8
    assert measured.round_trip is not None
    assert measured.channel is not None
    assert measured.channel >= 0.3
    assert any("controlmaster" in note for note in measured.unsupported)
    settings, notes = propose(measured, target(server).settings)
    assert settings.python == link.hello["python"]
    assert any("WELCOME" in note for note in notes)
    assert any("ms whenever" in note for note in notes)
    lines = card(replace(target(server), settings=settings), measured)
    assert any(line.startswith("python /") for line in lines)
    assert server.connections() == 1


async def test_a_machine_with_one_session_is_measured_as_well(make_server: MakeServer, fleet: Fleet) -> None:
    server = make_server(options=["MaxSessions 1"])
    fleet.configure(target(server))
    measured = await measure(await fleet.link("m1"), fleet.host("m1"))
    assert measured.channel is None
    assert measured.facts["hostname"]


async def test_another_root_takes_effect_on_the_same_connection(server: SshServer, fleet: Fleet) -> None:
    fleet.configure(target(server))
    first = await fleet.link("m1")
    root = server.home / "elsewhere"
    settings = replace(target(server).settings, root=str(root))
    fleet.configure(replace(target(server), settings=settings))
    second = await fleet.link("m1")
    assert first.lost_reason
    assert (first.hello["root"], second.hello["root"]) == (str(server.home / ".workbench"), str(root))
    assert server.connections() == 1
    assert fleet.state("m1") == (TargetState.CONNECTED, None)


async def test_another_way_makes_a_new_connection(server: SshServer, fleet: Fleet) -> None:
    fleet.configure(target(server))
    await fleet.link("m1")
    settings = replace(target(server).settings, identity=str(server.client_key))
    fleet.configure(replace(target(server), settings=settings))
    await fleet.link("m1")
    assert server.connections() == 2


async def test_a_machine_without_a_link_has_no_host(server: SshServer, fleet: Fleet) -> None:
    fleet.configure(target(server))
    with pytest.raises(Unreachable):
        fleet.host("m1")
