"""Questions only a user can answer: pass phrases, passwords, codes, several factors; and nobody to ask."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from tests.machines.asking_server import CODE, PASSWORD, AskingServer
from tests.machines.rig import DEADLINE, SshServer, make_key, need, until
from workbench.compute.asyncssh_host import AsyncsshHost
from workbench.compute.channel import READ
from workbench.compute.signin import NobodyToAsk, Prompt, SignIn, SignInSession
from workbench.entities.target import TargetSettings
from workbench.errors import HostKeyUnknown, NeedsSignIn, NotAnswered, NotFound, Unreachable, WorkbenchError


class Answers:
    """A user who answers from a list and remembers the questions."""

    def __init__(self, *answers: str) -> None:
        self.left = list(answers)
        self.asked: list[Prompt] = []

    async def answer(self, prompt: Prompt) -> str:
        self.asked.append(prompt)
        if not self.left:
            raise NeedsSignIn("no answer left")
        return self.left.pop(0)

    @property
    def kinds(self) -> list[str]:
        return [prompt.kind for prompt in self.asked]


MakeHost = Callable[..., AsyncsshHost]
MakeAsking = Callable[..., Awaitable[AskingServer]]


@pytest_asyncio.fixture
async def make_host(tmp_path: Path) -> AsyncIterator[MakeHost]:
    hosts: list[AsyncsshHost] = []

    def make(settings: TargetSettings, sign_in: SignIn, timeout: float = 20.0) -> AsyncsshHost:
        hosts.append(AsyncsshHost(settings, tmp_path / "own_known_hosts", sign_in, timeout=timeout))
        return hosts[-1]

    yield make
    for host in hosts:
        await host.close()


@pytest_asyncio.fixture
async def make_asking(tmp_path: Path) -> AsyncIterator[MakeAsking]:
    servers: list[AskingServer] = []

    async def make(*factors: str, **options: str) -> AskingServer:
        server = AskingServer(tmp_path / f"asking{len(servers)}", list(factors), **options)
        servers.append(server)
        await server.start()
        return server

    yield make
    for server in servers:
        await server.close()


async def works(host: AsyncsshHost) -> bool:
    channel = await host.open("echo in")
    try:
        async with asyncio.timeout(DEADLINE):
            return await channel.read(READ) == b"in\n"
    finally:
        await channel.close()


async def refusal(host: AsyncsshHost) -> WorkbenchError:
    with pytest.raises(WorkbenchError) as caught:
        await host.connect()
    return caught.value


def lock_key(server: SshServer, phrase: str = "open sesame") -> Path:
    key = make_key(server.folder / "locked_key", phrase)
    server.authorize(key)
    block = server.config_block().replace(str(server.client_key), str(key))
    server.ssh_config.write_text(block)
    return key


async def test_an_encrypted_key_asks_its_pass_phrase(server: SshServer, make_host: MakeHost) -> None:
    """AZ-29."""
    key = lock_key(server)
    user = Answers("wrong", "open sesame")
    assert await works(make_host(server.settings(), user))
    assert user.kinds == ["passphrase", "passphrase"]
    assert str(key) in user.asked[0].text
    assert "wrong pass phrase" in user.asked[1].text
    assert not user.asked[0].echo
    assert server.connections() == 1


async def test_a_plain_key_that_fits_asks_nothing(server: SshServer, make_host: MakeHost) -> None:
    key = lock_key(server)
    server.ssh_config.write_text(server.config_block(extra=f"  IdentityFile {key}\n"))
    user = Answers()
    assert await works(make_host(server.settings(), user))
    assert user.asked == []


async def test_three_wrong_pass_phrases_end_it(server: SshServer, make_host: MakeHost) -> None:
    lock_key(server)
    user = Answers("a", "b", "c", "d")
    error = await refusal(make_host(server.settings(), user))
    assert isinstance(error, NeedsSignIn)
    assert "pass phrase was wrong 3 times" in error.message
    assert user.left == ["d"]


async def test_nobody_to_ask_says_what_was_asked(server: SshServer, make_host: MakeHost) -> None:
    lock_key(server)
    error = await refusal(make_host(server.settings(), NobodyToAsk()))
    assert isinstance(error, NeedsSignIn)
    assert error.data["prompt"]["kind"] == "passphrase"
    assert server.connections() == 1


def answers(path: Path) -> bool:
    """Whether somebody listens on a Unix socket; its file is there a moment earlier."""
    with socket.socket(socket.AF_UNIX) as tried:
        return tried.connect_ex(str(path)) == 0


@pytest_asyncio.fixture
async def agent(tmp_path: Path) -> AsyncIterator[Path]:
    """The socket of an ssh-agent of its own."""
    need("ssh-agent", "ssh-add")
    place = tmp_path / "agent"
    words = ["ssh-agent", "-D", "-a", str(place)]
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.DEVNULL)
    await until(lambda: answers(place), "the agent")
    yield place
    process.terminate()
    await process.wait()


async def hand_over(agent: Path, key: Path, phrase: str) -> None:
    """Put a key into the agent."""
    askpass = agent.with_name("askpass")
    askpass.write_text(f"#!/bin/sh\necho '{phrase}'\n")
    askpass.chmod(0o700)
    environment = {
        "SSH_AUTH_SOCK": str(agent),
        "SSH_ASKPASS": str(askpass),
        "SSH_ASKPASS_REQUIRE": "force",
        "PATH": "/usr/bin:/bin",
    }
    process = await asyncio.create_subprocess_exec("ssh-add", "-q", str(key), env=environment)
    assert await process.wait() == 0


@pytest.mark.parametrize("named_by", ["private file", "public file"])
async def test_a_key_the_agent_holds_needs_no_pass_phrase(
    server: SshServer, make_host: MakeHost, agent: Path, named_by: str
) -> None:
    key = lock_key(server)
    await hand_over(agent, key, "open sesame")
    text = server.ssh_config.read_text().replace("IdentityAgent none", f"IdentityAgent {agent}")
    if named_by == "public file":
        text = text.replace(f"IdentityFile {key}", f"IdentityFile {key}.pub")
        key.unlink()
    server.ssh_config.write_text(text)
    user = Answers()
    assert await works(make_host(server.settings(), user))
    assert user.asked == []


async def test_keys_of_the_agent_that_are_not_named_stay_there(
    server: SshServer, make_host: MakeHost, agent: Path
) -> None:
    """IdentitiesOnly, although the named key has no public file to compare with."""
    await hand_over(agent, server.client_key, "")
    stranger = make_key(server.folder / "stranger")
    (server.folder / "stranger.pub").unlink()
    text = server.config_block().replace(f"IdentityFile {server.client_key}", f"IdentityFile {stranger}")
    server.ssh_config.write_text(text.replace("IdentityAgent none", f"IdentityAgent {agent}"))
    assert isinstance(await refusal(make_host(server.settings(), Answers())), NeedsSignIn)


async def test_a_password(make_asking: MakeAsking, make_host: MakeHost) -> None:
    """AZ-29."""
    server = await make_asking("password")
    user = Answers("wrong", PASSWORD)
    assert await works(make_host(server.settings(), user))
    assert user.kinds == ["password", "password"]
    assert user.asked[0].host == f"ann@127.0.0.1:{server.port}"
    assert server.connections == 1


async def test_a_code_then_a_password(make_asking: MakeAsking, make_host: MakeHost) -> None:
    """Partial success: the second factor is asked on the same connection."""
    server = await make_asking("code", "password", banner="Welcome to the cluster\n")
    user = Answers(CODE, PASSWORD)
    assert await works(make_host(server.settings(), user))
    assert user.kinds == ["code", "password"]
    assert "Look at your phone" in user.asked[0].text
    assert "Welcome to the cluster" in user.asked[0].text
    assert "Verification code:" in user.asked[0].text
    assert user.asked[0].echo
    assert server.attempts == ["code right", "password right"]


async def test_a_wrong_code_three_times_needs_the_user_again(
    make_asking: MakeAsking, make_host: MakeHost
) -> None:
    server = await make_asking("code")
    user = Answers("1", "2", "3", CODE)
    error = await refusal(make_host(server.settings(), user))
    assert isinstance(error, NeedsSignIn)
    assert "wrong 3 times" in error.message
    assert server.attempts == ["code wrong"] * 3
    assert server.connections == 1


async def test_a_server_that_asks_gets_no_answer_from_nobody(
    make_asking: MakeAsking, make_host: MakeHost
) -> None:
    server = await make_asking("password")
    error = await refusal(make_host(server.settings(), NobodyToAsk()))
    assert isinstance(error, NeedsSignIn)
    assert error.data["prompt"]["kind"] == "password"
    assert server.attempts == []


async def test_hostile_prompts_are_cleaned(make_asking: MakeAsking, make_host: MakeHost) -> None:
    hostile = "\x1b]0;owned\x07Password for root@bank:\x1b[2J \u202egnp.exe" + "x" * 5000
    server = await make_asking("code", prompt=hostile, banner="\x1b[31m\x9b2Jhello")
    user = Answers(CODE)
    assert await works(make_host(server.settings(), user))
    text = user.asked[0].text
    assert not set(text) & set("\x1b\x07\x9b\u202e")
    assert len(text) <= 1000
    assert user.asked[0].host == f"ann@127.0.0.1:{server.port}"


async def test_each_hop_asks_for_itself(
    make_asking: MakeAsking, make_host: MakeHost, server: SshServer
) -> None:
    bastion = await make_asking("code")
    inner = server.config_block(extra="  ProxyJump bastion\n")
    server.ssh_config.write_text(bastion.block("bastion") + inner)
    lock_key_config = server.ssh_config.read_text()
    key = make_key(server.folder / "locked_key", "phrase")
    server.authorize(key)
    server.ssh_config.write_text(lock_key_config.replace(str(server.client_key), str(key)))
    user = Answers(CODE, "phrase")
    assert await works(make_host(server.settings(), user))
    assert user.kinds == ["code", "passphrase"]
    assert [prompt.host.split(":")[-1] for prompt in user.asked] == [str(bastion.port), str(server.port)]


async def test_the_clock_stops_while_the_user_thinks(make_asking: MakeAsking, make_host: MakeHost) -> None:
    server = await make_asking("password")

    class Slow(Answers):
        async def answer(self, prompt: Prompt) -> str:
            await asyncio.sleep(4.5)
            return await super().answer(prompt)

    assert await works(make_host(server.settings(), Slow(PASSWORD), timeout=4.0))


async def test_a_server_that_hangs_up_during_the_question(
    make_asking: MakeAsking, make_host: MakeHost
) -> None:
    server = await make_asking("password")

    class Gone(Answers):
        async def answer(self, prompt: Prompt) -> str:
            server.hang_up()
            await asyncio.sleep(DEADLINE)
            raise AssertionError("the attempt went on without the server")

    error = await refusal(make_host(server.settings(), Gone()))
    assert isinstance(error, NeedsSignIn)
    assert "during the sign-in" in error.message


async def test_a_session_carries_an_attempt_over_calls(make_asking: MakeAsking, make_host: MakeHost) -> None:
    server = await make_asking("code", "password")
    session: SignInSession[str] = SignInSession()

    async def attempt(sign_in: SignIn) -> str:
        host = make_host(server.settings(), sign_in)
        await host.connect()
        return host.describe()

    session.start(attempt)
    first = await session.next()
    assert isinstance(first, Prompt)
    assert await session.next() == first  # asking again changes nothing
    session.give(CODE)
    second = await session.next()
    assert isinstance(second, Prompt)
    assert second.kind == "password"
    session.give(PASSWORD)
    assert await session.next() == f"ann@127.0.0.1:{server.port}"
    assert session.done
    with pytest.raises(NotFound):
        session.give("too late")


async def test_a_session_raises_what_the_attempt_raised(make_host: MakeHost, server: SshServer) -> None:
    session: SignInSession[None] = SignInSession()
    session.start(lambda sign_in: make_host(server.settings(trust=False), sign_in).connect())
    with pytest.raises(HostKeyUnknown):
        await session.next()


async def test_a_session_nobody_answers_closes_itself(make_asking: MakeAsking, make_host: MakeHost) -> None:
    server = await make_asking("password")
    session: SignInSession[None] = SignInSession(patience=0.2)
    session.start(lambda sign_in: make_host(server.settings(), sign_in).connect())
    assert isinstance(await session.next(), Prompt)
    await until(lambda: session.done, "the end of its patience")
    with pytest.raises(NeedsSignIn, match="in time"):
        await session.next()


async def test_a_question_waits_for_who_is_there_to_answer(
    make_asking: MakeAsking, make_host: MakeHost
) -> None:
    """Unattended it ends soon; attended it waits; whoever leaves without an answer ends the attempt."""
    server = await make_asking("password")

    def begin(**spans: float) -> SignInSession[None]:
        session: SignInSession[None] = SignInSession(**spans)
        session.start(lambda sign_in: make_host(server.settings(), sign_in).connect())
        return session

    alone = begin(unattended=0.2)
    assert isinstance(await alone.next(), Prompt)
    await until(lambda: alone.done, "the end of one nobody attends to")
    with pytest.raises(NotAnswered):
        await alone.next()

    answered = begin(unattended=0.2)
    assert isinstance(await answered.next(), Prompt)
    async with answered.attended() as answer:
        await asyncio.sleep(0.4)  # twice what an unattended one gets
        assert not answer.done()
        answered.give(PASSWORD)
    assert await answered.next() is None

    left = begin()
    assert isinstance(await left.next(), Prompt)
    async with left.attended():
        pass
    assert left.done


async def test_a_closed_session_leaves_nothing_behind(make_asking: MakeAsking, make_host: MakeHost) -> None:
    server = await make_asking("password")
    session: SignInSession[None] = SignInSession()
    session.start(lambda sign_in: make_host(server.settings(), sign_in).connect())
    assert isinstance(await session.next(), Prompt)
    await session.close()
    with pytest.raises(NeedsSignIn):
        await session.next()
    with pytest.raises(Unreachable):
        raise NeedsSignIn("is a kind of Unreachable")
