"""What a machine said of itself: asked anew, and held against what a run wants of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from workbench.compute.link import Link
from workbench.entities.base import replace
from workbench.entities.configuration import RunConfiguration
from workbench.entities.target import Target, TargetSettings
from workbench.errors import Refused
from workbench.remote.queue.leases import resolve_devices
from workbench.runs.queue_words import read_cordon
from workbench.store.async_store import AsyncStore
from workbench.store.fleet import targets
from workbench.text.numbers import counted

PROBE_SECONDS = 60.0


async def renew_facts(store: AsyncStore, link: Link, name: str) -> Target:
    """Measure a machine again; its row with what it said. Raises Unreachable, RemoteError, NotFound."""
    facts = await link.call("facts", timeout=PROBE_SECONDS)
    seen = datetime.now(UTC)
    return await store.write(
        targets.change, name, lambda target: replace(target, facts=facts, last_seen=seen)
    )


def restarted(facts: Mapping[str, Any], hello: Mapping[str, Any]) -> bool:
    """Whether a machine was restarted since it was measured: drivers and devices may be others now."""
    known, now = facts.get("boot_id"), hello.get("boot")
    return known is not None and now is not None and known != now


def usable_gpus(settings: TargetSettings, facts: dict[str, Any]) -> int:
    """How many GPUs runs may use there, busy or not."""
    listed = facts.get("gpus")
    gpus = listed if isinstance(listed, list) else []
    found = [str(gpu["uuid"]) for gpu in gpus if isinstance(gpu, dict) and "uuid" in gpu]
    return len(resolve_devices(settings.devices, found))


async def check_gpus(store: AsyncStore, link: Link, target: Target, configuration: RunConfiguration) -> None:
    """That the machine has the GPUs a run asks for; the run would wait for ever for others.

    Only what was measured just now speaks against it. Raises Refused.
    """
    wanted = configuration.gpus if configuration.gpus is not None else target.settings.gpus
    if wanted <= usable_gpus(target.settings, target.facts):
        return
    target = await renew_facts(store, link, target.name)
    there = usable_gpus(target.settings, target.facts)
    if wanted <= there:
        return
    few = f"only {there} can" if there else "none can"
    raise Refused(
        f"{counted(wanted, 'GPU')} wanted, but {few} be used on {target.name}",
        _way_out(target, there, asked=configuration.gpus is not None),
    )


async def check_drain(link: Link, target: Target) -> None:
    """That the machine takes on new runs. Raises Refused, Unreachable."""
    answer = await link.call("cordon", {}, timeout=PROBE_SECONDS)
    cordon = read_cordon(answer.get("cordon") if isinstance(answer, dict) else None)
    if cordon is not None and cordon.drain:
        by, why = (f" by {cordon.by}" if cordon.by else "", f": {cordon.reason}" if cordon.reason else "")
        raise Refused(
            f"{target.name} is being drained{by}{why}",
            f"choose another machine, or end it: wb compute cordon {target.name} --off",
        )


def _way_out(target: Target, there: int, *, asked: bool) -> str:
    if target.settings.devices:
        chosen = ", ".join(str(device) for device in target.settings.devices)
        return f"its setting devices={chosen} says which may be used: wb compute show {target.name}"
    if not asked:
        return f"wb compute set {target.name} gpus={there}: it is what runs get there that do not say"
    ask = f"ask for {there}" if there else "leave --gpus out"
    return f"{ask}, or choose another machine: wb compute ls shows what they have"
