"""The address of a machine: [USER@]HOST[:PORT], also of each hop of a jump list. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from workbench.errors import UsageError

_ADDRESS = re.compile(
    r"^(?:(?P<user>[^@\s:][^\s]*)@)?(?:\[(?P<v6>[0-9A-Fa-f:.%A-Za-z]+)\]|(?P<host>[^@:\s\[\]]+))(?::(?P<port>[0-9]{1,5}))?$"
)
_BARE_V6 = re.compile(
    r"^(?:(?P<user>[^@\s:][^\s]*)@)?(?P<host>[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.%A-Za-z]*)$"
)
_UNSAFE = re.compile(r"[\x00-\x20\x7f'\"`$\\;&|<>()*?!{}]")


class Address(NamedTuple):
    """Where to go; None = as ssh_config or the default says."""

    host: str
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host and self.port else self.host
        return (f"{self.user}@" if self.user else "") + host + (f":{self.port}" if self.port else "")


def parse_address(text: str) -> Address:
    """The parts of an address; raises UsageError for one that no machine can have.

    A leading "-" and shell characters are refused: addresses reach ssh's command line and proxy commands.
    """
    match = _ADDRESS.match(text) or _BARE_V6.match(text)
    parts = match.groupdict() if match else {}
    host = parts.get("v6") or parts.get("host") or ""
    user, port = parts.get("user"), int(parts.get("port") or 0)
    wrong = not host or host.startswith("-") or (user or "").startswith("-") or port > 65535
    if wrong or _UNSAFE.search(text) or (parts.get("port") and not port):
        raise UsageError(
            f"{text[:200]!r} is no address", "write [USER@]HOST[:PORT] or a Host of ~/.ssh/config"
        )
    return Address(host, user, port or None)


def parse_jump(text: str | None) -> list[Address]:
    """The hops of a ProxyJump list, nearest first; "none" and nothing are no hops."""
    if not text or text.lower() == "none":
        return []
    return [parse_address(hop.strip().removeprefix("ssh://").rstrip("/")) for hop in text.split(",")]
