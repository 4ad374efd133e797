"""Attaching a machine: measure it over its link, propose settings that suit it, say what is special."""

from __future__ import annotations

import json
import time
from typing import Any

from workbench.compute.channel import READ, Host
from workbench.compute.link import Link
from workbench.entities.base import Entity, replace
from workbench.entities.target import Target, TargetSettings
from workbench.errors import NoPython, RemoteError
from workbench.text import sizes
from workbench.text.sanitize import clean, clean_name

PROBE_SECONDS = 60.0
MAX_OUTPUT = 1 << 20
GIB = 1 << 30

NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "gpfs", "beegfs", "ceph", "afs", "panfs", "9p",
     "fuse.sshfs", "fuse.glusterfs", "glusterfs", "wekafs", "orangefs", "pvfs2", "fuse.juicefs"}
)  # fmt: skip
SMALL_HOME = 20 * GIB
"""A home with less free space than this is no place for checkpoints, when a better one is there."""

ROOMY = 50 * GIB
SLOW_CHANNEL = 0.15
"""Seconds a new channel may take beyond the network's round trip before the rc files are named."""


class Disk(Entity, frozen=True, kw_only=True):
    """A place on a local disk where the user may write."""

    path: str
    fs: str
    free: int
    """Bytes."""
    own: bool = False
    """Whether the folder is the user's, by its name."""


class Measurement(Entity, frozen=True, kw_only=True):
    """What attach found out of a machine."""

    facts: dict[str, Any] = {}
    """The machine's answer to `facts`."""
    python: str | None = None
    """Absolute path of the interpreter that answered."""
    disks: list[Disk] = []
    noise: str = ""
    """The first of what its shell start-up files print, cleaned."""
    noise_size: int = 0
    """Bytes they print in all."""
    round_trip: float | None = None
    """Seconds of a request and its answer on the open link."""
    channel: float | None = None
    """Seconds a new channel takes that runs nothing; None where none could be had."""
    unsupported: list[str] = []
    """What of the user's ssh_config has no effect, a sentence each."""


async def measure(link: Link, host: Host) -> Measurement:
    """Ask a machine for its facts and time it. Raises Unreachable and what the machine answers."""
    facts = await link.call("facts", timeout=PROBE_SECONDS)
    return Measurement(
        facts=facts,
        python=_path(link.hello.get("python")),
        disks=await _disks(link),
        noise=clean(link.noise.decode("utf-8", "replace"), 200).strip(),
        noise_size=link.noise_size,
        round_trip=await _fastest_ping(link),
        channel=await _channel_time(host),
        unsupported=_unsupported(host),
    )


async def _fastest_ping(link: Link) -> float:
    times = []
    for _ in range(3):
        begun = time.monotonic()
        await link.call("ping", timeout=PROBE_SECONDS)
        times.append(time.monotonic() - begun)
    return min(times)


async def _channel_time(host: Host) -> float | None:
    """The faster of two bare channels; None when the machine allows no second one beside the link."""
    times = []
    for _ in range(2):
        begun = time.monotonic()
        try:
            channel = await host.open("exec true")
        except RemoteError:
            raise
        except (OSError, NoPython):
            return None
        try:
            while await channel.read(READ):
                pass
        except OSError:
            return None
        finally:
            await channel.close()
        times.append(time.monotonic() - begun)
    return min(times)


def _unsupported(host: Host) -> list[str]:
    """Only the asyncssh transport leaves anything of ssh_config out; its host knows what applies."""
    found = getattr(host, "survey", None)
    if found is None:
        return []
    from workbench.compute.ssh_keywords import unsupported

    return unsupported(found)
