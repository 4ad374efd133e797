"""Settings that suit a machine, proposed from what was measured of it. Pure."""

from __future__ import annotations

import math
import posixpath
from typing import Any

from workbench.compute.measurement import Disk, Measurement, gpus_of
from workbench.entities.base import replace
from workbench.entities.target import TargetSettings
from workbench.text import sizes
from workbench.text.numbers import finite
from workbench.text.sanitize import clean_name

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


def propose(measured: Measurement, settings: TargetSettings) -> tuple[TargetSettings, list[str]]:
    """Settings that suit the machine, what the user set unchanged, and what the user should know. Pure."""
    changes: dict[str, Any] = {}
    notes: list[str] = []
    if settings.python is None and measured.python is not None:
        changes["python"] = measured.python
    if settings.root is None:
        root, why = _propose_root(measured)
        notes += why
        if root is not None:
            changes["root"] = root
    if settings.gpus == 0 and gpus_of(measured.facts):
        changes["gpus"] = 1
    notes += shell_notes(measured)
    notes += [clean_name(note, 400) for note in measured.unsupported]
    return replace(settings, **changes), notes


def _propose_root(measured: Measurement) -> tuple[str | None, list[str]]:
    """A better root than the home, if the home is a poor one and there is a better; and why."""
    facts = measured.facts
    fs = clean_name(str(facts.get("home_fs") or ""), 40)
    free, quota = finite(facts.get("home_free")), _quota_left(facts.get("quota"))
    reasons = []
    if fs.lower() in NETWORK:
        reasons.append(f"is on the network ({fs})")
    if free is not None and free < SMALL_HOME:
        reasons.append(f"has {sizes.short(free)} free")
    if quota is not None:
        reasons.append(f"is under a quota ({sizes.short(quota)} left)")
    if not reasons:
        return None, []
    home = f"the home there {' and '.join(reasons)}"
    room = min(
        amount for amount in (free, quota if quota and quota > 0 else None, math.inf) if amount is not None
    )
    better = [disk for disk in measured.disks if disk.free >= ROOMY and not _inside_home(disk, facts)]
    if fs.lower() not in NETWORK:
        better = [disk for disk in better if disk.free >= 2 * room]
    if not better:
        return None, [f"{home}, and no large local disk is open to you; name a folder with root=PATH"]
    best = max(better, key=lambda disk: (disk.own, disk.free))
    root = posixpath.join(best.path, ".workbench" if best.own else f"workbench-{_user(facts)}")
    return root, [f"{home}: runs are kept in {root} ({best.fs}, {sizes.short(best.free)} free)"]


def _inside_home(disk: Disk, facts: dict[str, Any]) -> bool:
    home = str(facts.get("home") or "")
    return bool(home) and (disk.path == home or disk.path.startswith(home.rstrip("/") + "/"))


def shell_notes(measured: Measurement) -> list[str]:
    """What is to be known of the machine's shell start-up files; nothing where they are quiet and quick."""
    notes = []
    if measured.noise_size:
        first = clean_name(measured.noise, 60)
        notes.append(
            f"its shell start-up files print {sizes.short(measured.noise_size)} into every command "
            f"({first!r}); harmless here, but scp and rsync stumble over it"
        )
    extra = rc_cost(measured)
    if extra is not None and extra >= SLOW_CHANNEL:
        notes.append(
            f"its shell start-up files take {extra * 1000:.0f} ms whenever a connection or command starts; "
            "the open link does not pay this"
        )
    return notes


def rc_cost(measured: Measurement) -> float | None:
    """Seconds a new channel takes beyond the network: the start-up files' cost; None if not measured."""
    if measured.channel is None or measured.round_trip is None:
        return None
    return max(0.0, measured.channel - 4 * measured.round_trip)  # open, exec, exit status, close


def _user(facts: dict[str, Any]) -> str:
    """The user's name as part of a path; the number where the name is odd."""
    name = str(facts.get("user") or "")
    return (
        name
        if name.replace("-", "").replace("_", "").replace(".", "").isalnum()
        else str(facts.get("uid", "me"))
    )


def _quota_left(quota: object) -> float | None:
    """Bytes left under the tightest quota, since none says whether it is the home's; None without one."""
    left = []
    for row in quota if isinstance(quota, list) else []:
        limit = finite(row.get("limit")) if isinstance(row, dict) else None
        if limit:
            left.append(max(0.0, limit - (finite(row.get("used")) or 0.0)))
    return min(left, default=None)
