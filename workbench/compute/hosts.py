"""Which way a target is reached: this machine itself, asyncssh, or the system's ssh."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from workbench.compute.channel import Host
from workbench.compute.local import LocalHost
from workbench.compute.signin import NobodyToAsk, SignIn
from workbench.entities.target import Target, TargetKind, Transport


def make_host(
    target: Target, *, known_hosts: Path, sign_in: SignIn | None = None, accept_keys: Collection[str] = ()
) -> Host:
    """The host for a target; nothing is connected yet.

    known_hosts: our own file of accepted host keys. sign_in: who answers prompts, nobody when absent.
    accept_keys: fingerprints the user accepted just now. Raises UsageError for a target without an address.
    """
    if target.kind is TargetKind.LOCAL:
        return LocalHost()
    who = sign_in if sign_in is not None else NobodyToAsk()
    # Each SSH library is imported only where it is used: importing asyncssh costs 0.2 s.
    if target.settings.transport is Transport.OPENSSH:
        from workbench.compute.openssh import OpensshHost

        return OpensshHost(target.settings, known_hosts, who, accept_keys)
    from workbench.compute.asyncssh_host import AsyncsshHost

    return AsyncsshHost(target.settings, known_hosts, who, accept_keys)
