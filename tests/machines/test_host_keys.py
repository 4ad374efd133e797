"""Host keys over real sshd: new ones asked about once, changed ones refused, the user's files honoured."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from tests.machines.rig import MakeServer, SshServer, make_key
from workbench.compute.asyncssh_host import AsyncsshHost
from workbench.compute.signin import NobodyToAsk
from workbench.compute.ssh_keywords import unsupported
from workbench.entities.target import TargetSettings
from workbench.errors import HostKeyChanged, HostKeyUnknown, WorkbenchError

MakeHost = Callable[..., AsyncsshHost]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "workbench-home" / "known_hosts"


@pytest_asyncio.fixture
async def make_host(own: Path) -> AsyncIterator[MakeHost]:
    hosts: list[AsyncsshHost] = []

    def make(settings: TargetSettings, accept: tuple[str, ...] = ()) -> AsyncsshHost:
        hosts.append(AsyncsshHost(settings, own, NobodyToAsk(), accept))
        return hosts[-1]

    yield make
    for host in hosts:
        await host.close()


async def refusal(host: AsyncsshHost) -> WorkbenchError:
    with pytest.raises(WorkbenchError) as caught:
        await host.connect()
    return caught.value


async def test_an_unknown_key_is_shown_accepted_once_and_kept(
    server: SshServer, make_host: MakeHost, own: Path
) -> None:
    settings = server.settings(trust=False)
    error = await refusal(make_host(settings))
    assert isinstance(error, HostKeyUnknown)
    assert error.data["fingerprint"] == server.fingerprint
    assert error.data["algorithm"] == "ssh-ed25519"
    assert error.data["key"] == server.host_public_key
    assert (error.data["host"], error.data["port"]) == ("127.0.0.1", server.port)
    assert not own.exists()
    await make_host(settings, (server.fingerprint,)).connect()
    assert own.read_text() == server.known_hosts_line
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    assert server.known_hosts.read_text() == ""
    await make_host(settings).connect()
    assert own.read_text() == server.known_hosts_line


async def test_accepting_another_key_than_the_one_shown_changes_nothing(
    server: SshServer, make_host: MakeHost, own: Path
) -> None:
    accepted = "SHA256:" + "A" * 43
    assert isinstance(await refusal(make_host(server.settings(trust=False), (accepted,))), HostKeyUnknown)
    assert not own.exists()


@pytest.mark.parametrize("where", ["user", "own"])
async def test_a_changed_key_is_refused_and_its_old_line_named(
    server: SshServer, make_host: MakeHost, own: Path, where: str
) -> None:
    old = server.fingerprint
    if where == "own":
        await make_host(server.settings(trust=False), (old,)).connect()
    server.restart(new_host_key=True)
    error = await refusal(make_host(server.settings(), (server.fingerprint,)))
    assert isinstance(error, HostKeyChanged)
    assert error.data["fingerprint"] == server.fingerprint != old
    assert error.data["known"] == [old]
    assert f"{own if where == 'own' else server.known_hosts}:1" in error.hint


@pytest.mark.parametrize("form", ["hashed", "wildcard", "bare", "list", "upper-comment", "after rubbish"])
async def test_every_form_of_a_line_counts(server: SshServer, make_host: MakeHost, form: str) -> None:
    key = server.host_public_key
    lines = {
        "hashed": server.known_hosts_line,
        "wildcard": f"[127.0.0.*]:{server.port} {key}\n",
        "bare": f"127.0.0.1 {key}\n",
        "list": f"elsewhere,[127.0.0.1]:{server.port} {key} a comment\n",
        "upper-comment": f"# comment\n\n[127.0.0.1]:{server.port} {key}\n",
        "after rubbish": f"nonsense\n@odd x y z\n|1|bad|hash ssh-rsa AAAA\n{server.known_hosts_line}",
    }
    server.known_hosts.write_text(lines[form])
    if form == "hashed":
        words = ["ssh-keygen", "-q", "-H", "-f", str(server.known_hosts)]
        subprocess.run(words, check=True, capture_output=True)
        assert "127.0.0.1" not in server.known_hosts.read_text()
    await make_host(server.settings()).connect()
    server.restart(new_host_key=True)
    assert isinstance(await refusal(make_host(server.settings())), HostKeyChanged)


async def test_a_line_for_another_port_or_a_negated_one_does_not_count(
    server: SshServer, make_host: MakeHost
) -> None:
    key = server.host_public_key
    server.known_hosts.write_text(f"[127.0.0.1]:1 {key}\n*,![127.0.0.1]:{server.port},!127.0.0.1 {key}\n")
    assert isinstance(await refusal(make_host(server.settings())), HostKeyUnknown)


async def test_a_host_key_alias_is_the_name_on_record(
    server: SshServer, make_host: MakeHost, own: Path
) -> None:
    server.ssh_config.write_text(server.config_block(extra="  HostKeyAlias Cluster-Login\n"))
    error = await refusal(make_host(server.settings()))
    assert isinstance(error, HostKeyUnknown)
    assert error.data["host"] == "cluster-login"
    await make_host(server.settings(), (server.fingerprint,)).connect()
    assert own.read_text() == f"cluster-login {server.host_public_key}\n"
    await make_host(server.settings()).connect()


async def test_the_key_type_on_record_is_asked_for(make_server: MakeServer, make_host: MakeHost) -> None:
    server = make_server(start=False)
    rsa = make_key(server.folder / "rsa_key", kind="rsa")
    server.options.append(f"HostKey {rsa}")
    server.start()
    public = " ".join(rsa.with_name("rsa_key.pub").read_text().split()[:2])
    server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {public}\n")
    await make_host(server.settings()).connect()


async def test_a_key_of_another_type_than_the_one_on_record_is_a_changed_key(
    server: SshServer, make_host: MakeHost
) -> None:
    other = make_key(server.folder / "other", kind="ecdsa").with_name("other.pub").read_text().split()
    server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {other[0]} {other[1]}\n")
    assert isinstance(await refusal(make_host(server.settings())), HostKeyChanged)


def certified(make_server: MakeServer) -> tuple[SshServer, str]:
    """A server whose key is signed by an authority, and the authority's public key."""
    server = make_server(start=False)
    authority = make_key(server.folder / "authority")
    public = server.host_key.with_name("host_key.pub")
    words = ["ssh-keygen", "-q", "-s", str(authority), "-h", "-I", "host", "-n", "127.0.0.1", str(public)]
    subprocess.run(words, check=True, capture_output=True)
    server.options.append(f"HostCertificate {server.folder / 'host_key-cert.pub'}")
    server.start()
    return server, " ".join(authority.with_name("authority.pub").read_text().split()[:2])


async def test_a_certificate_of_a_known_authority_is_enough(
    make_server: MakeServer, make_host: MakeHost
) -> None:
    server, authority = certified(make_server)
    server.known_hosts.write_text(f"@cert-authority * {authority}\n")
    await make_host(server.settings()).connect()


async def test_a_certificate_of_another_authority_is_not(
    make_server: MakeServer, make_host: MakeHost
) -> None:
    server, _ = certified(make_server)
    other = make_key(server.folder / "other").with_name("other.pub").read_text()
    server.known_hosts.write_text(f"@cert-authority * {other}")
    error = await refusal(make_host(server.settings(), (server.fingerprint,)))
    assert isinstance(error, HostKeyChanged)


async def test_a_certificate_without_any_authority_falls_back_to_the_key(
    make_server: MakeServer, make_host: MakeHost
) -> None:
    server, _ = certified(make_server)
    server.known_hosts.write_text("")
    error = await refusal(make_host(server.settings()))
    assert isinstance(error, HostKeyUnknown)
    assert error.data["fingerprint"] == server.fingerprint


@pytest.mark.parametrize("pattern", ["*", "[127.0.0.1]:{port}", "127.0.0.1"])
async def test_a_revoked_key_is_refused_although_it_is_known(
    server: SshServer, make_host: MakeHost, pattern: str
) -> None:
    line = f"@revoked {pattern.format(port=server.port)} {server.host_public_key}\n"
    for known in ("", server.known_hosts_line):
        server.known_hosts.write_text(line + known)
        error = await refusal(make_host(server.settings(), (server.fingerprint,)))
        assert isinstance(error, HostKeyChanged)
        assert "revoked" in error.message + error.hint


async def test_accept_new_is_honoured_but_not_for_changed_keys(
    server: SshServer, make_host: MakeHost, own: Path
) -> None:
    server.ssh_config.write_text(server.config_block(extra="  StrictHostKeyChecking accept-new\n"))
    await make_host(server.settings(trust=False)).connect()
    assert own.read_text() == server.known_hosts_line
    server.restart(new_host_key=True)
    assert isinstance(await refusal(make_host(server.settings())), HostKeyChanged)


async def test_strict_no_is_not_honoured_and_named(server: SshServer, make_host: MakeHost) -> None:
    server.ssh_config.write_text(server.config_block(extra="  StrictHostKeyChecking no\n"))
    host = make_host(server.settings(trust=False))
    assert isinstance(await refusal(host), HostKeyUnknown)
    assert host.survey is not None
    assert any(
        "stricthostkeychecking" in note and "not honoured" in note for note in unsupported(host.survey)
    )


async def test_strict_yes_never_records_a_key(server: SshServer, make_host: MakeHost, own: Path) -> None:
    server.ssh_config.write_text(server.config_block(extra="  StrictHostKeyChecking yes\n"))
    error = await refusal(make_host(server.settings(trust=False), (server.fingerprint,)))
    assert isinstance(error, HostKeyUnknown)
    assert "StrictHostKeyChecking yes" in error.hint
    assert not own.exists()


async def test_a_known_hosts_file_that_cannot_be_written_is_an_error(
    server: SshServer, make_host: MakeHost, own: Path
) -> None:
    own.mkdir(parents=True)
    error = await refusal(make_host(server.settings(trust=False), (server.fingerprint,)))
    assert error.code == "store"
