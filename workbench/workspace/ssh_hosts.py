"""The hosts the caller's own ssh_config names: what can be attached without typing an address."""

from __future__ import annotations

from pathlib import Path


def ssh_hosts() -> list[str]:
    """The names one can say after `ssh`, in the order of ~/.ssh/config and what it includes."""
    from workbench.compute.ssh_config import host_aliases  # brings asyncssh

    return host_aliases(Path("~/.ssh/config").expanduser())
