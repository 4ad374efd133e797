"""What the system's ssh says, as our errors: its questions, its complaints, its view of ssh_config. Pure."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from workbench.compute.signin import PromptKind
from workbench.errors import HostKeyChanged, HostKeyUnknown, NeedsSignIn, Unreachable
from workbench.text.sanitize import clean

_AUTHENTICITY = re.compile(r"authenticity of host '(?P<host>[^']*)'")
_FINGERPRINT = re.compile(
    r"(?P<algorithm>[A-Za-z0-9-]+) key fingerprint is (?P<fingerprint>[A-Za-z0-9]+:\S+?)\.?\s"
)
_CHANGED = re.compile(
    r"fingerprint for the (?P<algorithm>\S+) key sent by the remote host is\s+"
    r"(?P<fingerprint>[A-Za-z0-9]+:\S+?)\.?\s"
)
_OFFENDING = re.compile(r"Offending \S+ key in (\S+)")
_NAME = re.compile(r"^\[?(?P<host>[^\]\s]+?)\]?(?::(?P<port>\d+))?(?: \(.*\))?$")
_RESOLVE = re.compile(r"Could not resolve hostname (\S+?):? (.*)")
_CONNECT = re.compile(r"connect to (?:host|address) (\S+) port (\d+): (.*)")
_ENDED = re.compile(r"Connection (?:closed|reset) by |Received disconnect from |Disconnected from ")
_OWN = re.compile(rf"{_ENDED.pattern}|Warning: Permanently added |debug\d: |kex_exchange_identification: ")
_DENIED = re.compile(r"Permission denied(?:, please try again| \(([^)]*)\))")

_ALGORITHMS = {"ED25519": "ssh-ed25519", "RSA": "ssh-rsa", "ECDSA": "ecdsa-sha2-nistp256", "DSA": "ssh-dss"}


class HostKeyQuestion(NamedTuple):
    """ssh asks whether a key it does not know may be trusted."""

    host: str
    port: int
    algorithm: str
    fingerprint: str

    def error(self, *, strict: bool) -> HostKeyUnknown:
        """The error for a key nobody accepted; strict: ssh_config forbids accepting it here."""
        where = self.host if self.port == 22 else f"[{self.host}]:{self.port}"
        hint = "compare the fingerprint with the machine's, then accept it"
        if strict:
            hint = "your ssh_config says StrictHostKeyChecking yes: add the key to known_hosts yourself"
        return HostKeyUnknown(
            f"the key of {where} is not known: {self.algorithm} {self.fingerprint}", hint, **self._asdict()
        )


def host_and_port(name: str) -> tuple[str, int]:
    """The parts of a name as known_hosts writes it: gpu1, [gpu1]:2222, with " (address)" behind or not."""
    match = _NAME.match(name.strip())
    if match is None:
        return clean(name, 200), 22
    return clean(match["host"], 200), int(match["port"] or 22)


def host_key_question(text: str) -> HostKeyQuestion | None:
    """The question whether to trust a key, None when it is another one."""
    host, key = _AUTHENTICITY.search(text), _FINGERPRINT.search(text)
    if host is None or key is None or "yes/no" not in text:
        return None
    algorithm = _ALGORITHMS.get(key["algorithm"], key["algorithm"])
    return HostKeyQuestion(*host_and_port(host[1]), algorithm, clean(key["fingerprint"], 200))


def prompt_kind(text: str) -> PromptKind:
    """What sort of answer a question of ssh wants."""
    lower = text.lower()
    if "passphrase" in lower:
        return "passphrase"
    return "password" if "password" in lower else "code"


def explain(stderr: str, where: str, port: int) -> Unreachable:
    """The error that ssh's last words mean; where: the host in our words, port: the one it listens on."""
    said = clean(stderr, 8000)
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in said:
        return _changed(said, where, port)
    if "Host key verification failed" in said or "you have requested strict checking" in said:
        return HostKeyUnknown(
            f"the key of {where} is not known", "connect once with ssh and check its fingerprint",
            host=where, port=port, algorithm="", fingerprint="",
        )  # fmt: skip
    if denied := _DENIED.search(said):
        offered = f" (it takes: {denied[1].replace(',', ', ')})" if denied[1] else ""
        return NeedsSignIn(
            f"{where} does not let us in{offered}{_told(said)}",
            "sign in with: wb compute login, or add your key there",
        )
    if resolve := _RESOLVE.search(said):
        return Unreachable(
            f"the name {resolve[1].rstrip(':')} cannot be resolved: {resolve[2]}", "check its spelling"
        )
    if connect := _CONNECT.search(said):
        return Unreachable(f"{connect[1]} port {connect[2]}: {connect[3].lower()}", _connect_hint(connect[3]))
    words = [line.strip() for line in said.splitlines() if line.strip()]
    if any("timed out" in word.lower() for word in words):
        return Unreachable(f"{where} did not answer in time", _connect_hint("timed out"))
    last = words[-1] if words else "ssh ended without saying why"
    told = _told(said) if _ENDED.match(last) else ""
    return Unreachable(f"{where} cannot be reached: {last[:500]}{told}", "try the same with: ssh -v")


def _told(said: str) -> str:
    """What the machine said last before it let go of us, where that is not ssh's own."""
    lines = [line.strip() for line in said.splitlines()]
    theirs = [line for line in lines if line and not (_OWN.match(line) or _DENIED.search(line))]
    return f"; it said: {theirs[-1][:300]}" if theirs else ""


def _connect_hint(reason: str) -> str:
    if "refused" in reason.lower():
        return "nothing listens there: is sshd running, is the port right?"
    if "timed out" in reason.lower():
        return "is the machine up, is a firewall or a VPN in the way?"
    return "is the network up?"


def _changed(said: str, where: str, port: int) -> HostKeyChanged:
    key = _CHANGED.search(said + "\n")
    algorithm = _ALGORITHMS.get(key["algorithm"], key["algorithm"]) if key else ""
    fingerprint = clean(key["fingerprint"], 200) if key else ""
    old = _OFFENDING.search(said)
    line = f"remove the old line: {old[1]}" if old else "remove the old line from known_hosts"
    return HostKeyChanged(
        f"the key of {where} is not the one on record: it shows {algorithm} {fingerprint}",
        f"someone may be listening in; if you know why it changed, {line}",
        host=where,
        port=port,
        algorithm=algorithm,
        fingerprint=fingerprint,
    )


class Resolved(NamedTuple):
    """What ssh_config means for one host, as `ssh -G` prints it."""

    host: str
    port: int
    user: str
    strict: str
    """StrictHostKeyChecking: yes, ask, accept-new or no."""
    known_hosts: list[str]
    control_path: str | None
    connect_timeout: float | None
    """Seconds, when the user chose some."""


def parse_resolved(text: str) -> Resolved:
    """The output of `ssh -G`; what is missing has ssh's defaults."""
    values: dict[str, Any] = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        values.setdefault(key.lower(), value.strip())
    strict = values.get("stricthostkeychecking", "ask")
    path = values.get("controlpath", "none")
    patience = values.get("connecttimeout", "none")
    return Resolved(
        host=values.get("hostname", ""),
        port=int(values.get("port", 22)),
        user=values.get("user", ""),
        strict={"true": "yes", "false": "no", "off": "no"}.get(strict, strict),
        known_hosts=values.get("userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2").split(),
        control_path=None if path == "none" else path,
        connect_timeout=float(patience) or None if patience.isdigit() else None,
    )
