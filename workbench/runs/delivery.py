"""Bringing a run to its machine: the snapshot's manifest, the blobs it lacks, then the spec.

Every step may be repeated: the machine answers a repeated submit with the run that exists.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from workbench.compute.fleet import Fleet
from workbench.compute.link import Link
from workbench.entities.snapshot import Manifest
from workbench.errors import RemoteError
from workbench.runs.activity import Progress
from workbench.runs.retrieval import retrieve_contents
from workbench.snapshots.archive import zip_blobs
from workbench.snapshots.delta import delta
from workbench.store.async_store import AsyncStore
from workbench.store.registry import manifests


async def deliver_snapshot(
    link: Link, store: AsyncStore, fleet: Fleet, snapshot: str, base: str | None, progress: Progress
) -> None:
    """Give the machine a snapshot; only what it lacks is sent.

    What is not here either comes from the fleet's machines that had it (`retrieve_contents`).
    base: a snapshot it probably has, so the manifest travels as a difference. Raises RemoteError when the
    machine refuses (disk full there ...), Unreachable when the link is lost.
    """
    answer: dict[str, Any] = {"unknown_base": True}
    if base == snapshot:  # mostly it is there whole, so its manifest is not even read here
        answer = await link.call("tree", {"snapshot": snapshot, "base": base, "removed": [], "added": []})
        if answer.get("missing") == []:
            return
    manifest = await store.read(manifests.get, snapshot)
    if base is not None and base != snapshot and await store.read(manifests.has, base):
        old = await store.read(manifests.get, base)
        answer = await link.call(
            "tree", {"snapshot": snapshot, "base": base, **delta(old, manifest)._asdict()}
        )
    if answer.get("unknown_base"):
        answer = await link.call(
            "tree", {"snapshot": snapshot, "base": None, **delta(None, manifest)._asdict()}
        )
    missing = answer.get("missing")
    if not isinstance(missing, list):
        raise RemoteError("the machine did not say which files it lacks")
    if missing:
        await _send_blobs(link, store, fleet, manifest, [str(sha) for sha in missing], progress)


async def _send_blobs(
    link: Link,
    store: AsyncStore,
    fleet: Fleet,
    manifest: Manifest,
    missing: list[str],
    progress: Progress,
) -> None:
    known = {entry.sha256: entry.size for entry in manifest.entries if entry.sha256}
    wanted = [sha for sha in missing if sha in known]  # a machine cannot ask for other files
    await retrieve_contents(store, fleet, manifest, wanted)
    paths = {sha: store.blob_path(sha) for sha in wanted}
    total = sum(known[sha] for sha in wanted)
    sent = 0

    async def source() -> AsyncIterator[bytes]:
        nonlocal sent
        blocks = zip_blobs(paths)
        while (block := await asyncio.to_thread(next, blocks, None)) is not None:
            sent += len(block)
            await progress.report("sending code", min(sent, total), total)
            yield block

    stream = link.stream("blobs", {}, source())
    async with stream:
        async for _ in stream:
            pass
        await stream.result()


async def deliver_run(link: Link, spec: dict[str, Any], secrets: dict[str, str]) -> dict[str, Any]:
    """Hand the spec over; answers the run's status object. Repeating it never starts a second run."""
    answer = await link.call("submit", {"run": spec["run"], "spec": spec, "secrets": secrets})
    status = answer.get("status")
    return status if isinstance(status, dict) else {}
