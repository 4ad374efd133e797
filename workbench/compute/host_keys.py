"""Whose key a machine shows: the user's known_hosts, our own beside it, and what to do with a new key.

The user's files are only read; keys accepted through the workbench go to our own file. A key that differs
from the one on record is refused, always.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import asyncssh

from workbench.errors import HostKeyChanged, HostKeyUnknown, StoreError, Unreachable

DEFAULT_PORT = 22
MAX_FILE = 64 << 20

# What we can check, in OpenSSH's order of preference; RSA keys are signed with SHA-2 only.
PLAIN_ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
_CERTIFICATE = "-cert-v01@openssh.com"


class KnownKey(NamedTuple):
    """A key on record and where it stands (FILE:LINE)."""

    key: asyncssh.SSHKey
    place: str


class KnownHost(NamedTuple):
    """What the files say of one host."""

    host: str
    """The name it is filed under: HostKeyAlias, or the host name in lower case."""
    port: int
    keys: list[KnownKey]
    authorities: list[asyncssh.SSHKey]
    revoked: list[asyncssh.SSHKey]

    @property
    def pattern(self) -> str:
        """The first field of its line in a known_hosts file."""
        return self.host if self.port == DEFAULT_PORT else f"[{self.host}]:{self.port}"

    def algorithms(self) -> list[str]:
        """Host key algorithms to ask for: those of keys on record first, so that a match is found."""
        known = {name for key in self.keys for name in _signatures(key.key)}
        plain = sorted(PLAIN_ALGORITHMS, key=lambda name: name not in known)
        certified = [name + _CERTIFICATE for name in PLAIN_ALGORITHMS] if self.authorities else []
        return certified + plain


def _signatures(key: asyncssh.SSHKey) -> set[str]:
    name = key.get_algorithm()
    return {"rsa-sha2-512", "rsa-sha2-256"} if name == "ssh-rsa" else {name}


def look_up(files: Iterable[Path], host: str, port: int) -> KnownHost:
    """What the known_hosts files say of host; a missing or unreadable file says nothing, nor does a bad line.

    A line for the bare name counts on other ports as well when no line names the port, as in OpenSSH.
    """
    host = host.lower()
    exact: list[KnownKey] = []
    bare: list[KnownKey] = []
    authorities: list[asyncssh.SSHKey] = []
    revoked: list[asyncssh.SSHKey] = []
    for file in files:
        for number, line in enumerate(_lines(file), 1):
            entry = asyncssh.SSHKnownHosts()
            try:
                entry.load(line)
                plain = entry.match(host, "", None)
                named = plain if port == DEFAULT_PORT else entry.match(f"[{host}]:{port}", "", None)
            except ValueError:
                continue  # OpenSSH skips what it cannot read, too
            place = f"{file}:{number}"
            exact += [KnownKey(key, place) for key in named[0]]
            bare += [KnownKey(key, place) for key in plain[0]]
            for found in (named, plain):
                authorities += found[1]
                revoked += found[2]
    return KnownHost(host, port, exact or bare, authorities, revoked)


def _lines(file: Path) -> list[str]:
    try:
        with file.open("r", encoding="utf-8", errors="replace") as text:
            return text.read(MAX_FILE).splitlines()
    except OSError:
        return []


def judge(known: KnownHost, key: asyncssh.SSHKey) -> Unreachable | None:
    """None for a key on record; else the error to raise: HostKeyUnknown or HostKeyChanged."""
    if key in known.revoked:
        return _problem(HostKeyChanged, known, key, f"the key of {known.pattern} is marked as revoked", "")
    if any(key == entry.key for entry in known.keys):
        return None
    if not known.keys:
        return _problem(
            HostKeyUnknown,
            known,
            key,
            f"the key of {known.pattern} is not known: {key.get_algorithm()} {key.get_fingerprint()}",
            "compare the fingerprint with the machine's, then accept it",
        )
    places = ", ".join(sorted({entry.place for entry in known.keys}))
    return _problem(
        HostKeyChanged,
        known,
        key,
        f"the key of {known.pattern} is not the one on record: it shows "
        f"{key.get_algorithm()} {key.get_fingerprint()}",
        f"someone may be listening in; if you know why it changed, remove the old line: {places}",
    )


def untrusted(known: KnownHost, reason: str) -> HostKeyChanged:
    """The error for a host certificate or revoked key that must not be trusted; reason in English."""
    return HostKeyChanged(
        f"{known.pattern} cannot be trusted: {reason}",
        "known_hosts marks the key as revoked, or has another certificate authority for it",
        host=known.host,
        port=known.port,
    )


def _problem(
    kind: type[Unreachable], known: KnownHost, key: asyncssh.SSHKey, message: str, hint: str
) -> Unreachable:
    return kind(
        message,
        hint or "do not connect before its administrator explained it",
        host=known.host,
        port=known.port,
        algorithm=key.get_algorithm(),
        fingerprint=key.get_fingerprint(),
        key=_public_text(key),
        line=f"{known.pattern} {_public_text(key)}",
        known=[entry.key.get_fingerprint() for entry in known.keys],
    )


def _public_text(key: asyncssh.SSHKey) -> str:
    """Algorithm and base64 of a public key, without its comment."""
    return " ".join(key.export_public_key("openssh").decode("ascii", "replace").split()[:2])


class HostKeys:
    """Checks the key of every host of one connection, and records accepted ones in our own file.

    own: our known_hosts file. accept: fingerprints (SHA256:...) the user accepted just now.
    """

    def __init__(self, own: Path, accept: Collection[str] = ()) -> None:
        self.own = own
        self.accept = frozenset(accept)

    def known(self, files: Sequence[Path], host: str, port: int) -> KnownHost:
        """What the user's files and our own say of a host; reads files, so call it off the event loop."""
        return look_up([*files, self.own], host, port)

    def check(self, known: KnownHost, key: asyncssh.SSHKey, strict: str = "ask") -> Unreachable | None:
        """None when the key may be trusted, else the error.

        strict: the user's StrictHostKeyChecking. With accept-new a new key is recorded and trusted; with
        yes nothing is ever recorded; "no" counts as ask, since it would make every check worthless.
        """
        problem = judge(known, key)
        if not isinstance(problem, HostKeyUnknown):
            return problem
        if strict == "yes":
            problem.hint = (
                "your ssh_config says StrictHostKeyChecking yes: add the key to known_hosts yourself"
            )
            return problem
        if strict == "accept-new" or key.get_fingerprint() in self.accept:
            record(self.own, problem.data["line"])
            return None
        return problem


def record(own: Path, line: str) -> None:
    """Append a line to our own known_hosts, once; raises StoreError when it cannot be written."""
    try:
        own.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(own, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            content = file.read()
            data = line.strip().encode("ascii", "replace") + b"\n"
            if data.strip() in content.splitlines():
                return
            if content and not content.endswith(b"\n"):
                data = b"\n" + data
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        message = f"cannot record the host key in {own}: {error.strerror}"
        raise StoreError(message, "free space, or fix the mode of the file") from error
