"""The system's ssh as a transport, against real servers: links, host keys, pass phrases, what goes wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.machines.links import alive
from tests.machines.rig import MakeServer, SshServer, free_port, make_key, until
from workbench.compute.askpass import Askpass, Question
from workbench.compute.link import Link
from workbench.compute.openssh import OpensshHost
from workbench.compute.payload import build_payload
from workbench.compute.signin import NobodyToAsk, Prompt
from workbench.errors import ConfigurationError, HostKeyChanged, HostKeyUnknown, NeedsSignIn, Unreachable

MakeHost = Callable[..., OpensshHost]


class Answers:
    """A SignIn that answers from a list and remembers what was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.prompts: list[Prompt] = []

    async def answer(self, prompt: Prompt) -> str:
        """The next answer."""
        self.prompts.append(prompt)
        if not self.answers:
            raise NeedsSignIn("no answer is left")
        return self.answers.pop(0)


@pytest_asyncio.fixture
async def make_host(tmp_path: Path) -> AsyncIterator[MakeHost]:
    """make_host(server, accept=(), sign_in=NobodyToAsk(), trust=True, **settings) -> OpensshHost."""
    hosts: list[OpensshHost] = []

    def make(server: SshServer, accept: Any = (), sign_in: Any = None, **settings: Any) -> OpensshHost:
        own = tmp_path / "our_known_hosts"
        host = OpensshHost(server.settings(**settings), own, sign_in or NobodyToAsk(), accept)
        hosts.append(host)
        return host

    yield make
    for host in hosts:
        await host.close()


def proc(pid: int, name: str) -> bytes:
    """A file of /proc about a process."""
    return Path(f"/proc/{pid}/{name}").read_bytes()


async def open_link(host: OpensshHost, tmp_path: Path) -> Link:
    """A link over host."""
    root, leases = str(tmp_path / "root"), str(tmp_path / "leases")
    return await Link.open(host, root=root, lease_dir=leases, python=None, payload=build_payload())


@pytest.mark.parametrize("shell", ["bash", "tcsh", "fish", "zsh"])
async def test_a_link_through_every_login_shell(
    shell: str, make_server: MakeServer, make_host: MakeHost, tmp_path: Path
) -> None:
    server = make_server(shell=shell, rc="echo WELCOME\n")
    link = await open_link(make_host(server), tmp_path)
    assert (await link.call("ping"))["time"] > 0
    assert b"WELCOME" in link.noise
    said = [item async for item in link.stream("exec", {"shell": "echo hello"})]
    assert said == [{"out": "hello\n"}]
    await link.close()


async def test_one_connection_carries_every_channel(
    server: SshServer, make_host: MakeHost, tmp_path: Path
) -> None:
    host = make_host(server)
    links = [await open_link(host, tmp_path) for _ in range(3)]
    assert server.connections() == 1
    assert host.describe() == f"{server.user}@127.0.0.1:{server.port}"
    for link in links:
        await link.close()


async def test_the_user_s_own_connection_is_shared(
    server: SshServer, make_host: MakeHost, tmp_path: Path
) -> None:
    control = tmp_path / "c"
    server.ssh_config.write_text(server.config_block(extra=f"  ControlPath {control}\n"))
    master = await asyncio.create_subprocess_exec("ssh", "-F", server.ssh_config, "-M", "-N", server.name)
    try:
        await until(control.exists, "the user's connection")
        host = make_host(server)
        link = await open_link(host, tmp_path)
        assert server.connections() == 1
        await link.close()
        await host.close()
        assert master.returncode is None
    finally:
        master.terminate()
        await master.wait()


async def test_an_unknown_key_is_a_question_and_accepting_it_is_kept(
    server: SshServer, make_host: MakeHost, tmp_path: Path
) -> None:
    with pytest.raises(HostKeyUnknown) as caught:
        await make_host(server, trust=False).connect()
    data = caught.value.data
    assert data["fingerprint"] == server.fingerprint
    assert (data["host"], data["port"], data["algorithm"]) == ("127.0.0.1", server.port, "ssh-ed25519")
    await make_host(server, trust=False, accept=[server.fingerprint]).connect()
    assert server.known_hosts.read_text() == ""
    assert server.host_public_key.split()[1] in (tmp_path / "our_known_hosts").read_text()
    await make_host(server, trust=False).connect()


async def test_accepting_another_fingerprint_is_not_enough(server: SshServer, make_host: MakeHost) -> None:
    with pytest.raises(HostKeyUnknown):
        await make_host(server, trust=False, accept=["SHA256:" + "A" * 43]).connect()


@pytest.mark.parametrize("strict", ["no", "yes"])
async def test_checking_is_never_off_and_strict_stays_strict(
    strict: str, server: SshServer, make_host: MakeHost, tmp_path: Path
) -> None:
    server.ssh_config.write_text(server.config_block(extra=f"  StrictHostKeyChecking {strict}\n"))
    with pytest.raises(HostKeyUnknown) as caught:
        await make_host(server, trust=False).connect()
    assert caught.value.data["fingerprint"] == server.fingerprint
    if strict == "yes":
        assert "StrictHostKeyChecking yes" in caught.value.hint
        with pytest.raises(HostKeyUnknown):
            await make_host(server, trust=False, accept=[server.fingerprint]).connect()
    assert not (tmp_path / "our_known_hosts").exists()


async def test_accept_new_of_the_user_is_honoured(
    server: SshServer, make_host: MakeHost, tmp_path: Path
) -> None:
    server.ssh_config.write_text(server.config_block(extra="  StrictHostKeyChecking accept-new\n"))
    await make_host(server, trust=False).connect()
    assert (tmp_path / "our_known_hosts").exists()


async def test_a_changed_key_is_refused_even_when_accepted(server: SshServer, make_host: MakeHost) -> None:
    await make_host(server).connect()
    server.restart(new_host_key=True)
    with pytest.raises(HostKeyChanged) as caught:
        await make_host(server, accept=[server.fingerprint]).connect()
    assert caught.value.data["fingerprint"] == server.fingerprint
    assert str(server.known_hosts) in caught.value.hint


async def test_a_pass_phrase_is_asked_and_a_wrong_one_asked_again(
    server: SshServer, make_host: MakeHost, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "locked", passphrase="correct horse $'\"")
    server.authorize(key)
    server.ssh_config.write_text(server.config_block().replace(str(server.client_key), str(key)))
    answers = Answers("wrong", "correct horse $'\"")
    host = make_host(server, sign_in=answers)
    link = await open_link(host, tmp_path)
    assert [prompt.kind for prompt in answers.prompts] == ["passphrase", "passphrase"]
    assert str(key) in answers.prompts[0].text
    assert "not accepted" in answers.prompts[1].text
    assert not answers.prompts[0].echo
    await link.close()


async def test_a_pass_phrase_nobody_can_give(server: SshServer, make_host: MakeHost, tmp_path: Path) -> None:
    key = make_key(tmp_path / "locked", passphrase="secret")
    server.authorize(key)
    server.ssh_config.write_text(server.config_block().replace(str(server.client_key), str(key)))
    with pytest.raises(NeedsSignIn, match="asks for a pass phrase") as caught:
        await make_host(server).connect()
    assert caught.value.data["prompt"]["kind"] == "passphrase"


async def test_no_secret_is_seen_by_other_processes(
    server: SshServer, make_host: MakeHost, tmp_path: Path
) -> None:
    """While the answer is on its way no command line, environment or file holds it."""
    key = make_key(tmp_path / "locked", passphrase="s3cr3t-phrase")
    server.authorize(key)
    server.ssh_config.write_text(server.config_block().replace(str(server.client_key), str(key)))
    host = make_host(server, sign_in=Answers("s3cr3t-phrase"))
    await host.connect()
    assert host._askpass is not None
    folder = host._askpass.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        if path.is_file():
            assert b"s3cr3t" not in path.read_bytes()
    assert host._master is not None
    for name in ("cmdline", "environ"):
        assert b"s3cr3t" not in proc(host._master.pid, name)
    await host.close()
    assert not folder.exists()


async def test_a_key_the_machine_does_not_know(server: SshServer, make_host: MakeHost) -> None:
    server.authorized_keys.write_text("")
    with pytest.raises(NeedsSignIn, match="publickey"):
        await make_host(server).connect()


async def test_nothing_listens(server: SshServer, make_host: MakeHost) -> None:
    server.stop()
    with pytest.raises(Unreachable, match="refused") as caught:
        await make_host(server).connect()
    assert "sshd" in caught.value.hint


async def test_a_name_that_does_not_resolve(server: SshServer, make_host: MakeHost) -> None:
    with pytest.raises(Unreachable, match="cannot be resolved"):
        await make_host(server, address="no-such-machine.invalid").connect()


async def test_a_port_that_never_speaks(server: SshServer, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = server.settings(address=f"127.0.0.1:{silent.getsockname()[1]}")
        host = OpensshHost(settings, tmp_path / "known", NobodyToAsk(), timeout=1)
        try:
            with pytest.raises(Unreachable, match=r"in time|timed out"):
                await host.connect()
        finally:
            await host.close()


async def test_a_configuration_ssh_does_not_understand(server: SshServer, make_host: MakeHost) -> None:
    server.ssh_config.write_text("Nonsense yes\n")
    with pytest.raises(ConfigurationError, match=r"(?i)bad configuration option"):
        await make_host(server).connect()


async def test_the_connection_dies_and_comes_back(
    server: SshServer, make_host: MakeHost, tmp_path: Path
) -> None:
    host = make_host(server)
    link = await open_link(host, tmp_path)
    server.drop_sessions()
    await asyncio.wait_for(link.closed.wait(), 30)
    with pytest.raises(Unreachable):
        await link.call("ping")
    again = await open_link(host, tmp_path)
    assert (await again.call("ping"))["time"] > 0
    await again.close()


async def test_a_jump_host(make_server: MakeServer, make_host: MakeHost, tmp_path: Path) -> None:
    """AZ-31."""
    gate, inner = make_server("gate"), make_server("inner")
    inner.ssh_config.write_text(gate.config_block() + inner.config_block(extra="  ProxyJump gate\n"))
    link = await open_link(make_host(inner), tmp_path)
    assert (gate.connections(), inner.connections()) == (1, 1)
    await link.close()


async def test_forwardings_and_commands_of_the_user_stay_out(
    server: SshServer, make_host: MakeHost, tmp_path: Path
) -> None:
    port = free_port()
    extra = f"  LocalForward {port} 127.0.0.1:1\n  RemoteCommand false\n  RequestTTY force\n"
    server.ssh_config.write_text(server.config_block(extra=extra))
    link = await open_link(make_host(server), tmp_path)
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)
    await link.close()


async def test_closing_leaves_no_process(server: SshServer, make_host: MakeHost, tmp_path: Path) -> None:
    host = make_host(server)
    await open_link(host, tmp_path)
    assert host._master is not None
    pids = [host._master.pid, *(channel.pid for channel in host._channels)]
    await host.close()
    assert not any(alive(pid) for pid in pids)


async def test_askpass_refuses_what_nobody_answers() -> None:
    asked: list[Question] = []

    async def refuse(question: Question) -> str | None:
        asked.append(question)
        return None

    askpass = Askpass(refuse)
    await askpass.start()
    process = await asyncio.create_subprocess_exec(
        askpass.environment()["SSH_ASKPASS"], 'what\'s "this"\n?', stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert (out, process.returncode) == (b"", 1)
    assert asked == [Question('what\'s "this"\n?', "")]
    await askpass.close()


async def test_closing_gives_up_a_question_that_waits(
    server: SshServer, make_host: MakeHost, tmp_path: Path
) -> None:
    class Slow:
        given_up = False

        async def answer(self, prompt: Prompt) -> str:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                self.given_up = True
                raise
            return ""

    key = make_key(tmp_path / "locked", passphrase="secret")
    server.authorize(key)
    server.ssh_config.write_text(server.config_block().replace(str(server.client_key), str(key)))
    slow = Slow()
    host = make_host(server, sign_in=slow)
    attempt = asyncio.create_task(host.connect())
    await until(lambda: bool(host._asked), "the question")
    master = host._master
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    assert slow.given_up
    assert master is not None
    assert not master.running


async def test_a_link_killed_under_load(server: SshServer, make_host: MakeHost, tmp_path: Path) -> None:
    link = await open_link(make_host(server), tmp_path)
    stream = link.stream("exec", {"argv": ["yes"]})
    await anext(stream)
    os.kill(link.hello["pid"], signal.SIGKILL)
    with pytest.raises(Unreachable):
        await stream.result()
