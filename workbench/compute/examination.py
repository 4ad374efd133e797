"""What a doctor finds from this side of a connection: clock, start-up files, how many sessions it allows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from workbench.compute.attach import measure_shell
from workbench.compute.channel import Channel, Host
from workbench.compute.link import Link
from workbench.compute.local import LocalHost
from workbench.compute.measurement import Measurement
from workbench.compute.proposal import rc_cost, shell_notes
from workbench.errors import Unreachable
from workbench.remote.doctor.checks import ailing, well
from workbench.text import durations
from workbench.text.numbers import finite
from workbench.text.sanitize import clean_name

Check = dict[str, Any]
PINGS = 5
TRIED = 4
"""Sessions beside the link that are tried."""
SECONDS = 30.0
AHEAD, FAR_AHEAD = 2.0, 60.0
"""Seconds two clocks may differ by before it is worth a word, and before something breaks."""
GUARD = "case $- in *i*) ;; *) return;; esac"
"""What ends ~/.bashrc where nobody types."""


class Clock(NamedTuple):
    """How a machine's clock stands to this side's: seconds it is ahead, and how sure that is."""

    ahead: float
    within: float


async def clock(link: Link) -> Clock:
    """Compare the clocks over the open link; raises Unreachable."""
    best: Clock | None = None
    for _ in range(PINGS):
        sent, began = time.time(), time.monotonic()
        answer = await link.call("ping", timeout=SECONDS)
        took = time.monotonic() - began
        there = finite(answer.get("time")) if isinstance(answer, dict) else None
        if there is not None and (best is None or took / 2 < best.within):
            best = Clock(there - (sent + took / 2), took / 2)
    if best is None:
        raise Unreachable("the machine does not say what time it is")
    return best


async def sessions(host: Host) -> int | None:
    """How many sessions the machine allows beside the link, TRIED at most; None for this machine itself."""
    if isinstance(host, LocalHost):
        return None
    opened: list[Channel] = []
    try:
        for _ in range(TRIED):
            try:
                async with asyncio.timeout(SECONDS):
                    opened.append(await host.open("exec cat"))
            except (Unreachable, TimeoutError):
                break
        return len(opened)
    finally:
        await asyncio.gather(*(channel.close() for channel in opened), return_exceptions=True)


async def examine(link: Link, host: Host, answer: Mapping[str, Any]) -> list[Check]:
    """The lines of this side; answer is the machine's own to `doctor`."""
    limit = answer.get("max_sessions")
    told = limit if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0 else None
    return [
        *shell_checks(await measure_shell(link, host)),
        clock_check(await clock(link)),
        *session_checks(await sessions(host), told),
    ]


def shell_checks(shell: Measurement) -> list[Check]:
    """What the shell's start-up files print and cost."""
    notes = shell_notes(shell)
    if not notes:
        cost = rc_cost(shell)
        words = "" if cost is None else f" and add {1000 * cost:.0f} ms to a connection"
        return [well("shell", f"its start-up files print nothing{words}")]
    hint = "let them end early where nobody types, as the first line of ~/.bashrc does after this"
    fix = f"sed -i '1i {GUARD}' ~/.bashrc"
    return [ailing("shell", "warn", note, hint, fix) for note in notes]


def clock_check(found: Clock) -> Check:
    """Whether its clock and ours agree."""
    within = f"to within {1000 * found.within:.1f} ms"
    off = abs(found.ahead)
    if off <= AHEAD + found.within:
        return well("clock", f"its clock agrees with this one {within}")
    where = "ahead of" if found.ahead > 0 else "behind"
    text = f"its clock is {durations.short(off)} {where} this one"
    hint = "times of logs and metrics are off by that, certificates may fail; one of the two is wrong"
    state = "bad" if off > FAR_AHEAD else "warn"
    return ailing("clock", state, text, hint, "sudo timedatectl set-ntp true; timedatectl")


def session_checks(beside: int | None, told: int | None) -> list[Check]:
    """Whether sshd allows sessions beside the link; told: its MaxSessions, where its files could be read."""
    if beside is None:
        return []
    says = f" (its files say MaxSessions {told})" if told is not None else ""
    if beside >= TRIED:
        return [well("sessions", f"{beside} sessions beside ours opened at once{says}")]
    text = f"sshd opens {beside} sessions beside ours{says}"
    if beside:
        return [well("sessions", f"{text}; we need none of them")]
    hint = "we need none, but nothing else can use this connection; the admin can allow more"
    fix = "echo 'MaxSessions 10' | sudo tee /etc/ssh/sshd_config.d/sessions.conf && sudo systemctl reload ssh"
    return [ailing("sessions", "warn", text, hint, fix)]


def merged(found: list[Any], own: list[Check], name: str) -> list[Check]:
    """The report on a machine: what it said, cleaned, and ours; what is wrong comes first.

    NAME in hints and fixes is the machine's.
    """
    lines = [cleaned(line) for line in found if isinstance(line, dict)] + own
    order = {"bad": 0, "warn": 1}
    lines.sort(key=lambda line: order.get(str(line["state"]), 2))
    for line in lines:
        for key in ("hint", "fix"):
            if key in line:
                line[key] = str(line[key]).replace("NAME", name)
    return [{key: value for key, value in line.items() if value} for line in lines]


def cleaned(line: Mapping[str, Any]) -> Check:
    """One line of a machine's report, with what must be there; a fix is pasted, so it is no two lines."""
    keys = ("name", "state", "text", "hint", "fix")
    kept = {key: clean_name(str(line[key]), 1000) for key in keys if line.get(key)}
    if kept.get("state") not in ("ok", "warn", "bad"):
        kept["state"] = "warn"
    return {"name": "?", "text": "", **kept}
