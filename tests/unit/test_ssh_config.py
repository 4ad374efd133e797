"""What an ssh_config says of a host, and which of it nobody here honours."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.compute.address import parse_address
from workbench.compute.asyncssh_host import jump_hosts
from workbench.compute.ssh_config import Survey, config_paths, host_aliases, survey
from workbench.compute.ssh_keywords import HARMLESS, NEEDS_OPENSSH, unsupported
from workbench.errors import ConfigurationError


def read(tmp_path: Path, text: str, address: str = "gpu1") -> Survey:
    path = tmp_path / "config"
    path.write_text(text)
    return survey(parse_address(address), [path])


def test_the_first_value_of_matching_blocks_counts(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "Host other\n  StrictHostKeyChecking no\n  User nobody\n"
        "Host gpu*\n  HostName %h.example.org\n  User ann\n  Port 2222\n  StrictHostKeyChecking accept-new\n"
        "Host *\n  StrictHostKeyChecking no\n  User everyone\n  HostKeyAlias pool\n",
    )
    assert (found.named, found.host, found.port, found.user) == ("gpu1", "gpu1.example.org", 2222, "ann")
    assert found.strict == "accept-new"
    assert found.alias == "pool"


def test_the_address_wins_over_the_file(tmp_path: Path) -> None:
    found = read(tmp_path, "Host *\n  User everyone\n  Port 2222\n", "ann@gpu1:22")
    assert (found.user, found.port) == ("ann", 22)


@pytest.mark.parametrize(
    ("written", "strict"),
    [
        ("yes", "yes"),
        ("true", "yes"),
        ("No", "no"),
        ("off", "no"),
        ("ask", "ask"),
        ("accept-new", "accept-new"),
    ],
)
def test_strict_host_key_checking(tmp_path: Path, written: str, strict: str) -> None:
    assert read(tmp_path, f"StrictHostKeyChecking={written}\n").strict == strict


def test_includes_and_match_are_followed_conditionally(tmp_path: Path) -> None:
    (tmp_path / "inside").write_text("ControlMaster auto\nHost gpu1\n  VisualHostKey yes\n  Port 7\n")
    text = (
        f"Host gpu1\n  Include {tmp_path}/ins*\nHost gpu2\n  Include {tmp_path}/ins*\n"
        'Match originalhost gpu2 exec "true"\n  KnownHostsCommand /bin/x\n'
        "Match final\n  RevokedHostKeys /etc/krl\n"
    )
    first = read(tmp_path, text)
    assert first.port == 7
    assert first.first("controlmaster") == "auto"
    assert first.first("knownhostscommand") is None
    assert first.first("revokedhostkeys") == "/etc/krl"
    second = read(tmp_path, text, "gpu2")
    assert second.port == 22
    assert second.first("knownhostscommand") == "/bin/x"


def test_jump_and_proxy_command_the_first_one_counts(tmp_path: Path) -> None:
    jump = read(tmp_path, "Host *\n  ProxyJump ann@a:1,b\n  ProxyCommand nc %h %p\n")
    assert jump.proxy_command is None
    assert [str(hop) for hop in jump_hosts(jump, None)] == ["ann@a:1", "b"]
    command = read(tmp_path, "Host *\n  ProxyCommand nc %h %p\n  ProxyJump a\n")
    assert command.proxy_command == "nc gpu1 22"
    assert jump_hosts(command, None) == []
    assert [hop.host for hop in jump_hosts(command, "c")] == ["c"]
    assert jump_hosts(jump, "none") == []
    assert jump_hosts(read(tmp_path, "Host *\n  ProxyJump gpu1\n"), None) == []
    assert read(tmp_path, "ProxyCommand none\n").proxy_command is None


def test_files_of_known_hosts_and_keys(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("")
    found = read(
        tmp_path,
        f"UserKnownHostsFile {tmp_path}/a {tmp_path}/b\nGlobalKnownHostsFile none\n"
        f"IdentityFile {key}\nIdentityFile {tmp_path}/missing\nIdentitiesOnly yes\n",
    )
    assert found.known_hosts == [tmp_path / "a", tmp_path / "b"]
    assert found.identities == [key]
    assert found.identities_only
    usual = read(tmp_path, "UserKnownHostsFile none\n")
    assert [path.name for path in usual.known_hosts] == ["ssh_known_hosts", "ssh_known_hosts2"]


@pytest.mark.parametrize("text", ["Port many\n", "Host\n", "Match version 9\n", 'User "unclosed\n'])
def test_what_cannot_be_parsed_is_said_with_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match="line 1") as caught:
        read(tmp_path, text)
    assert "openssh" in caught.value.hint


def test_a_broken_system_file_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user, system = tmp_path / "config", tmp_path / "system"
    user.write_text("Host gpu1\n  Port 7\n")
    system.write_text("Port many\n")
    monkeypatch.setattr("workbench.compute.ssh_config.SYSTEM_CONFIG", system)
    found = survey(parse_address("gpu1"), [user, system])
    assert (found.port, found.paths) == (7, [user])


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        config_paths(str(tmp_path / "missing"))


NEEDING = {
    "GSSAPIAuthentication": "yes",
    "KnownHostsCommand": "/bin/keys %H",
    "PKCS11Provider": "/lib/x.so",
    "SecurityKeyProvider": "internal",
    "ControlMaster": "auto",
    "CanonicalizeHostname": "yes",
    "RevokedHostKeys": "/etc/krl",
    "FancyNewKeyword": "on",
}
FINE = {
    "HostName": "h",
    "User": "ann",
    "ServerAliveInterval": "5",
    "LocalForward": "1 h:2",
    "AddKeysToAgent": "yes",
    "GSSAPIAuthentication": "no",
    "ControlPath": "none",
    "StrictHostKeyChecking": "accept-new",
    "HashKnownHosts": "yes",
    "SendEnv": "LANG LC_*",
}


def block(keywords: dict[str, str]) -> str:
    return "Host gpu1\n" + "".join(f"  {keyword} {value}\n" for keyword, value in keywords.items())


def test_what_needs_openssh_is_named_once_with_its_place(tmp_path: Path) -> None:
    notes = unsupported(read(tmp_path, block(NEEDING) + "Host other\n  ProxyUseFdpass yes\n"))
    for keyword in NEEDING:
        assert sum(keyword.lower() in note for note in notes) == 1, keyword
    assert f"{tmp_path}/config:2" in notes[0]
    assert len(notes) == len(NEEDING)


def test_what_is_honoured_harmless_or_off_is_not_named(tmp_path: Path) -> None:
    assert unsupported(read(tmp_path, block(FINE) + "Match exec true\n  Compression yes\n")) == []


def test_strict_no_and_tokens_in_match_exec_are_named(tmp_path: Path) -> None:
    text = 'StrictHostKeyChecking no\nMatch exec "grep -q %h /dev/null"\n  Port 1\n'
    notes = unsupported(read(tmp_path, text))
    assert len(notes) == 2
    assert "not honoured" in notes[0]
    assert "%" in notes[1]


def test_the_tables_do_not_contradict_each_other() -> None:
    assert not HARMLESS & set(NEEDS_OPENSSH)


def test_aliases_for_a_picker(tmp_path: Path) -> None:
    (tmp_path / "more").write_text("Host gpu3 !bad *.org\nHost=gpu4\n")
    config = tmp_path / "config"
    config.write_text(
        f"# Host commented\nHost gpu1 gpu2 gpu?\n  HostName x\nInclude {tmp_path}/more {tmp_path}/missing\n"
        f'Host "gpu 5" gpu1\nInclude {config}\nHost "unclosed\n'
    )
    assert host_aliases(config) == ["gpu1", "gpu2", "gpu3", "gpu4", "gpu 5"]
    assert host_aliases(tmp_path / "missing") == []
