"""One hop of the way to a machine: its options, its keys, its sign-in, and what went wrong with it."""

from __future__ import annotations

import asyncio
import os
import shlex
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import asyncssh

from workbench.compute.address import Address
from workbench.compute.host_keys import DEFAULT_PORT, HostKeys, KnownHost
from workbench.compute.identities import sort_identities, without_agents
from workbench.compute.signin import SignIn
from workbench.compute.ssh_client import HopClient
from workbench.compute.ssh_config import Survey
from workbench.compute.ssh_errors import explain, refused
from workbench.errors import NeedsSignIn, WorkbenchError
from workbench.text.sanitize import clean_name

KEEPALIVE = 15
"""Seconds of silence after which a machine is asked, unless ssh_config has a ServerAliveInterval."""

# AES-GCM is in the processor; asyncssh by itself would agree on chacha20, at half the speed.
FAST_CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"


class Manner(NamedTuple):
    """How every hop of a connection is joined."""

    host_keys: HostKeys
    sign_in: SignIn
    timeout: float
    """Seconds a hop gets to be reached and to let us in; questions to the user do not count."""
    identity: Path | None = None
    """The one key file to use for the machine itself; hops use what ssh_config names."""


async def join_hop(
    address: Address, found: Survey, over: asyncssh.SSHClientConnection | None, manner: Manner
) -> asyncssh.SSHClientConnection:
    """Connect to one host and sign in, through the connection `over` when there is one.

    Raises Unreachable, NeedsSignIn, HostKeyUnknown, HostKeyChanged, StoreError.
    """
    known = await asyncio.to_thread(_known, found, manner.host_keys)
    files = [manner.identity] if manner.identity else found.identities
    keys = await asyncio.to_thread(sort_identities, files)
    encrypted = await without_agents(keys.encrypted, _agent(found))
    timeout = float(found.options.get("ConnectTimeout") or manner.timeout)
    client: HopClient | None = None
    with _proxy_command(found, used=over is None) as (proxy, complaint):
        try:
            async with asyncio.timeout(timeout) as scope:
                asking = _pausing(scope, timeout)
                client = HopClient(
                    _name(found), known, manner.host_keys, manner.sign_in, found.strict, encrypted, asking
                )
                options = hop_options(found, known, keys.plain, only=manner.identity)
                if proxy is not None:
                    options["proxy_command"] = proxy
                return await asyncssh.connect(
                    address.host,
                    address.port or (),
                    username=address.user or (),
                    tunnel=over or (),
                    client_factory=_once(client),
                    **options,
                )
        except (OSError, asyncssh.Error, ValueError) as error:
            raise _problem(error, client, found, complaint()) from error


def hop_options(found: Survey, known: KnownHost, keys: list[Path], only: Path | None) -> dict[str, Any]:
    """asyncssh's options for a host, beside what it reads from ssh_config itself."""
    trusted = [entry.key for entry in known.keys]
    options: dict[str, Any] = {
        "config": [str(path) for path in found.paths],
        # A function, never None: None would trust every key.
        "known_hosts": lambda *_: (trusted, known.authorities, known.revoked),
        "client_keys": [str(path) for path in keys],
        "ignore_encrypted": True,
        "connect_timeout": None,
        "login_timeout": 0,
        "canonicalize_hostname": False,
        "gss_kex": False,
        "gss_auth": False,
        "host_based_auth": False,
        "pkcs11_provider": None,
    }
    if "HostKeyAlgorithms" not in found.options:
        options["server_host_key_algs"] = known.algorithms()
    if "Ciphers" not in found.options:
        options["encryption_algs"] = FAST_CIPHERS
    if not found.options.get("ServerAliveInterval"):
        options["keepalive_interval"] = KEEPALIVE
    if only is not None or found.identities_only:
        files = [only] if only else found.identities
        options["agent_identities"] = [f"{file}.pub" for file in files if Path(f"{file}.pub").is_file()]
    return options


def _known(found: Survey, host_keys: HostKeys) -> KnownHost:
    name, port = (found.alias, DEFAULT_PORT) if found.alias else (found.host, found.port)
    return host_keys.known(found.known_hosts, name, port)


def _name(found: Survey) -> str:
    return f"{found.user}@{found.host}" + (f":{found.port}" if found.port != DEFAULT_PORT else "")


def _agent(found: Survey) -> str | None:
    """The socket of the agent that counts; None for none."""
    named = found.options.get("IdentityAgent", os.environ.get("SSH_AUTH_SOCK"))
    if named == "SSH_AUTH_SOCK":
        named = os.environ.get("SSH_AUTH_SOCK")
    return os.path.expanduser(str(named)) if named else None


def _once(client: HopClient) -> Callable[[], HopClient]:
    return lambda: client


def _pausing(scope: asyncio.Timeout, timeout: float) -> Callable[[bool], None]:
    """Stops the clock while the user is asked, starts it anew afterwards."""

    def asking(begun: bool) -> None:
        with suppress(RuntimeError):  # the attempt ended while the user was asked
            scope.reschedule(None if begun else asyncio.get_running_loop().time() + timeout)

    return asking


@contextmanager
def _proxy_command(found: Survey, *, used: bool) -> Iterator[tuple[list[str] | None, Callable[[], str]]]:
    """The ProxyCommand as an argv that a shell runs, as OpenSSH does, and what it last complained of.

    Its error output goes to a file: asyncssh would take it for the machine's own bytes. The pipe it came
    with stays open beside it, since asyncssh takes the end of any pipe for the end of the connection.
    """
    if not used or found.proxy_command is None:
        yield None, str
        return
    with tempfile.NamedTemporaryFile(prefix="workbench-proxy-") as log:
        script = f"exec 3>&2 2>{shlex.quote(log.name)}; exec {found.proxy_command}"
        yield ["/bin/sh", "-c", script], lambda: _last_line(log.name)


def _last_line(path: str) -> str:
    with open(path, "rb") as file:
        lines = file.read(65536).decode("utf-8", "replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "")


def _problem(error: Exception, client: HopClient | None, found: Survey, complaint: str) -> WorkbenchError:
    """What to raise instead of asyncssh's error."""
    if client is not None and client.problem is not None:
        return client.problem
    if isinstance(error, asyncssh.HostKeyNotVerifiable) and client is not None:
        return client.unverifiable(str(error))
    name = _name(found)
    tried = client.tried if client is not None else []
    if isinstance(error, asyncssh.PermissionDenied) or "authentication failures" in str(error):
        return refused(name, tried)
    if client is not None and client.asked:
        return NeedsSignIn(f"{name} closed the connection during the sign-in", "try again: wb compute login")
    problem = explain(error, found.host, found.port)
    if complaint:
        problem.message += f" (the proxy command said: {clean_name(complaint, 200)})"
        problem.args = (problem.message,)
    return problem
