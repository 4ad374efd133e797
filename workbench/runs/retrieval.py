"""Getting the code of runs back from a machine that has it: after `adopt`, this side knows only its id."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping

from workbench.compute.fleet import Fleet
from workbench.compute.link import Link
from workbench.compute.link_stream import LinkStream
from workbench.entities.snapshot import Manifest, entry_from_line
from workbench.errors import NotFound, RemoteError, Unreachable, WorkbenchError
from workbench.remote.snapshots import manifest as form
from workbench.remote.snapshots.contents import LENGTH
from workbench.store.async_store import AsyncStore
from workbench.store.registry import manifests
from workbench.store.runs import kept_runs
from workbench.store.sqlite.problems import explained
from workbench.text.numbers import counted

AT_ONCE = 5_000
"""Contents asked for in one request."""
IN_MEMORY = 1 << 20
"""Bytes of a content from which on it goes through a file on its way in."""


async def retrieve_manifest(store: AsyncStore, link: Link, snapshot: str) -> Manifest:
    """Keep the manifest of a snapshot that the machine has.

    Raises NotFound when it has none, RemoteError when what it says is not that snapshot, Unreachable.
    """
    answer = await link.call("manifest", {"snapshot": snapshot})
    try:
        entries = form.check_entries(answer.get("entries") or [])
    except (form.BadManifest, TypeError) as problem:
        raise RemoteError(f"the machine's manifest of snapshot {snapshot[:12]} is damaged") from problem
    found = Manifest(entries=tuple(entry_from_line(*entry) for entry in entries))
    if found.id != snapshot:
        raise RemoteError(f"the machine's manifest of snapshot {snapshot[:12]} is of another one")
    await store.write(manifests.put, found)
    return found


async def retrieve_contents(
    store: AsyncStore, fleet: Fleet, manifest: Manifest, hashes: Iterable[str] | None = None
) -> None:
    """Have the contents of a snapshot here (or those of hashes): what is missing comes from the machines.

    Machines are asked that runs with this snapshot went to. Raises NotFound when none has it all,
    Unreachable when one that may cannot be reached, StoreError.
    """
    sizes = {entry.sha256: entry.size for entry in manifest.entries if entry.sha256}
    missing = await store.missing_blobs(sizes if hashes is None else hashes)
    if not missing:
        return
    snapshot = manifest.id
    problem: WorkbenchError | None = None
    for target in await store.read(kept_runs.targets_of_snapshot, snapshot):
        try:
            link = await fleet.link(target, retry_now=True)
            for start in range(0, len(missing), AT_ONCE):
                await _receive(store, link, {sha: sizes[sha] for sha in missing[start : start + AT_ONCE]})
            return
        except (Unreachable, NotFound, RemoteError) as failed:
            if problem is None or isinstance(failed, Unreachable):
                problem = failed
            missing = await store.missing_blobs(missing)
    if isinstance(problem, Unreachable):
        raise problem
    reason = f": {problem.message}" if problem is not None else ""
    raise NotFound(
        f"{counted(len(missing), 'file')} of the code not here, and no machine has what is missing{reason}",
        "the run's own directory on its machine holds a copy of its code, for as long as the run is there",
    )


async def _receive(store: AsyncStore, link: Link, sizes: Mapping[str, int]) -> None:
    async with link.stream("contents", {"hashes": list(sizes)}) as stream:
        incoming = _Incoming(stream)
        for sha256, size in sizes.items():
            (length,) = LENGTH.unpack(b"".join([piece async for piece in incoming.take(LENGTH.size)]))
            if length != size:
                raise RemoteError(f"the machine's content {sha256[:12]} is damaged")
            with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(store.directory)) as spool:
                async for piece in incoming.take(size):
                    with explained(store.directory):
                        await asyncio.to_thread(spool.write, piece)
                spool.seek(0)
                await store.put_blob(spool, sha256)
        await stream.result()


class _Incoming:
    """The bytes of a stream, cut where the reader says."""

    def __init__(self, stream: LinkStream) -> None:
        self._stream = stream
        self._left = b""

    async def take(self, size: int) -> AsyncIterator[bytes]:
        """The next size bytes, in pieces; raises RemoteError when the stream ends before."""
        while size:
            if not self._left:
                try:
                    item = await anext(self._stream)
                except StopAsyncIteration:
                    raise RemoteError("the machine sent less than it was asked for") from None
                self._left = item if isinstance(item, bytes) else b""
            piece, self._left = self._left[:size], self._left[size:]
            size -= len(piece)
            yield piece
