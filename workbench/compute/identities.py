"""Which private key files can be offered to a machine, and which need a pass phrase first."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import asyncssh

UserKey = asyncssh.SSHKey | tuple[asyncssh.SSHKey, str]
"""A private key, alone or with the file of its certificate."""


class Identities(NamedTuple):
    """Private key files sorted by what they need; files that hold no private key are in none of them."""

    plain: list[Path]
    encrypted: list[Path]
    security: list[Path]
    """Keys that live on a FIDO token; only the system's ssh can use them."""


def sort_identities(files: Iterable[Path]) -> Identities:
    """Look into each file; reads files, so call it off the event loop."""
    found = Identities([], [], [])
    for file in files:
        if _public_algorithm(file).startswith("sk-"):
            found.security.append(file)
            continue
        try:
            asyncssh.read_private_key(str(file))
        except asyncssh.KeyEncryptionError:
            found.encrypted.append(file)
        except asyncssh.KeyImportError as error:
            if str(error).startswith("Passphrase"):
                found.encrypted.append(file)
        except OSError:
            continue
        else:
            found.plain.append(file)
    return found


def _public_algorithm(file: Path) -> str:
    try:
        return asyncssh.read_public_key(f"{file}.pub").get_algorithm()
    except (OSError, asyncssh.KeyImportError):
        return ""


async def without_agents(files: list[Path], agent: str | None) -> list[Path]:
    """files less those whose key the agent holds: it offers them itself, no pass phrase is needed."""
    if not files or not agent:
        return files
    try:
        async with asyncssh.connect_agent(agent) as connection:
            held = {key.public_data for key in await connection.get_keys()}
    except (OSError, ValueError):
        return files  # no agent, or one that is locked
    return [file for file in files if _public_data(file) not in held]


def _public_data(file: Path) -> bytes | None:
    try:
        return bytes(asyncssh.read_public_key(f"{file}.pub").public_data)
    except (OSError, asyncssh.KeyImportError):
        return None


def with_certificate(file: Path, key: asyncssh.SSHKey) -> UserKey:
    """key together with the certificate that lies beside its file, if one does."""
    certificate = Path(f"{file}-cert.pub")
    return (key, str(certificate)) if certificate.is_file() else key
