"""Why a connection could not be made, in words: from asyncssh's and the system's exceptions. Pure."""

from __future__ import annotations

import errno
import socket

import asyncssh

from workbench.errors import NeedsSignIn, Unreachable
from workbench.text.sanitize import clean_name

_TRY = "try the same with: ssh -v"


def explain(error: BaseException, host: str, port: int) -> Unreachable:
    """The Unreachable that says what went wrong on the way to host; texts of the machine are cleaned."""
    where = f"{host} port {port}"
    said = clean_name(str(error), 300)
    if isinstance(error, socket.gaierror):
        return Unreachable(
            f"the name {host} does not resolve", "check the spelling, the VPN, or HostName in ssh_config"
        )
    if isinstance(error, TimeoutError):
        return Unreachable(
            f"{where} does not answer: timed out", "the machine may be off, or a firewall drops packets"
        )
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(f"{where} refused the connection", "no SSH server listens there; check the port")
    if isinstance(error, OSError) and error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return Unreachable(f"there is no route to {where}", "check the network or the VPN")
    if isinstance(error, asyncssh.ChannelOpenError):
        return Unreachable(
            f"the jump host could not reach {where}: {said}", "check the name as the jump host sees it"
        )
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return Unreachable(
            f"{where} and this side agree on no algorithm: {said}", "transport openssh may know an older one"
        )
    if isinstance(error, asyncssh.ConnectionLost | ConnectionError):
        return Unreachable(f"{where} closed the connection: {said}", _TRY)
    if isinstance(error, asyncssh.Error):
        return Unreachable(f"{where} broke off: {said}", _TRY)
    return Unreachable(f"{where} cannot be reached: {said or type(error).__name__}", _TRY)


def refused(name: str, tried: list[str]) -> NeedsSignIn:
    """The error for a machine that let none of our keys or answers in; tried: SSH's names of methods."""
    what = ", ".join(tried) or "no method both sides know"
    return NeedsSignIn(
        f"{name} did not let us in (tried: {what})",
        "put your public key into its ~/.ssh/authorized_keys, or name another key with --identity",
        tried=tried,
    )


def broken(error: BaseException) -> ConnectionResetError:
    """An asyncssh error on an open channel as the OSError that channels raise."""
    return ConnectionResetError(clean_name(str(error), 300) or type(error).__name__)
