"""The fleet over real sshd: one connection a machine, losses noticed, no storms, users asked once."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from tests.machines.rig import MakeProxy, MakeServer, SshServer, descendants, make_key, until
from workbench.compute.backoff import Backoff
from workbench.compute.fleet import Fleet
from workbench.compute.link import Link
from workbench.compute.signin import Prompt, SignInSession
from workbench.entities.target import Target, TargetKind, TargetSettings, TargetState
from workbench.errors import HostKeyChanged, HostKeyUnknown, NeedsSignIn, NotFound, Unreachable

QUICK = Backoff(first=0.2, factor=2, cap=0.4)
SLOW = Backoff(first=3600, cap=3600)


class Recorded:
    """A fleet and what it said."""

    def __init__(self, folder: Path, backoff: Backoff, idle: float = 0.0) -> None:
        self._asking: set[asyncio.Task[None]] = set()
        self.states: list[tuple[str, TargetState, str | None]] = []
        self.known_hosts = folder / "known_hosts"
        self.fleet = Fleet(self.known_hosts, lambda *news: self.states.append(news), backoff, idle)

    def keep_asking(self, name: str) -> None:
        """Ask for the machine's link over and over, as the followers of runs do."""

        async def ask() -> None:
            while True:
                with suppress(Unreachable):
                    await self.fleet.link(name)
                await asyncio.sleep(0.02)

        self._asking.add(asyncio.create_task(ask()))

    async def close(self) -> None:
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        await self.fleet.close()

    def of(self, name: str) -> list[TargetState]:
        return [state for who, state, _ in self.states if who == name]


MakeFleet = Callable[..., Recorded]


@pytest_asyncio.fixture
async def make_fleet(tmp_path: Path) -> AsyncIterator[MakeFleet]:
    made: list[Recorded] = []

    def make(backoff: Backoff = QUICK, idle: float = 0.0) -> Recorded:
        folder = tmp_path / f"workbench-home-{len(made)}"
        made.append(Recorded(folder, backoff, idle))
        return made[-1]

    yield make
    for one in made:
        await one.close()


def target(server: SshServer, **changes: object) -> Target:
    return of(server.settings(lease_dir=str(server.home / "leases"), **changes), server.name)


def of(settings: TargetSettings, name: str = "m1") -> Target:
    return Target(name=name, kind=TargetKind.SSH, settings=settings, created=datetime.now(UTC))


async def works(link: Link) -> bool:
    return "time" in await link.call("ping", timeout=30)


async def test_many_callers_share_one_connection(server: SshServer, make_fleet: MakeFleet) -> None:
    recorded = make_fleet()
    recorded.fleet.configure(target(server))
    links = await asyncio.gather(*(recorded.fleet.link("m1") for _ in range(20)))
    assert len({id(link) for link in links}) == 1
    assert await works(links[0])
    assert server.connections() == 1
    assert recorded.of("m1") == [TargetState.CONNECTING, TargetState.CONNECTED]


async def test_a_caller_that_gives_up_does_not_end_the_attempt(
    server: SshServer, make_fleet: MakeFleet
) -> None:
    recorded = make_fleet()
    recorded.fleet.configure(target(server))
    impatient = asyncio.create_task(recorded.fleet.link("m1"))
    patient = asyncio.create_task(recorded.fleet.link("m1"))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await works(await patient)
    assert server.connections() == 1


async def test_in_back_off_a_machine_fails_at_once_with_its_reason(
    server: SshServer, make_fleet: MakeFleet
) -> None:
    recorded = make_fleet(SLOW)
    recorded.fleet.configure(target(server))
    server.stop()
    with pytest.raises(Unreachable, match="refused"):
        await recorded.fleet.link("m1")
    server.start()
    with pytest.raises(Unreachable, match="refused"):
        await recorded.fleet.link("m1")
    assert server.connections() == 0
    assert await works(await recorded.fleet.link("m1", retry_now=True))
    assert recorded.fleet.state("m1") == (TargetState.CONNECTED, None)


async def test_new_settings_are_tried_at_once(server: SshServer, make_fleet: MakeFleet) -> None:
    recorded = make_fleet(SLOW)
    recorded.fleet.configure(target(server, address="nobody@127.0.0.1:1", ssh_config=None))
    with pytest.raises(Unreachable):
        await recorded.fleet.link("m1")
    recorded.fleet.configure(target(server))
    assert await works(await recorded.fleet.link("m1"))


async def test_a_restarted_server_is_found_again_without_a_storm(
    server: SshServer, make_fleet: MakeFleet
) -> None:
    """Law 3 and dstack's lesson: lost is not failed, and nobody hammers a machine."""
    recorded = make_fleet()
    recorded.fleet.configure(target(server))
    recorded.keep_asking("m1")
    first = await recorded.fleet.link("m1")
    server.stop()
    await until(lambda: recorded.of("m1").count(TargetState.UNREACHABLE) >= 3, "failed attempts")
    assert first.lost_reason is not None
    before = server.connections()
    server.start()
    await until(lambda: recorded.fleet.state("m1")[0] is TargetState.CONNECTED, "the reconnection")
    assert await works(await recorded.fleet.link("m1"))
    assert server.connections() == before + 1


async def test_attempts_come_no_faster_than_the_back_off(make_fleet: MakeFleet, tmp_path: Path) -> None:
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        port = hole.getsockname()[1]  # bound, never listening: every attempt is refused
        config = tmp_path / "config"
        config.write_text("Host *\n  IdentityFile none\n  IdentityAgent none\n")
        recorded = make_fleet(Backoff(first=0.4, factor=1, cap=0.4))
        recorded.fleet.configure(of(TargetSettings(address=f"ann@127.0.0.1:{port}", ssh_config=str(config))))
        begun = time.monotonic()
        recorded.keep_asking("m1")
        await until(lambda: recorded.of("m1").count(TargetState.UNREACHABLE) >= 4, "failed attempts")
        # Half the delay is certain, so four attempts cannot come sooner, however fast the computer is.
        assert time.monotonic() - begun >= 3 * 0.2


async def test_a_link_that_breaks_at_once_every_time_is_no_storm_either(
    server: SshServer, make_fleet: MakeFleet
) -> None:
    recorded = make_fleet(SLOW)
    recorded.fleet.configure(target(server))
    recorded.keep_asking("m1")
    await until(lambda: recorded.fleet.state("m1")[0] is TargetState.CONNECTED, "the connection")
    server.drop_sessions()
    await until(lambda: recorded.fleet.state("m1")[0] is TargetState.UNREACHABLE, "the loss")
    with pytest.raises(Unreachable, match="lost"):
        await recorded.fleet.link("m1")
    assert server.connections() == 1


async def test_a_link_cut_silently_is_noticed_and_healed(
    server: SshServer, make_fleet: MakeFleet, make_proxy: MakeProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.compute.ssh_hop.KEEPALIVE", 0.1)
    proxy = await make_proxy(server)
    recorded = make_fleet()
    recorded.fleet.configure(target(server))
    recorded.keep_asking("m1")
    link = await recorded.fleet.link("m1")
    proxy.cut()
    await until(lambda: recorded.fleet.state("m1")[0] is TargetState.UNREACHABLE, "the loss")
    assert link.lost_reason
    proxy.heal()
    await until(lambda: recorded.fleet.state("m1")[0] is TargetState.CONNECTED, "the reconnection")
    assert await works(await recorded.fleet.link("m1", retry_now=True))


async def test_an_unknown_key_waits_for_the_user(server: SshServer, make_fleet: MakeFleet) -> None:
    recorded = make_fleet()
    recorded.fleet.configure(target(server, trust=False))
    recorded.keep_asking("m1")
    await until(lambda: recorded.fleet.state("m1")[0] is TargetState.NEEDS_SIGN_IN, "the question")
    with pytest.raises(HostKeyUnknown) as caught:
        await recorded.fleet.link("m1")
    await asyncio.sleep(1)  # several back-offs
    assert server.connections() == 1
    link = await recorded.fleet.link("m1", accept_keys=[caught.value.data["fingerprint"]])
    assert await works(link)
    assert server.host_public_key in recorded.known_hosts.read_text()
    assert server.known_hosts.read_text() == ""


async def test_a_user_is_asked_although_somebody_tries_already(
    server: SshServer, make_fleet: MakeFleet
) -> None:
    key = make_key(server.folder / "locked", "phrase")
    server.authorize(key)
    asked: list[Prompt] = []

    class User:
        async def answer(self, prompt: Prompt) -> str:
            asked.append(prompt)
            return "phrase"

    recorded = make_fleet()
    recorded.fleet.configure(target(server, identity=str(key)))
    alone = asyncio.create_task(recorded.fleet.link("m1"))
    await asyncio.sleep(0)
    assert await works(await recorded.fleet.link("m1", User()))
    with pytest.raises(NeedsSignIn):
        await alone
    assert len(asked) == 1


async def test_an_attempt_ends_with_its_user_and_says_so_to_others(
    server: SshServer, make_fleet: MakeFleet
) -> None:
    key = make_key(server.folder / "locked", "phrase")
    server.authorize(key)
    recorded = make_fleet()
    recorded.fleet.configure(target(server, identity=str(key)))
    session: SignInSession[Link] = SignInSession()
    session.start(lambda sign_in: recorded.fleet.link("m1", sign_in))
    assert isinstance(await session.next(), Prompt)
    other = asyncio.create_task(recorded.fleet.link("m1"))
    await asyncio.sleep(0)
    await session.close()
    with pytest.raises(Unreachable, match="given up"):
        await other


async def test_a_changed_key_is_refused_and_never_retried(server: SshServer, make_fleet: MakeFleet) -> None:
    recorded = make_fleet()
    recorded.fleet.configure(target(server))
    recorded.keep_asking("m1")
    await until(lambda: recorded.fleet.state("m1")[0] is TargetState.CONNECTED, "the connection")
    server.restart(new_host_key=True)
    await until(lambda: "not the one on record" in (recorded.fleet.state("m1")[1] or ""), "the refusal")
    seen = server.connections()
    await asyncio.sleep(1)
    assert server.connections() == seen
    with pytest.raises(HostKeyChanged):
        await recorded.fleet.link("m1")
    with pytest.raises(HostKeyChanged):
        await recorded.fleet.link("m1", accept_keys=[server.fingerprint])


async def test_a_refused_sign_in_is_never_repeated_without_the_user(
    server: SshServer, make_fleet: MakeFleet
) -> None:
    stranger = make_key(server.folder / "stranger")
    recorded = make_fleet()
    recorded.fleet.configure(target(server, identity=str(stranger)))
    recorded.keep_asking("m1")
    await until(lambda: recorded.fleet.state("m1")[0] is TargetState.NEEDS_SIGN_IN, "the refusal")
    await asyncio.sleep(1)
    with pytest.raises(NeedsSignIn):
        await recorded.fleet.link("m1")
    assert server.connections() == 1
    server.authorize(stranger)
    assert await works(await recorded.fleet.link("m1", retry_now=True))


async def test_two_fleets_and_two_machines_do_not_disturb_each_other(
    make_server: MakeServer, make_fleet: MakeFleet
) -> None:
    one, two = make_server("one"), make_server("two")
    fleets = [make_fleet(), make_fleet()]
    for recorded in fleets:
        for server in (one, two):
            recorded.fleet.configure(target(server))
    links = await asyncio.gather(
        *(recorded.fleet.link(name) for recorded in fleets for name in ("one", "two"))
    )
    assert all([await works(link) for link in links])
    await fleets[0].fleet.close()
    assert all(link.lost_reason for link in links[:2])
    assert all([await works(link) for link in links[2:]])
    one.stop()
    await until(lambda: fleets[1].fleet.state("one")[0] is TargetState.UNREACHABLE, "the loss")
    assert await works(await fleets[1].fleet.link("two"))


async def test_a_link_nobody_uses_is_closed_and_made_again_when_asked(
    server: SshServer, make_fleet: MakeFleet
) -> None:
    recorded = make_fleet(idle=0.3)
    recorded.fleet.configure(target(server))
    link = await recorded.fleet.link("m1")
    assert await works(link)
    await until(lambda: recorded.fleet.state("m1") == (TargetState.IDLE, None), "its rest")
    await until(lambda: not descendants(server.pid), "the end of the connection")
    assert link.lost_reason == "it was closed"
    assert await works(await recorded.fleet.link("m1"))
    assert server.connections() == 2
    assert TargetState.UNREACHABLE not in recorded.of("m1")


async def test_a_link_in_use_is_never_closed(
    server: SshServer, make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that goes on, however silent, keeps it; our own signs of life do not."""
    monkeypatch.setattr("workbench.compute.machine.KEEPALIVE", 0.1)
    recorded = make_fleet(idle=0.3)
    recorded.fleet.configure(target(server))
    link = await recorded.fleet.link("m1")
    stream = link.stream("exec", {"argv": ["sleep", "1000"]})
    async with stream:
        await asyncio.sleep(1.5)
        assert link.lost_reason is None
        assert link.unused == 0
    await until(lambda: recorded.fleet.state("m1")[0] is TargetState.IDLE, "its rest")
    assert server.connections() == 1


async def test_who_was_just_given_a_link_can_use_it(server: SshServer, make_fleet: MakeFleet) -> None:
    recorded = make_fleet(idle=0.5)
    recorded.fleet.configure(target(server))
    recorded.keep_asking("m1")
    link = await recorded.fleet.link("m1")
    await asyncio.sleep(1.5)
    assert await works(link)
    assert server.connections() == 1


async def test_a_link_somebody_signed_in_for_stays(server: SshServer, make_fleet: MakeFleet) -> None:
    key = make_key(server.folder / "locked", "phrase")
    server.authorize(key)

    class User:
        async def answer(self, prompt: Prompt) -> str:
            return "phrase"

    recorded = make_fleet(idle=0.2)
    recorded.fleet.configure(target(server, identity=str(key)))
    link = await recorded.fleet.link("m1", User())
    await asyncio.sleep(1)
    assert await works(link)


async def test_a_machine_that_is_forgotten_while_it_goes_to_rest_is_gone(
    server: SshServer, make_fleet: MakeFleet
) -> None:
    recorded = make_fleet(idle=0.1)
    recorded.fleet.configure(target(server))
    await recorded.fleet.link("m1")
    await until(lambda: recorded.fleet.state("m1")[0] is TargetState.IDLE, "its rest")
    await recorded.fleet.forget("m1")
    await until(lambda: not descendants(server.pid), "the end of the connection")
    with pytest.raises(NotFound):
        await recorded.fleet.link("m1")


async def test_this_machine_is_a_target_like_any_other(make_fleet: MakeFleet, tmp_path: Path) -> None:
    recorded = make_fleet()
    settings = TargetSettings(root=str(tmp_path / "root"), lease_dir=str(tmp_path / "leases"))
    local = Target(name="local", kind=TargetKind.LOCAL, settings=settings, created=datetime.now(UTC))
    recorded.fleet.configure(local)
    assert await works(await recorded.fleet.link("local"))


async def test_a_machine_without_a_terminal_shell_of_ours_links(
    make_server: MakeServer, make_fleet: MakeFleet
) -> None:
    recorded = make_fleet()
    for shell, rc in (
        ("fish", "echo WELCOME"),
        ("tcsh", "echo WELCOME"),
        ("bash", "echo WELCOME; sleep 0.2"),
    ):
        server = make_server(shell, shell=shell, rc=rc)
        recorded.fleet.configure(target(server))
        link = await recorded.fleet.link(shell)
        assert await works(link)
        assert b"WELCOME" in link.noise
