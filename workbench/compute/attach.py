"""Attaching a machine: measure it over its link; `propose` and `card` make something of it."""

from __future__ import annotations

import posixpath
import time

from workbench.compute.channel import READ, Host
from workbench.compute.link import Link
from workbench.compute.machine_card import card
from workbench.compute.measurement import Disk, Measurement, absolute_path, parse_disks
from workbench.compute.payload import build_payload
from workbench.compute.proposal import propose, shell_notes
from workbench.entities.base import replace
from workbench.errors import Unreachable
from workbench.text.sanitize import clean

__all__ = ["Disk", "Measurement", "card", "measure", "measure_shell", "propose", "shell_notes"]

PROBE_SECONDS = 60.0
MAX_OUTPUT = 1 << 20


async def measure(link: Link, host: Host) -> Measurement:
    """Ask a machine for its facts and time it. Raises Unreachable and what the machine answers."""
    facts = await link.call("facts", timeout=PROBE_SECONDS)
    return replace(
        await measure_shell(link, host),
        facts=facts,
        python=absolute_path(link.hello.get("python")),
        disks=await _disks(link),
        unsupported=_unsupported(host),
    )


async def measure_shell(link: Link, host: Host) -> Measurement:
    """What the machine's shell start-up files print and cost, and nothing else. Raises Unreachable."""
    return Measurement(
        noise=clean(link.noise.decode("utf-8", "replace"), 200).strip(),
        noise_size=link.noise_size,
        round_trip=await _fastest_ping(link),
        channel=await _channel_time(host),
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
        except Unreachable:
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


SIGN_IN = ("gssapi", "hostbased", "enablesshkeysign")


def _unsupported(host: Host) -> list[str]:
    """Only the asyncssh transport leaves anything of ssh_config out; its host knows what applies."""
    found = getattr(host, "survey", None)
    if found is None:
        return []
    from workbench.compute.ssh_keywords import unsupported

    # Somebody who is in did not need the other ways to sign in that a distribution turns on for everyone.
    return [note for note in unsupported(found) if not note.lower().startswith(SIGN_IN)]


async def _disks(link: Link) -> list[Disk]:
    payload = posixpath.join(str(link.hello["root"]), "payload", f"{build_payload().sha}.pyz")
    program = f"import sys;sys.path.insert(0,{payload!a});from workbench.remote.disk.disks import main;main()"
    argv = [str(link.hello["python"]), "-I", "-S", "-c", program]
    output = ""
    async with link.stream("exec", {"argv": argv, "timeout": PROBE_SECONDS}) as stream:
        async for event in stream:
            if isinstance(event, dict) and len(output) < MAX_OUTPUT:
                output += str(event.get("out", ""))
    return parse_disks(output)
