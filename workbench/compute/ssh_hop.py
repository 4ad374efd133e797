"""One hop of the way to a machine: its options, its keys, its sign-in, and what went wrong with it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
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
from workbench.compute.ssh_way import LAST_WORDS, Direct, ProxyCommand
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


class Hop(NamedTuple):
    """A host we are signed in to."""

    connection: asyncssh.SSHClientConnection
    way: Direct | ProxyCommand | None
    """What carries it, when no hop before it does."""

    async def leave(self) -> None:
        """Break the connection off and end what carried it."""
        self.connection.abort()
        await self.connection.wait_closed()
        if self.way is not None:
            await self.way.close()


async def join_hop(
    address: Address, found: Survey, over: asyncssh.SSHClientConnection | None, manner: Manner
) -> Hop:
    """Connect to one host and sign in, through the connection `over` when there is one.

    Raises Unreachable, NeedsSignIn, HostKeyUnknown, HostKeyChanged, StoreError.
    """
    known = await asyncio.to_thread(_known, found, manner.host_keys)
    files = [manner.identity] if manner.identity else found.identities
    keys = await asyncio.to_thread(sort_identities, files)
    encrypted = await without_agents(keys.encrypted, _agent(found))
    timeout = float(found.options.get("ConnectTimeout") or manner.timeout)
    own_way = None if over is not None else way(found)
    client: HopClient | None = None
    try:
        async with asyncio.timeout(timeout) as scope:
            asking = _pausing(scope, timeout)
            client = HopClient(
                _name(found), known, manner.host_keys, manner.sign_in, found.strict, encrypted, asking
            )
            connection = await asyncssh.connect(
                address.host,
                address.port or (),
                username=address.user or (),
                tunnel=over or own_way,
                client_factory=_once(client),
                **hop_options(found, known, keys.plain, only=manner.identity),
            )
            return Hop(connection, own_way)
    except (OSError, asyncssh.Error, ValueError) as error:
        complaint = await _last_words(own_way, error) if own_way is not None else ""
        raise _problem(error, client, found, complaint) from error
    except asyncio.CancelledError:
        if own_way is not None:
            await own_way.close()
        raise


async def _last_words(own_way: Direct | ProxyCommand, error: Exception) -> str:
    """End the way that failed; what its command says of it, waited for where the command broke off."""
    broke_off = isinstance(error, asyncssh.ConnectionLost | ConnectionError)
    try:
        return await own_way.complaint(LAST_WORDS if broke_off else 0)
    finally:
        await own_way.close()


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
        named = [public for file in ([only] if only else found.identities) if (public := _public(file))]
        # asyncssh takes an empty list for "any key of the agent"; without a name none of them counts.
        options.update({"agent_identities": named} if named else {"agent_path": None})
    return options


def _public(file: Path) -> str | None:
    """The public key that names a key of the agent: beside the private one, or the file itself."""
    beside = Path(f"{file}.pub")
    return str(beside) if beside.is_file() else str(file) if file.suffix == ".pub" else None


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


def way(found: Survey) -> Direct | ProxyCommand:
    """How bytes get to a host that is not behind a jump host."""
    if found.proxy_command is not None:
        return ProxyCommand(found.proxy_command)
    return Direct(found.options.get("AddressFamily") or 0, found.options.get("BindAddress"))


def _problem(error: Exception, client: HopClient | None, found: Survey, complaint: str) -> WorkbenchError:
    """What to raise instead of asyncssh's error."""
    if client is not None and client.problem is not None:
        return client.problem
    if isinstance(error, asyncssh.HostKeyNotVerifiable) and client is not None:
        return client.unverifiable(str(error))
    name = _name(found)
    said = client.said if client is not None else ""
    if isinstance(error, asyncssh.PermissionDenied) or "authentication failures" in str(error):
        problem: WorkbenchError = refused(name, client.tried if client is not None else [])
    elif client is not None and client.asked:
        problem = NeedsSignIn(
            f"{name} closed the connection during the sign-in", "try again: wb compute login"
        )
    else:
        problem = explain(error, found.host, found.port)
    if said.strip():  # it often is the reason: an account that expired, a machine about to go down
        problem = _with(problem, f"; it said: {clean_name(said, 300)}")
    if complaint:
        problem = _with(problem, f" (the proxy command said: {clean_name(complaint, 200)})")
    return problem


def _with(problem: WorkbenchError, more: str) -> WorkbenchError:
    problem.message += more
    problem.args = (problem.message,)
    return problem
