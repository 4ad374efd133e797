"""The hosts the caller's own ssh_config names: what can be attached without typing an address."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from workbench.errors import WorkbenchError

MOST = 500
"""Hosts that are looked at."""


class SshHost(NamedTuple):
    """A Host entry and where it leads."""

    name: str
    """What one says after `ssh`."""
    address: str = ""
    """USER@HOST:PORT as the configuration has it; empty where it cannot be read."""
    known: bool = False
    """Whether known_hosts has a key for it, so that attaching asks nothing about it."""


def ssh_hosts() -> list[SshHost]:
    """The hosts of ~/.ssh/config and what it includes, in order. Reads files: not for an event loop."""
    from workbench.compute.ssh_config import host_aliases  # brings asyncssh

    names = host_aliases(Path("~/.ssh/config").expanduser())
    return [_surveyed(name) for name in names[:MOST]]


def _surveyed(name: str) -> SshHost:
    from workbench.compute.address import Address, parse_address
    from workbench.compute.host_keys import look_up
    from workbench.compute.ssh_config import config_paths, survey

    try:
        found = survey(parse_address(name), config_paths(None))
    except WorkbenchError:
        return SshHost(name)  # attaching it says what is wrong
    known = look_up(found.known_hosts, found.alias or found.host, found.port)
    port = found.port if found.port != 22 else None
    return SshHost(name, str(Address(found.host, found.user, port)), bool(known.keys or known.authorities))
