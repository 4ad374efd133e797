"""What machines say of their queues, as entities. Machines are not trusted to be well-formed. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from workbench.entities.queue import Cordon, MachineQueue, QueueEntry, QueueKind, QueueOutcome, QueueState
from workbench.remote.forms import protocol
from workbench.text.numbers import amount
from workbench.text.sanitize import clean, clean_name

MOST = 5000
"""Entries of one machine that are believed."""


class Queue(NamedTuple):
    """One machine's queue."""

    machine: MachineQueue
    entries: list[QueueEntry]


def read_queue(target: str, answer: Any) -> Queue:
    """A machine's answer to `queue`; entries that make no sense are left out."""
    fields = answer if isinstance(answer, dict) else {}
    listed = fields.get("entries")
    entries = [
        entry
        for item in (listed if isinstance(listed, list) else [])[:MOST]
        if (entry := _entry(target, item)) is not None
    ]
    running = sum(entry.state is QueueState.RUNNING for entry in entries)
    machine = MachineQueue(
        target=target,
        running=running,
        waiting=len(entries) - running,
        cordon=read_cordon(fields.get("cordon")),
    )
    return Queue(machine, entries)


def read_cordon(value: Any) -> Cordon | None:
    """A machine's word on whether it is cordoned; None when it is not."""
    if not isinstance(value, dict) or not value:
        return None
    return Cordon(
        drain=value.get("drain") is True,
        reason=clean_name(str(value.get("reason") or ""), 500),
        by=clean_name(str(value.get("by") or ""), 100),
        since=_moment(value.get("since")),
    )


def read_outcome(answer: Any, runs: list[str]) -> QueueOutcome:
    """A machine's answer to a change of those runs; one it says nothing of was not changed."""
    fields = answer if isinstance(answer, dict) else {}
    listed, said = fields.get("changed"), fields.get("refused")
    changed = [run for run in runs if isinstance(listed, list) and run in listed]
    why = said if isinstance(said, dict) else {}
    refused = {
        run: clean(str(why.get(run) or "its machine did not say"), 500) for run in runs if run not in changed
    }
    return QueueOutcome(changed=changed, refused=refused)


def _entry(target: str, item: Any) -> QueueEntry | None:
    if not isinstance(item, dict) or not protocol.valid_run_id(item.get("run")):
        return None
    try:
        state, kind = QueueState(str(item.get("state"))), QueueKind(str(item.get("kind", "run")))
    except ValueError:
        return None
    devices = item.get("devices")
    return QueueEntry(
        run=item["run"],
        kind=kind,
        name=clean_name(str(item.get("name") or ""), 100),
        experiment=clean_name(str(item.get("experiment") or ""), 100),
        by=clean_name(str(item.get("by") or ""), 100),
        user=clean_name(str(item.get("user") or ""), 100),
        mine=item.get("mine") is True,
        target=target,
        state=state,
        position=_whole(item.get("position")),
        gpus=_whole(item.get("gpus")) or 0,
        devices=[clean_name(str(name), 100) for name in devices[:1024]] if isinstance(devices, list) else [],
        priority=_whole(item.get("priority")) or 0,
        reason=clean(str(item.get("reason") or ""), 1000),
        expected_wait=amount(item.get("expected_wait")),
        expected_left=amount(item.get("expected_left")),
        at_most=item.get("at_most") is True,
        since=_moment(item.get("since")),
    )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53 else None


def _moment(value: Any) -> datetime | None:
    seconds = amount(value)
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
