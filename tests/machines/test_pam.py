"""A real sshd with PAM: passwords, codes, two factors in a row, passwords and accounts that ran out.

Each on both transports: asyncssh speaks SSH itself, the system's ssh asks through its askpass helper.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from tests.machines.pam import PASSWORD, MakePamServer, PamServer, make_pam_server
from tests.machines.test_sign_in import Answers
from workbench.compute.asyncssh_host import AsyncsshHost
from workbench.compute.channel import READ
from workbench.compute.link import Link
from workbench.compute.openssh import OpensshHost
from workbench.compute.payload import build_payload
from workbench.compute.signin import NobodyToAsk, SignIn
from workbench.compute.ssh_host import SshHost
from workbench.errors import NeedsSignIn, Unreachable

__all__ = ["make_pam_server"]
MakeHost = Callable[[PamServer, SignIn], SshHost]
ONLY_PASSWORD = ("PasswordAuthentication yes", "PubkeyAuthentication no")
ONLY_PROMPTS = ("KbdInteractiveAuthentication yes", "PubkeyAuthentication no")
KEY_THEN_PROMPTS = (
    "KbdInteractiveAuthentication yes",
    "AuthenticationMethods publickey,keyboard-interactive",
)


@pytest_asyncio.fixture(params=[AsyncsshHost, OpensshHost])
async def make_host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MakeHost]:
    """make_host(server, sign_in) -> the host, over one transport after the other."""
    hosts: list[SshHost] = []

    def make(server: PamServer, sign_in: SignIn) -> SshHost:
        hosts.append(request.param(server.settings(), tmp_path / "own_known_hosts", sign_in))
        return hosts[-1]

    yield make
    for host in hosts:
        await host.close()


async def says(host: SshHost, line: str) -> str:
    """What a command says there."""
    channel = await host.open(line)
    try:
        return (await channel.read(READ)).decode()
    finally:
        await channel.close()


def in_log(server: PamServer, text: str) -> int:
    """How often the server's log says so."""
    return server.log.read_text(errors="replace").count(text)


@pytest.mark.parametrize("options", [ONLY_PASSWORD, ONLY_PROMPTS], ids=["password", "keyboard-interactive"])
async def test_a_password_signs_in_after_a_wrong_one(
    options: tuple[str, ...], make_pam_server: MakePamServer, make_host: MakeHost
) -> None:
    server = make_pam_server(*options)
    server.add_user("ann")
    server.start()
    user = Answers("wrong", PASSWORD)
    assert await says(make_host(server, user), "id -un") == "ann\n"
    assert user.kinds == ["password", "password"]
    assert not any(prompt.echo for prompt in user.asked)
    assert "again" not in user.asked[0].text
    assert "again" in user.asked[1].text
    assert server.connections() == 1


@pytest.mark.parametrize("options", [ONLY_PASSWORD, ONLY_PROMPTS], ids=["password", "keyboard-interactive"])
async def test_nobody_to_ask_means_no_attempt(
    options: tuple[str, ...], make_pam_server: MakePamServer, make_host: MakeHost
) -> None:
    """A password is never tried without the user: accounts get locked that way."""
    server = make_pam_server(*options)
    server.add_user("ann")
    server.start()
    with pytest.raises(NeedsSignIn, match="asks for a password") as caught:
        await make_host(server, NobodyToAsk()).connect()
    assert "wb compute login" in caught.value.hint
    assert in_log(server, "Failed password") == in_log(server, "Authentication failure") == 0


async def test_three_wrong_passwords_end_it(make_pam_server: MakePamServer, make_host: MakeHost) -> None:
    server = make_pam_server(*ONLY_PASSWORD)
    server.add_user("ann")
    server.start()
    user = Answers("a", "b", "c", "d", "e")
    with pytest.raises(NeedsSignIn, match=r"wrong 3 times|does not let us in"):
        await make_host(server, user).connect()
    assert len(user.asked) == in_log(server, "Failed password") == 3


async def test_a_key_and_then_password_and_code(make_pam_server: MakePamServer, make_host: MakeHost) -> None:
    """Partial success: the key opens the first lock, PAM's two questions the second."""
    server = make_pam_server(*KEY_THEN_PROMPTS)
    server.add_user("ann")
    server.require_code("ann")
    server.start()
    user = Answers(PASSWORD, server.code("ann"))
    assert await says(make_host(server, user), "id -un") == "ann\n"
    assert user.kinds == ["password", "code"]
    assert "Verification code" in user.asked[1].text
    assert in_log(server, "Partial publickey for ann") == 1
    link_user = Answers(PASSWORD, server.code("ann"))
    link = await open_link(make_host(server, link_user))
    assert (await link.call("facts"))["user"] == "ann"
    await link.close()


async def test_the_second_factor_alone_does_not_let_in(
    make_pam_server: MakePamServer, make_host: MakeHost
) -> None:
    server = make_pam_server(*KEY_THEN_PROMPTS)
    server.add_user("ann")
    server.start()
    server.ssh_config.write_text(server.config_block(extra="  PubkeyAuthentication no\n"))
    user = Answers(PASSWORD)
    with pytest.raises(NeedsSignIn, match="let us in"):
        await make_host(server, user).connect()
    assert user.asked == []


async def open_link(host: SshHost) -> Link:
    """A link over host, in the account's own home."""
    return await Link.open(host, root=None, lease_dir="~/leases", python=None, payload=build_payload())


async def test_an_expired_password_is_changed_in_the_conversation(
    make_pam_server: MakePamServer, make_host: MakeHost
) -> None:
    server = make_pam_server(*ONLY_PROMPTS)
    server.add_user("ann")
    server.administer("chage", "-d", "0", "ann")
    server.start()
    user = Answers(PASSWORD, PASSWORD, "another-Ox-91-stable", "another-Ox-91-stable")
    assert await says(make_host(server, user), "id -un") == "ann\n"
    assert "required to change your password" in user.asked[1].text
    assert "New password" in user.asked[2].text
    assert not any(prompt.echo for prompt in user.asked)
    again = Answers("another-Ox-91-stable")
    assert await says(make_host(server, again), "id -un") == "ann\n"


@pytest.mark.parametrize("options", [ONLY_PASSWORD, ()], ids=["password", "key"])
async def test_an_expired_password_that_needs_a_terminal_is_said(
    options: tuple[str, ...], make_pam_server: MakePamServer, make_host: MakeHost
) -> None:
    """sshd lets in and then wants a terminal for the change: it needs the user, trying again does not help."""
    server = make_pam_server(*options)
    server.add_user("ann")
    server.administer("chage", "-d", "0", "ann")
    server.start()
    with pytest.raises(NeedsSignIn, match=r"wants the password changed.*no TTY") as caught:
        await open_link(make_host(server, Answers(PASSWORD)))
    assert "with ssh" in caught.value.hint


async def test_a_locked_password_is_one_that_never_fits_and_keys_still_open(
    make_pam_server: MakePamServer, make_host: MakeHost
) -> None:
    server = make_pam_server("PasswordAuthentication yes")
    server.add_user("ann")
    server.administer("usermod", "-L", "ann")
    server.start()
    assert await says(make_host(server, Answers()), "id -un") == "ann\n"
    server.ssh_config.write_text(server.config_block(extra="  PubkeyAuthentication no\n"))
    with pytest.raises(NeedsSignIn, match=r"wrong 3 times|does not let us in"):
        await make_host(server, Answers(*[PASSWORD] * 3)).connect()


@pytest.mark.parametrize("options", [ONLY_PASSWORD, ONLY_PROMPTS, ()], ids=["password", "prompts", "key"])
async def test_why_an_account_is_refused_is_told_in_the_machines_words(
    options: tuple[str, ...], make_pam_server: MakePamServer, make_host: MakeHost
) -> None:
    server = make_pam_server(*options)
    server.add_user("ann")
    server.administer("usermod", "-e", "1", "ann")
    server.start()
    with pytest.raises(Unreachable, match=r"it said: .*account has expired"):
        await make_host(server, Answers(PASSWORD)).connect()
    server.administer("usermod", "-e", "", "ann")
    server.administer("sh", "-c", "printf 'Going down at noon.\\033[2J\\n' > /etc/nologin")
    with pytest.raises(Unreachable, match=r"it said: .*Going down at noon") as caught:
        await make_host(server, Answers(PASSWORD)).connect()
    assert "\x1b" not in caught.value.message
    server.administer("rm", "/etc/nologin")
    assert await says(make_host(server, Answers(PASSWORD)), "id -un") == "ann\n"


async def test_an_account_without_a_shell_is_said(
    make_pam_server: MakePamServer, make_host: MakeHost
) -> None:
    server = make_pam_server()
    server.add_user("ann")
    server.administer("usermod", "-s", "/usr/sbin/nologin", "ann")
    server.start()
    with pytest.raises(Unreachable, match="account is currently not available"):
        await open_link(make_host(server, Answers()))


async def test_no_account_of_the_rig_is_one_of_this_machine(make_pam_server: MakePamServer) -> None:
    before = Path("/etc/passwd").read_bytes(), Path("/etc/shadow").read_bytes()
    server = make_pam_server()
    server.add_user("ann")
    assert "ann:" in server.administer("cat", "/etc/passwd")
    assert (Path("/etc/passwd").read_bytes(), Path("/etc/shadow").read_bytes()) == before
    assert not Path("/home/ann").exists()
