"""Machines over asyncssh and real sshd: ways there, keys on the way, channels, and errors in words."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from tests.machines.rig import DEADLINE, MakeProxy, MakeServer, SshServer, free_port, make_key, until
from workbench.compute.asyncssh_host import AsyncsshHost
from workbench.compute.bootstrap import command_line
from workbench.compute.channel import READ, Channel
from workbench.compute.signin import NobodyToAsk
from workbench.entities.target import TargetSettings
from workbench.errors import (
    ConfigurationError,
    HostKeyChanged,
    HostKeyUnknown,
    NeedsSignIn,
    Unreachable,
    WorkbenchError,
)

MakeHost = Callable[..., AsyncsshHost]


@pytest_asyncio.fixture
async def make_host(tmp_path: Path) -> AsyncIterator[MakeHost]:
    hosts: list[AsyncsshHost] = []

    def make(settings: TargetSettings, **options: object) -> AsyncsshHost:
        host = AsyncsshHost(settings, tmp_path / "own_known_hosts", NobodyToAsk(), **options)  # type: ignore[arg-type]
        hosts.append(host)
        return host

    yield make
    for host in hosts:
        await host.close()


async def output(host: AsyncsshHost, line: str) -> bytes:
    channel = await host.open(line)
    data = await everything(channel)
    await channel.wait()
    await channel.close()
    return data


async def everything(channel: Channel) -> bytes:
    data = b""
    async with asyncio.timeout(DEADLINE):
        while block := await channel.read(READ):
            data += block
    return data


async def refusal(host: AsyncsshHost) -> WorkbenchError:
    with pytest.raises(WorkbenchError) as caught:
        await host.connect()
    return caught.value


async def test_bytes_pass_unchanged_and_the_end_is_told(server: SshServer, make_host: MakeHost) -> None:
    host = make_host(server.settings())
    channel = await host.open("cat; echo oops >&2; exit 7")
    data = bytes(range(256)) * 4096
    await channel.write(data)
    reading = asyncio.create_task(everything(channel))
    await asyncio.sleep(0)  # it reads from here on
    await channel.close()
    assert await reading == data
    assert await channel.wait() == 7
    assert channel.stderr_tail() == "oops\n"
    assert host.describe() == f"{server.user}@127.0.0.1:{server.port}"
    with pytest.raises(OSError, match=r"."):
        await channel.write(b"too late")


async def test_many_channels_at_once_share_one_connection(server: SshServer, make_host: MakeHost) -> None:
    host = make_host(server.settings())
    outputs = await asyncio.gather(*(output(host, f"echo {number}") for number in range(8)))
    assert outputs == [f"{number}\n".encode() for number in range(8)]
    assert server.connections() == 1


async def test_a_command_that_ignores_its_input_gets_term_and_the_channel_ends(
    make_server: MakeServer, make_host: MakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sshd passes signals on to every user but root, as whom the rig may run: what it was asked counts."""
    monkeypatch.setattr("workbench.compute.asyncssh_channel.LAST_WORDS", 0.2)
    server = make_server(options=["LogLevel DEBUG1"])
    host = make_host(server.settings())
    channel = await host.open("echo $$; exec sleep 300")
    pid = int((await channel.read(READ)).decode())
    try:
        await channel.close()
        await until(lambda: "req signal" in server.log.read_text(), "the signal request")
        assert await channel.wait() is None or os.getuid() != 0
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert await output(host, "echo next") == b"next\n"


async def test_a_lost_connection_is_an_oserror_then_connects_anew(
    server: SshServer, make_host: MakeHost
) -> None:
    host = make_host(server.settings())
    channel = await host.open("cat")
    server.drop_sessions()
    with pytest.raises(OSError, match=r"."):
        async with asyncio.timeout(DEADLINE):
            assert await channel.read(READ)
    assert await output(host, "echo again") == b"again\n"
    assert server.connections() == 2


async def test_no_more_sessions_than_the_machine_allows(make_server: MakeServer, make_host: MakeHost) -> None:
    server = make_server(options=["MaxSessions 1"])
    host = make_host(server.settings())
    first = await host.open("cat")
    with pytest.raises(Unreachable, match="no further session"):
        await host.open("cat")
    await first.write(b"still here")
    assert await first.read(READ) == b"still here"


@pytest.mark.parametrize(
    ("shell", "rc"),
    [
        ("bash", "echo WELCOME; echo to you >&2"),
        ("tcsh", "echo WELCOME"),
        ("fish", "echo WELCOME"),
        ("zsh", "echo WELCOME"),
    ],
)
async def test_the_bootstrap_line_runs_under_any_login_shell(
    make_server: MakeServer, make_host: MakeHost, shell: str, rc: str
) -> None:
    """AZ: nothing but a shell and a python is asked of a machine."""
    host = make_host(make_server(shell=shell, rc=rc).settings())
    channel = await host.open(command_line())
    await channel.write(b"print(6 * 7)\n")
    data = await everything(channel)
    assert data.endswith(b"42\n"), (data, channel.stderr_tail())
    assert b"WELCOME" in data


async def test_the_fast_cipher_is_agreed_on_unless_the_user_chose(
    server: SshServer, make_host: MakeHost
) -> None:
    for extra, cipher in (("", "aes128-gcm@openssh.com"), ("  Ciphers aes256-ctr\n", "aes256-ctr")):
        server.ssh_config.write_text(server.config_block(extra=extra))
        host = make_host(server.settings())
        await host.connect()
        assert host.cipher == cipher


def jump_files(first: SshServer, second: SshServer, extra: str = "") -> None:
    """second's ssh_config then leads over first."""
    second.ssh_config.write_text(
        first.config_block() + second.config_block(extra=f"  ProxyJump {first.name}\n") + extra
    )


async def test_proxy_jump_checks_the_keys_of_both_hops(make_server: MakeServer, make_host: MakeHost) -> None:
    """AZ-31."""
    first, second = make_server("bastion"), make_server("inner")
    jump_files(first, second)
    assert await output(make_host(second.settings()), "echo in") == b"in\n"
    assert (first.connections(), second.connections()) == (1, 1)
    for unknown in (first, second):
        keys = unknown.known_hosts.read_text()
        unknown.known_hosts.write_text("")
        error = await refusal(make_host(second.settings()))
        assert isinstance(error, HostKeyUnknown)
        assert error.data["port"] == unknown.port
        unknown.known_hosts.write_text(keys)
    first.restart(new_host_key=True)
    error = await refusal(make_host(second.settings()))
    assert isinstance(error, HostKeyChanged)
    assert error.data["port"] == first.port


async def test_a_hop_without_a_known_hosts_file_is_still_checked(
    make_server: MakeServer, make_host: MakeHost
) -> None:
    first, second = make_server("bastion"), make_server("inner")
    jump_files(first, second)
    block = second.ssh_config.read_text()
    block = block.replace(f"UserKnownHostsFile {first.known_hosts}", "UserKnownHostsFile none")
    second.ssh_config.write_text(block)
    error = await refusal(make_host(second.settings()))
    assert isinstance(error, HostKeyUnknown)
    assert error.data["port"] == first.port


async def test_the_jump_setting_wins_over_ssh_config(make_server: MakeServer, make_host: MakeHost) -> None:
    first, other, inner = make_server("bastion"), make_server("other"), make_server("inner")
    jump_files(first, inner, other.config_block())
    assert await output(make_host(inner.settings(jump="other")), "echo in") == b"in\n"
    assert (first.connections(), other.connections()) == (0, 1)
    assert await output(make_host(inner.settings(jump="bastion,other")), "echo in") == b"in\n"
    assert (first.connections(), other.connections(), inner.connections()) == (1, 2, 2)


async def test_a_jump_for_every_host_is_no_circle(make_server: MakeServer, make_host: MakeHost) -> None:
    first, second = make_server("bastion"), make_server("inner")
    everyone = "Host *\n  ProxyJump bastion\n"
    second.ssh_config.write_text(first.config_block() + second.config_block() + everyone)
    assert await output(make_host(second.settings()), "echo in") == b"in\n"
    circle = "Host inner\n  ProxyJump bastion\nHost bastion\n  ProxyJump inner\n"
    second.ssh_config.write_text(first.config_block() + second.config_block() + circle)
    assert isinstance(await refusal(make_host(second.settings())), ConfigurationError)


async def test_a_proxy_command_runs_in_a_shell_and_its_complaint_is_told(
    server: SshServer, make_host: MakeHost, tmp_path: Path
) -> None:
    script = tmp_path / "pipe.py"
    script.write_text(
        "import socket, sys, threading, os\n"
        "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def up():\n"
        "    while d := os.read(0, 65536): s.sendall(d)\n"
        "    s.shutdown(1)\n"
        "threading.Thread(target=up, daemon=True).start()\n"
        "print('noise on stderr', file=sys.stderr, flush=True)\n"
        "while d := s.recv(65536): os.write(1, d)\n"
    )
    command = f"  ProxyCommand python3 {script} %h %p || exit 1\n"
    server.ssh_config.write_text(server.config_block(extra=command))
    assert await output(make_host(server.settings()), "echo piped") == b"piped\n"
    complaint = "  ProxyCommand sh -c 'echo the VPN is down >&2; exit 1'\n"
    server.ssh_config.write_text(server.config_block(extra=complaint))
    error = await refusal(make_host(server.settings()))
    assert isinstance(error, Unreachable)
    assert "the VPN is down" in error.message
    # What carries the bytes ends before the reason is said: seen where the machine is slow.
    late = "  ProxyCommand sh -c 'exec <&- >&-; sleep 0.3; echo the VPN is slow >&2; exit 1'\n"
    server.ssh_config.write_text(server.config_block(extra=late))
    error = await refusal(make_host(server.settings()))
    assert isinstance(error, Unreachable)
    assert "the VPN is slow" in error.message


async def test_include_and_match_count(make_server: MakeServer, make_host: MakeHost, tmp_path: Path) -> None:
    """AZ-31."""
    server = make_server()
    included = tmp_path / "more"
    included.write_text(server.config_block().replace(f"  Port {server.port}\n", ""))
    server.ssh_config.write_text(
        f"Include {included}\n"
        f'Match originalhost {server.name} exec "true"\n  Port {server.port}\n'
        "Match final\n  Compression no\n"
    )
    assert await output(make_host(server.settings()), "echo in") == b"in\n"


async def test_a_config_nobody_can_read_is_a_configuration_error(make_host: MakeHost, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n  Port many\n")
    error = await refusal(make_host(TargetSettings(address="h", ssh_config=str(config))))
    assert isinstance(error, ConfigurationError)
    assert "line 2" in error.message
    gone = await refusal(make_host(TargetSettings(address="h", ssh_config=str(tmp_path / "gone"))))
    assert isinstance(gone, ConfigurationError)


async def test_a_wrong_key_names_what_was_tried(server: SshServer, make_host: MakeHost) -> None:
    other = make_key(server.folder / "other_key")
    error = await refusal(make_host(server.settings(identity=str(other))))
    assert isinstance(error, NeedsSignIn)
    assert "tried: publickey" in error.message


async def test_a_key_file_that_is_missing_is_passed_over(server: SshServer, make_host: MakeHost) -> None:
    server.ssh_config.write_text(server.config_block(extra="  IdentityFile ~/.ssh/no_such_key\n"))
    assert await output(make_host(server.settings()), "echo in") == b"in\n"


async def test_two_keys_for_one_sign_in(make_server: MakeServer, make_host: MakeHost) -> None:
    """Partial success: the machine wants two different keys."""
    server = make_server(options=["AuthenticationMethods publickey,publickey"])
    second = make_key(server.folder / "second_key")
    error = await refusal(make_host(server.settings()))
    assert isinstance(error, NeedsSignIn)
    server.authorize(second)
    server.ssh_config.write_text(server.config_block(extra=f"  IdentityFile {second}\n"))
    assert await output(make_host(server.settings()), "echo in") == b"in\n"


def plain(port: int, tmp_path: Path, host: str = "127.0.0.1") -> TargetSettings:
    config = tmp_path / "plain_config"
    config.write_text("Host *\n  IdentityFile none\n  IdentityAgent none\n")
    return TargetSettings(address=f"ann@{host}:{port}", ssh_config=str(config))


async def test_a_name_that_does_not_resolve(make_host: MakeHost, tmp_path: Path) -> None:
    error = await refusal(make_host(plain(22, tmp_path, "no-such-host.invalid")))
    assert isinstance(error, Unreachable)
    assert "does not resolve" in error.message


async def test_a_refused_port(make_host: MakeHost, tmp_path: Path) -> None:
    error = await refusal(make_host(plain(free_port(), tmp_path)))
    assert isinstance(error, Unreachable)
    assert "refused" in error.message


async def test_a_host_that_never_answers(make_host: MakeHost, tmp_path: Path) -> None:
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen()
        error = await refusal(make_host(plain(hole.getsockname()[1], tmp_path), timeout=0.3))
    assert isinstance(error, Unreachable)
    assert "timed out" in error.message


async def test_a_host_that_speaks_something_else(make_host: MakeHost, tmp_path: Path) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 \x1b]0;owned\x07 Bad Request\r\n" * 100)
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listener:
        error = await refusal(make_host(plain(listener.sockets[0].getsockname()[1], tmp_path)))
    assert isinstance(error, Unreachable)
    assert "\x1b" not in error.message


async def test_a_jump_host_that_cannot_reach(make_server: MakeServer, make_host: MakeHost) -> None:
    first, second = make_server("bastion"), make_server("inner")
    jump_files(first, second)
    second.stop()
    error = await refusal(make_host(second.settings()))
    assert isinstance(error, Unreachable)
    assert "jump host could not reach" in error.message


async def test_a_link_cut_during_the_handshake_times_out(
    server: SshServer, make_host: MakeHost, make_proxy: MakeProxy
) -> None:
    proxy = await make_proxy(server)
    proxy.cut()
    host = make_host(server.settings(), timeout=0.3)
    assert "timed out" in (await refusal(host)).message
    proxy.heal()
    host = make_host(server.settings())
    assert await output(host, "echo healed") == b"healed\n"
